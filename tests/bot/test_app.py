"""The bot over HTTP, with a real Redis behind it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from starlette.testclient import TestClient

from bot.app import build
from core.counts import COUNTS
from core.errors import SettingsError
from core.settings import Settings
from tests.bot.deliveries import SIGNING_TOKEN, encoded, issue, note, signed

HOOK = "/webhooks/gitlab"
HERE = "http://127.0.0.1:8080"


@pytest.fixture
def settings(redis_url: str) -> Settings:
    """Give settings with a signing token and the test's Redis."""
    return Settings(redis_url=redis_url, gitlab_url="https://gitlab.example", webhook_signing_token=SIGNING_TOKEN)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """Give a client of the running application."""
    with TestClient(build(settings), base_url=HERE) as client:
        yield client


def rung(redis_url: str) -> list[list[int]]:
    """List the arguments of the jobs that wait."""
    with Redis.from_url(redis_url) as connection:
        return [list(job.args) for job in Queue("ablehand", connection=connection, serializer=JSONSerializer).jobs]


def test_a_trigger_is_remembered_and_rung(settings: Settings, raw: Redis, redis_url: str) -> None:
    """202, one task, one bell with nothing but its id, rung before the process ends."""
    body = encoded(note())

    with TestClient(build(settings)) as client:
        answer = client.post(HOOK, content=body, headers=signed(body))

    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    assert raw.hget("{ablehand}:task:1", "phase") == "received"
    assert rung(redis_url) == [[1]]


def test_a_replay_is_known(client: TestClient, raw: Redis) -> None:
    """The same delivery, and the same comment by another delivery, are 200 and nothing more."""
    body = encoded(note())
    client.post(HOOK, content=body, headers=signed(body))

    replay = client.post(HOOK, content=body, headers=signed(body))
    other = client.post(HOOK, content=body, headers=signed(body, delivery="d-2"))

    assert [replay.status_code, other.status_code] == [200, 200]
    assert raw.zcard("{ablehand}:tasks") == 1


@pytest.mark.parametrize("body", [note("hello"), note(action="update"), {"object_kind": "push"}])
def test_what_does_not_concern_us_is_ignored(client: TestClient, raw: Redis, body: object) -> None:
    """GitLab is told that all is well, and nothing is stored."""
    answer = client.post(HOOK, content=encoded(body), headers=signed(encoded(body)))

    assert answer.status_code == 200
    assert set(raw.keys()) <= {COUNTS}


def test_a_label_is_accepted(client: TestClient) -> None:
    """The label is a trigger as well."""
    body = encoded(issue(before=(), now=("agent-ready",)))

    assert client.post(HOOK, content=body, headers=signed(body)).status_code == 202


@pytest.mark.parametrize(
    ("body", "age", "status"),
    [
        pytest.param(encoded(note()), None, 401, id="unsigned"),
        pytest.param(encoded(note()), 400, 401, id="old"),
        pytest.param(b"canary", 0, 400, id="not-json"),
        pytest.param(b"{}", 0, 400, id="no-kind"),
        pytest.param(b"x" * (25 * 1024 * 1024 + 1), None, 413, id="too-large"),
    ],
)
def test_bad_deliveries_are_refused(
    client: TestClient, raw: Redis, caplog: pytest.LogCaptureFixture, body: bytes, age: float | None, status: int
) -> None:
    """Each refusal has its status, nothing is stored, and neither answer nor log shows the body."""
    headers = {} if age is None else signed(body, age=age)
    with caplog.at_level(logging.DEBUG):
        answer = client.post(HOOK, content=body, headers=headers)

    assert answer.status_code == status
    assert set(raw.keys()) <= {COUNTS}
    assert "canary" not in answer.text + caplog.text


def test_a_full_redis_is_503(client: TestClient, raw: Redis) -> None:
    """GitLab is told to send it again, and can."""
    body = encoded(note())
    raw.config_set("maxmemory", 1)
    try:
        refused = client.post(HOOK, content=body, headers=signed(body))
    finally:
        raw.config_set("maxmemory", 0)

    assert refused.status_code == 503
    assert client.post(HOOK, content=body, headers=signed(body)).status_code == 202


def test_a_missing_redis_is_503(settings: Settings) -> None:
    """Without Redis the bot lives, is not ready, and takes nothing."""
    alone = settings.model_copy(update={"redis_url": Settings(redis_url="unix:///nonexistent.sock").redis_url})
    body = encoded(note())

    with TestClient(build(alone)) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        assert client.post(HOOK, content=body, headers=signed(body)).status_code == 503


def test_a_missing_redis_is_a_page_for_people(settings: Settings) -> None:
    """Who opens a page reads a sentence, with the time to wait for browsers and proxies."""
    alone = settings.model_copy(update={"redis_url": Settings(redis_url="unix:///nonexistent.sock").redis_url})

    with TestClient(build(alone), base_url=HERE) as client:
        answer = client.get("/tasks/1", headers={"Accept": "text/html,*/*;q=0.8"})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "<h1>Service Unavailable</h1>" in answer.text


def test_ready_and_alive(client: TestClient) -> None:
    """Probes answer."""
    assert client.get("/healthz").text == "alive\n"
    assert client.get("/readyz").text == "ready\n"


