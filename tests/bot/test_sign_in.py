"""Signing in at GitLab, with a real provider behind it; what goes wrong is a page, and nobody gets in by it."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from redis import Redis
from starlette.testclient import TestClient

from bot.sign_in import local_path
from simulators.gitlab.faults import Outage
from tests.bot.town import HERE, Town

SAME_SITE = {"Origin": HERE}


def csrf_token(client: TestClient) -> str:
    """Read the token that the page's form carries."""
    return client.get("/").text.partition('name="csrf_token" value="')[2].partition('"')[0]


def test_who_signs_in_comes_back_to_where_they_were(town: Town, web: TestClient) -> None:
    """A link from a comment leads through GitLab to the task."""
    issue = town.gitlab.world.add_issue(town.project, author=town.people["alice"], title="A thing")
    path = f"/tasks/{town.task(issue)}?key=old"

    sent = web.get(path)
    back = town.sign_in(web, "rob", parse_qs(urlsplit(sent.headers["location"]).query)["next"][0])

    assert (sent.status_code, sent.headers["location"].partition("?")[0]) == (303, "/sign-in")
    assert (back.status_code, back.headers["location"]) == (303, path)
    assert "Add a thing" in web.get(path).text
    assert "@rob" in web.get(path).text


@pytest.mark.parametrize(
    ("sent_from", "back"), [(f"{HERE}/tasks/1?a=b", "/tasks/1"), ("", "/"), ("https://evil.example//x", "//x")]
)
def test_a_form_of_somebody_who_is_signed_out_leads_back(web: TestClient, sent_from: str, back: str) -> None:
    """By a link to the page that it was sent from; where that is none of ours, the sign-in leads to the first page."""
    page = web.post("/tasks/1/cancel", headers={"Referer": sent_from})

    assert page.status_code == 401
    assert f'href="/sign-in?next={back}"' in page.text
    assert local_path(back) == ("/" if back == "//x" else back)


def test_pkce_state_and_nonce_are_asked_for(town: Town, web: TestClient) -> None:
    """GitLab gets a challenge, not the proof; and no right to change anything."""
    place = urlsplit(web.get("/sign-in").headers["location"])
    query = {name: values[0] for name, values in parse_qs(place.query).items()}

    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{town.gitlab.url}/oauth/authorize"
    assert (query["code_challenge_method"], query["scope"]) == ("S256", "openid profile read_api")
    assert all(len(query[name]) > 15 for name in ("state", "nonce", "code_challenge"))


def test_the_cookie_is_not_for_scripts_and_holds_no_token(town: Town, web: TestClient, raw: Redis) -> None:
    """It is HttpOnly and SameSite; GitLab's token is in neither cookie nor, to be read, in Redis."""
    cookie = town.sign_in(web, "alice").headers["set-cookie"]
    held = json.loads(base64.b64decode(cookie.partition("=")[2].partition(".")[0]))

    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert set(held) == {"id"}
    tokens = [token for token, kept in town.gitlab.world.tokens.items() if kept.application]
    stored = " ".join(str(raw.get(key)) for key in raw.scan_iter("{ablehand}:session:*"))
    assert len(tokens) == 1
    assert tokens[0] not in stored
    assert held["id"] not in " ".join(raw.scan_iter("*"))


def test_over_https_the_cookie_is_for_this_host_alone(town: Town) -> None:
    """Secure, and by its name bound to the host."""
    settings = town.settings.model_copy(update={"public_url": "https://ablehand.example"})
    secure = Town(**{**vars(town), "settings": settings})

    with secure.bot() as client:
        cookie = client.get("/sign-in").headers["set-cookie"]

    assert cookie.startswith("__Host-ablehand=")
    assert "; secure" in cookie


def test_the_session_gets_a_new_id(town: Town, web: TestClient) -> None:
    """Whoever planted a cookie before knows nothing afterwards."""
    town.sign_in(web, "alice")
    first = web.cookies["ablehand"]
    town.sign_in(web, "alice")

    assert web.cookies["ablehand"] != first


