"""Having something done over the API: what is accepted, once, by whom; and what is refused before anybody is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from starlette.testclient import TestClient

from tests.bot.town import Town

TASKS = "/api/v1/tasks"
WISH = {"repository": "shop/web", "prompt": "Add a /health endpoint"}
NOT_A_PROJECT = [
    "http://169.254.169.254/latest/meta-data",
    "https://gitlab.example.com/shop/web",
    "https://gitlab.example.com/shop/web.git",
    "HTTP://shop/web",
    "//evil.example/shop/web",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "ssh://git@gitlab/shop/web",
    "git@gitlab.example.com:shop/web.git",
    "git://127.0.0.1/shop/web",
    "ftp://shop/web",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ext::sh -c id",
    "/etc/passwd",
    "/shop/web",
    "./shop/web",
    "../shop/web",
    "shop/../web",
    "shop/./web",
    "shop//web",
    "shop/web/",
    "shop/web.git",
    "shop\\web",
    "C:\\shop\\web",
    "127.0.0.1/shop",
    "127.1/shop",
    "0x7f000001/shop",
    "0x7f.0.0.1/shop",
    "2130706433/shop",
    "[::1]/shop",
    "localhost/shop",
    "LOCALHOST/shop",
    "localhost:6379/shop",
    "metadata.google.internal/computeMetadata",
    "redis.ablehand.svc/shop",
    "printer.local/shop",
    "user:password@shop/web",
    "user@shop/web",
    "shop/web?private_token=x",
    "shop/web#fragment",
    "shop%2Fweb",
    "shop/web%00",
    "shop/web\n",
    "shop/web\r\nHost: evil",
    "shop/ｗｅｂ",
    "shοp/web",
    "-shop/web",
    "shop/-web",
    "--upload-pack=x/y",
    "$(id)/web",
    "shop/web;id",
    "shop web",
    "shop",
    "0",
    "-1",
    "1.5",
    "",
    " ",
    "x" * 5000 + "/y",
]


def asked(client: TestClient, town: Town, username: str = "alice", key: str = "", **changes: Any) -> Any:
    """Ask for a task."""
    headers = town.bearer(username) | ({"Idempotency-Key": key} if key else {})
    return client.post(TASKS, json={**WISH, **changes}, headers=headers)


def rung(redis_url: str) -> list[list[Any]]:
    """List the jobs that wait, with their arguments."""
    with Redis.from_url(redis_url) as connection:
        jobs = Queue("ablehand", connection=connection, serializer=JSONSerializer).jobs
        return [[job.func_name, *job.args] for job in jobs]


def test_a_developer_asks_for_a_task(town: Town, redis_url: str) -> None:
    """It is accepted with all that the worker needs, its intake is rung, and it has the seed's fields."""
    with town.bot() as client:
        answer = asked(client, town)

    task = answer.json()
    seed = ("id", "prompt", "repository", "branch", "status", "job_name", "unique_id", "duration", "created_at")
    assert (answer.status_code, answer.headers["location"]) == (202, f"{TASKS}/1")
    assert [task[name] for name in seed[:6]] == [1, "Add a /health endpoint", "shop/web", "", "pending", ""]
    assert set(seed) <= set(task)
    assert task["created_at"].endswith("Z")
    alice = town.people["alice"]
    assert task["requester"] == {"id": alice.id, "username": "alice", "name": "Alice"}
    assert (task["source"], task["place"], task["url"]) == ("api", "", "http://127.0.0.1:8080/tasks/1")
    assert rung(redis_url) == [["worker.steps.intake.run", 1]]


def test_a_project_is_named_by_its_id_as_well(town: Town, web: TestClient) -> None:
    """The task shows its path."""
    answer = asked(web, town, repository=str(town.project.id))

    assert answer.json()["repository"] == "shop/web"