@pytest.mark.parametrize("token", ["", "whsec_short"])
def test_an_open_receiver_is_not_started(settings: Settings, token: str) -> None:
    """Without a webhook secret, or with a malformed one, the bot says what to set."""
    open_settings = Settings(redis_url=settings.redis_url, webhook_signing_token=token)

    with pytest.raises(SettingsError, match="ABLEHAND_WEBHOOK_SIGNING_TOKEN"):
        build(open_settings)


def a_task(client: TestClient, raw: Redis, **fields: str) -> str:
    """Make a task with *fields*; give its page's address."""
    body = encoded(note())
    client.post(HOOK, content=body, headers=signed(body))
    if fields:
        raw.hset("{ablehand}:task:1", items=[part for field in fields.items() for part in field])
    return "/tasks/1"


def test_without_sign_in_loopback_sees_everything_and_is_told_so(client: TestClient, raw: Redis) -> None:
    """An old link with its key works as well; a task that is missing is a page that says so."""
    page = a_task(client, raw, prompt="Add a thing")

    assert "Add a thing" in client.get(page).text
    assert "Nobody signs in here" in client.get(f"{page}?key=old").text
    missing = client.get("/tasks/2")
    assert (missing.status_code, "There is no such task" in missing.text) == (404, True)


def test_without_sign_in_nothing_is_shown_under_another_name(settings: Settings, raw: Redis) -> None:
    """A page elsewhere whose name is made to mean this machine reads nothing."""
    with TestClient(build(settings), base_url="http://evil.example") as client:
        page = a_task(client, raw, prompt="Add a thing")
        answers = [client.get(path) for path in ("/", page, f"{page}/summary", "/api/v1/tasks", "/api/v1/tasks/1")]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 401, 401]


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "0.0.0.0"},  # noqa: S104 - what is refused
        {"host": "::"},
        {"public_url": "https://ablehand.example"},
        {"oidc_client_id": "x", "oidc_client_secret": "y", "public_url": "https://a.example"},
        {
            "oidc_client_id": "x", "oidc_client_secret": "y", "public_url": "https://a.example",
            "session_secret": "short",
        },
    ],
    ids=["every-address", "every-address-6", "behind-a-proxy", "no-secret", "short-secret"],
)  # fmt: skip
def test_open_pages_are_not_started_for_others(settings: Settings, changes: dict[str, str]) -> None:
    """Where others than this machine would see the pages, somebody has to sign in; the sentence says what to set."""
    exposed = Settings.model_validate(settings.model_dump() | changes)

    with pytest.raises(SettingsError, match="ABLEHAND_SESSION_SECRET"):
        build(exposed)


def test_closed_pages_take_webhooks_and_tokens_alone(settings: Settings, raw: Redis) -> None:
    """Where others reach the bot before a sign-in is set up, no name opens a page, and the page says why."""
    closed = Settings.model_validate(settings.model_dump() | {"host": "0.0.0.0", "pages_closed": True})  # noqa: S104
    body = encoded(note())
    with TestClient(build(closed), base_url=HERE) as client:
        page = a_task(client, raw, prompt="Add a thing")
        answers = [client.get(path) for path in ("/", page, f"{page}/summary", "/api/v1/tasks", "/api/v1/tasks/1")]
        delivered = client.post(HOOK, content=body, headers=signed(body))

    assert [answer.status_code for answer in answers] == [403, 403, 403, 401, 401]
    assert "Nobody can sign in here yet" in answers[1].text
    assert delivered.status_code in {200, 202}


def test_hostile_text_stays_text(client: TestClient, raw: Redis) -> None:
    """Prompt, title, detail and log are escaped, and the page allows no inline script."""
    hostile = "<script>alert(1)</script>\x1b[31m"
    names = ("prompt", "title", "detail", "requester_username", "repository", "branch", "summary", "agent")
    page = a_task(client, raw, phase="failed", **dict.fromkeys(names, hostile))
    raw.xadd("{ablehand}:log:1", {"s": "agent", "t": hostile, "at": "1.0"}, id="11-5")

    answer = client.get(page)

    assert "<script>alert" not in answer.text
    assert "\x1b" not in answer.text
    assert answer.text.count("&lt;script&gt;alert(1)") >= len(names)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "same-origin"


def events(text: str) -> list[tuple[str, str]]:
    """Read server-sent events as (event, data)."""
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in text.split("\r\n\r\n")
    ]
    return [(block["event"], block["data"]) for block in blocks if "event" in block]


def test_the_live_log_ends_with_the_task(client: TestClient, raw: Redis) -> None:
    """Every line comes once and as data, then the end."""
    page = a_task(client, raw, phase="failed").replace("/tasks/1", "/api/v1/tasks/1/log?format=sse")
    for number in (5, 9):
        raw.xadd("{ablehand}:log:1", {"s": "agent", "t": f"<b>{number}\n\ndata: x", "at": "1.0"}, id=f"11-{number}")

    seen = events(client.get(page).text)
    rest = events(client.get(page, headers={"Last-Event-ID": "11-5"}).text)

    assert [name for name, _ in seen] == ["phase", "line", "line", "end"]
    assert json.loads(seen[1][1]) == {"step": "agent", "text": "<b>5\n\ndata: x", "at": 1.0}
    assert [json.loads(data)["text"][:4] for name, data in rest if name == "line"] == ["<b>9"]