def test_a_session_signed_by_others_is_none(town: Town, web: TestClient) -> None:
    """A cookie with another signature is as good as no cookie."""
    town.sign_in(web, "alice")
    forged = base64.b64encode(b'{"id": "guessed"}').decode() + ".abc.def"

    assert web.get("/", headers={"Cookie": f"ablehand={forged}"}).status_code == 303


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        pytest.param({"state": "other"}, 400, "another window", id="state"),
        pytest.param({"code": "guessed"}, 400, "GitLab refused", id="code"),
        pytest.param({"code": ""}, 400, "", id="no-code"),
    ],
)
def test_a_wrong_return_is_a_page(
    town: Town, web: TestClient, change: dict[str, str], status: int, sentence: str
) -> None:
    """Nobody is signed in by it, and nobody sees a traceback."""
    back = urlsplit(town.consent(web.get("/sign-in").headers["location"], "alice"))
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | change

    answer = web.get(back.path, params=query)

    assert answer.status_code == status
    assert sentence in answer.text
    assert "<h1>" in answer.text
    assert web.get("/").status_code == 303


def test_a_return_without_a_beginning_is_a_page(web: TestClient) -> None:
    """A link that somebody sent signs nobody in."""
    answer = web.get("/sign-in/callback?code=a&state=b")

    assert answer.status_code == 400
    assert web.get("/").status_code == 303


def test_who_says_no_at_gitlab_is_told(town: Town, web: TestClient) -> None:
    """The page says how to go on."""
    back = town.consent(web.get("/sign-in").headers["location"], "alice", deny="1")

    answer = web.get(back)

    assert (answer.status_code, "did not let Ablehand in" in answer.text) == (400, True)


def test_an_absent_gitlab_is_a_page(town: Town, web: TestClient) -> None:
    """At the beginning as at the end."""
    back = town.consent(web.get("/sign-in").headers["location"], "alice")
    town.gitlab.faults.down = Outage.BAD_GATEWAY

    ended = web.get(back)
    with town.bot() as fresh:
        begun = fresh.get("/sign-in")

    assert [ended.status_code, begun.status_code] == [503, 503]
    assert "GitLab does not answer" in begun.text


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "",
        "tasks",
    ],
)
def test_nobody_is_sent_elsewhere(town: Town, web: TestClient, path: str) -> None:
    """Only a place on our own pages is gone back to."""
    assert town.sign_in(web, "alice", path).headers["location"] == "/"


def test_who_signs_out_is_out(town: Town, web: TestClient, raw: Redis) -> None:
    """The session is gone on the server, its token at GitLab too; the old cookie is worth nothing."""
    town.sign_in(web, "alice")
    cookie = web.cookies["ablehand"]

    answer = web.post("/sign-out", data={"csrf_token": csrf_token(web)}, headers=SAME_SITE)

    assert (answer.status_code, web.get(answer.headers["location"]).status_code) == (303, 200)
    assert web.get("/", headers={"Cookie": f"ablehand={cookie}"}).status_code == 303
    assert list(raw.scan_iter("{ablehand}:session:*")) == []
    assert [kept.revoked for kept in town.gitlab.world.tokens.values() if kept.application] == [True]


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_another_site_signs_nobody_out(town: Town, web: TestClient, headers: dict[str, str]) -> None:
    """Neither without the form's token nor from elsewhere."""
    town.sign_in(web, "alice")

    answers = [
        web.post("/sign-out", data={"csrf_token": csrf_token(web)}, headers=headers),
        web.post("/sign-out", data={"csrf_token": "guessed"}, headers=SAME_SITE),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert web.get("/").status_code == 200


def test_a_session_ends_with_gitlabs_token(town: Town, web: TestClient, raw: Redis) -> None:
    """It is kept for two hours, as long as the token lives."""
    town.sign_in(web, "alice")

    assert [0 < raw.ttl(key) <= 7200 for key in raw.scan_iter("{ablehand}:session:*")] == [True]