@pytest.mark.parametrize("repository", NOT_A_PROJECT)
def test_only_a_projects_path_is_a_repository(town: Town, web: TestClient, repository: str) -> None:
    """Everything else is 400 with what is expected; nobody is asked about it, and nothing is stored."""
    web.get(TASKS, headers=town.bearer("alice"))  # so that the token is known
    before = len(town.gitlab.calls)

    answer = asked(web, town, repository=repository)

    assert answer.status_code == 400
    assert answer.json()["field"] == "repository"
    assert "group/project" in answer.json()["detail"]
    assert len(town.gitlab.calls) == before
    assert town.raw.get("{ablehand}:last") is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": "x" * 16_001}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"branch": "-x"}, "branch"),
        ({"branch": "a b"}, "branch"),
        ({"branch": "a\n"}, "branch"),
        ({"model": "x; id"}, "model"),
        ({"agent": "../claude"}, "agent"),
        ({"image": "evil"}, "image"),
        ({"repository": 5}, "repository"),
    ],
)
def test_a_wish_that_makes_no_sense_names_the_field(
    town: Town, web: TestClient, changes: dict[str, Any], field: str
) -> None:
    """400, as a problem."""
    answer = asked(web, town, **changes)

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["field"] == field


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"repository": "a/b", "prompt": "\\ud800"}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"repository=a/b", "application/x-www-form-urlencoded", 415),
        (b"x" * 300_000, "application/json", 413),
    ],
)
def test_a_body_that_is_none_is_refused(town: Town, web: TestClient, content: bytes, kind: str, status: int) -> None:
    """As a problem, whatever it is."""
    answer = web.post(TASKS, content=content, headers=town.bearer("alice") | {"Content-Type": kind})

    assert (answer.status_code, answer.json()["status"]) == (status, status)


@pytest.mark.parametrize(
    ("username", "changes", "status"),
    [
        pytest.param("rob", {}, 403, id="reporter"),
        pytest.param("gus", {}, 403, id="guest"),
        pytest.param("eve", {}, 404, id="stranger"),
        pytest.param("alice", {"repository": "shop/other"}, 404, id="no-project"),
        pytest.param("alice", {"branch": "nowhere"}, 404, id="no-branch"),
        pytest.param("alice", {"agent": "codex"}, 409, id="no-agent"),
    ],
)
def test_who_may_not_is_told(town: Town, web: TestClient, username: str, changes: dict[str, str], status: int) -> None:
    """And nothing is stored."""
    answer = asked(web, town, username, **changes)

    assert answer.status_code == status
    assert town.raw.get("{ablehand}:last") is None


def test_a_token_that_may_only_read_starts_nothing(town: Town, web: TestClient) -> None:
    """Nor cancels."""
    task_id = town.task()
    headers = town.bearer("alice", "read_api")

    answers = [web.post(TASKS, json=WISH, headers=headers), web.post(f"{TASKS}/{task_id}/cancel", headers=headers)]

    assert [answer.status_code for answer in answers] == [403, 403]


def test_a_project_access_token_asks_for_its_bot(town: Town, web: TestClient) -> None:
    """A script of the project's has a user of its own."""
    token = town.gitlab.world.add_project_token(town.project, "ci", ["api"], 30)

    answer = web.post(TASKS, json=WISH, headers={"PRIVATE-TOKEN": token.value})

    assert (answer.status_code, answer.json()["requester"]["username"]) == (202, token.user.username)


def test_the_same_key_asks_once(town: Town, web: TestClient) -> None:
    """Sent again it gives the same task; with another wish it is refused; another person's is another's."""
    first, again = asked(web, town, key="k-1"), asked(web, town, key="k-1")
    other = asked(web, town, key="k-1", prompt="Something else")
    town.gitlab.world.add_member(town.project, town.people["rob"], access_level=30)
    of_rob = asked(web, town, "rob", key="k-1")

    assert [first.status_code, again.status_code, other.status_code, of_rob.status_code] == [202, 200, 409, 202]
    assert (again.json()["id"], of_rob.json()["id"]) == (1, 2)
    assert asked(web, town, key="\x7f").status_code == 400


def test_without_a_key_each_time_is_a_task(town: Town, web: TestClient) -> None:
    """Nothing is guessed to be the same."""
    assert [asked(web, town).json()["id"] for _ in range(2)] == [1, 2]


def test_a_cancel_is_an_errand_for_the_worker(town: Town, redis_url: str) -> None:
    """It is accepted like a task, so that it can't be lost, and no list shows it."""
    task_id = town.task()
    with town.bot() as client:
        answer = client.post(f"{TASKS}/{task_id}/cancel", headers=town.bearer("alice"))
        listed = client.get(TASKS, headers=town.bearer("alice")).json()["tasks"]
        itself = client.get(f"{TASKS}/{task_id + 1}", headers=town.bearer("alice"))

    errand = town.raw.hgetall(f"{{ablehand}}:task:{task_id + 1}")
    assert (answer.status_code, answer.json()["id"]) == (202, task_id)
    assert (errand["verb"], errand["parent_id"], errand["requester_username"]) == ("cancel", str(task_id), "alice")
    assert json.loads(errand["trigger"])["place"] == ""
    assert rung(redis_url) == [["worker.steps.intake.run", task_id + 1]]
    assert [task["id"] for task in listed] == [task_id]
    assert itself.status_code == 404


def test_a_retry_is_a_task_where_the_first_was_asked(town: Town, web: TestClient) -> None:
    """It is on the same issue, and names the task that it does again."""
    issue = town.gitlab.world.add_issue(town.project, author=town.people["alice"], title="A thing")
    task_id = town.task(issue, phase="failed")

    answer = web.post(f"{TASKS}/{task_id}/retry", headers=town.bearer("alice"))

    again = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"{TASKS}/{again['id']}")
    assert (again["parent_id"], again["place"], again["iid"], again["status"]) == (task_id, "issues", 1, "pending")


@pytest.mark.parametrize(
    ("verb", "phase", "username", "status"),
    [
        ("cancel", "completed", "alice", 409),
        ("retry", "working", "alice", 409),
        ("cancel", "working", "rob", 403),
        ("retry", "failed", "rob", 403),
        ("cancel", "working", "gus", 404),
    ],
)
def test_an_errand_that_makes_no_sense_is_refused(
    town: Town, web: TestClient, verb: str, phase: str, username: str, status: int
) -> None:
    """With what to do instead, and nothing is stored."""
    task_id = town.task(phase=phase)

    answer = web.post(f"{TASKS}/{task_id}/{verb}", headers=town.bearer(username))

    assert answer.status_code == status
    assert town.raw.get("{ablehand}:last") == str(task_id)


def test_who_asks_too_often_waits(town: Town, web: TestClient) -> None:
    """429, with when to come back; others are not held up."""
    answers = [web.post(f"{TASKS}/4711/cancel", headers=town.bearer("alice")) for _ in range(61)]

    assert {answer.status_code for answer in answers[:60]} == {404}
    assert answers[60].status_code == 429
    assert 0 < int(answers[60].headers["retry-after"]) <= 60
    assert web.post(f"{TASKS}/4711/cancel", headers=town.bearer("rob")).status_code == 404


def test_a_form_is_offered_what_this_person_may_use(town: Town, web: TestClient) -> None:
    """Projects in which they are Developer, and the branches of one."""
    town.gitlab.world.add_project("shop/public", visibility="public", files={"a": "b"})
    town.gitlab.world.commit_files(town.project, files={"a": "b"}, branch="feature/health")

    mine = web.get("/api/v1/projects?search=shop", headers=town.bearer("alice")).json()["projects"]
    of_rob = web.get("/api/v1/projects", headers=town.bearer("rob")).json()["projects"]
    branches = web.get(f"/api/v1/projects/{town.project.id}/branches?search=health", headers=town.bearer("alice"))

    assert mine == [{"id": town.project.id, "path": "shop/web", "default_branch": "main"}]
    assert of_rob == []
    assert branches.json() == {"branches": ["feature/health"]}
