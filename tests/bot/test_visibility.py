"""Who sees and does what: as GitLab says, for pages, API and streams alike; what is not for somebody is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis
from starlette.testclient import TestClient

from simulators.gitlab.faults import Outage
from simulators.gitlab.records import Issue
from tests.bot.town import HERE, Town

Make = Callable[[Town], int]


def an_issue(town: Town, *, confidential: bool = False) -> Issue:
    """Open an issue of Alice's."""
    return town.gitlab.world.add_issue(
        town.project, author=town.people["alice"], title="A thing", confidential=confidential
    )


def calls(town: Town) -> int:
    """Count what GitLab was asked over REST."""
    return sum(call.path.startswith("/api/v4/") for call in town.gitlab.calls)


@pytest.mark.parametrize(("username", "sees"), [("alice", True), ("rob", True), ("gus", False), ("eve", False)])
def test_a_task_is_seen_by_whom_gitlab_lets_read_the_code(
    town: Town, web: TestClient, username: str, *, sees: bool
) -> None:
    """A Developer and a Reporter; a Guest and a stranger find nothing, in a list or by number."""
    task_id = town.task(an_issue(town))
    headers = town.bearer(username, "read_api")

    listed = web.get("/api/v1/tasks", headers=headers).json()["tasks"]
    answers = [web.get(f"/api/v1/tasks/{task_id}{path}", headers=headers) for path in ("", "/log", "/log?format=jsonl")]

    assert [task["id"] for task in listed] == ([task_id] if sees else [])
    assert {answer.status_code for answer in answers} == ({200} if sees else {404})


@pytest.mark.parametrize("username", ["gus", "eve"])
def test_a_page_is_as_closed_as_the_api(town: Town, web: TestClient, username: str) -> None:
    """Signed in or not: another's task looks like one that never was."""
    task_id = town.task(an_issue(town))
    town.sign_in(web, username)

    refused = [web.get(path) for path in (f"/tasks/{task_id}", f"/tasks/{task_id}/log", "/tasks/4711")]

    assert [answer.status_code for answer in refused] == [404, 404, 404]
    assert refused[0].text == refused[2].text


def test_a_public_projects_log_is_not_public(town: Town, web: TestClient) -> None:
    """Who can only read the project's code as everybody can does not see what ran."""
    public = town.gitlab.world.add_project("shop/public", visibility="public", files={"README.md": "x"})
    task_id = town.task(project=public)

    assert web.get(f"/api/v1/tasks/{task_id}", headers=town.bearer("eve")).status_code == 404


def test_an_issue_that_gitlab_does_not_show_hides_its_task(town: Town, web: TestClient) -> None:
    """One that was deleted, or that GitLab keeps from this person, takes its task along; the other stays."""
    kept, gone = an_issue(town), an_issue(town, confidential=True)
    shown, hidden = town.task(kept), town.task(gone)
    del town.project.issues[gone.iid]

    listed = web.get("/api/v1/tasks", headers=town.bearer("rob")).json()["tasks"]

    assert [task["id"] for task in listed] == [shown]
    assert web.get(f"/api/v1/tasks/{hidden}", headers=town.bearer("rob")).status_code == 404


def test_gitlab_is_asked_once_for_many_looks(town: Town, web: TestClient) -> None:
    """Its answers are kept, five minutes at most."""
    for _ in range(3):
        town.task(an_issue(town))
    web.get("/api/v1/tasks", headers=town.bearer("rob"))
    asked = calls(town)

    for _ in range(3):
        web.get("/api/v1/tasks", headers=town.bearer("rob"))

    assert calls(town) == asked
    assert asked <= 4


def test_kept_answers_are_forgotten(town: Town, web: TestClient, raw: Redis) -> None:
    """A role that was taken away counts when the answer's time is up, and that comes soon."""
    task_id = town.task(an_issue(town))
    headers = town.bearer("rob")
    assert web.get(f"/api/v1/tasks/{task_id}", headers=headers).status_code == 200
    town.gitlab.world.remove_member(town.project, town.people["rob"])

    kept = list(raw.scan_iter("{ablehand}:answer:*"))
    assert {0 < raw.ttl(key) <= 300 for key in kept} == {True}
    raw.delete(*kept)  # five minutes pass

    assert web.get(f"/api/v1/tasks/{task_id}", headers=headers).status_code == 404


def test_an_answer_to_one_token_is_none_to_another(town: Town, web: TestClient) -> None:
    """A token that may only say who it belongs to does not see what its owner's other token sees."""
    task_id = town.task(an_issue(town))
    assert web.get(f"/api/v1/tasks/{task_id}", headers=town.bearer("rob")).status_code == 200

    assert web.get(f"/api/v1/tasks/{task_id}", headers=town.bearer("rob", "read_user")).status_code == 404


def test_no_token_lies_in_redis(town: Town, web: TestClient, raw: Redis) -> None:
    """Neither as a key nor in one."""
    town.task(an_issue(town))
    web.get("/api/v1/tasks", headers=town.bearer("rob"))

    names = [str(key) for key in raw.scan_iter("*")]
    texts = [str(raw.get(name)) for name in names if raw.type(name) == "string"]

    assert town.token("rob") not in " ".join(names + texts)


@pytest.mark.parametrize(
    "headers", [{}, {"PRIVATE-TOKEN": "glpat-invented"}, {"Authorization": "Bearer glpat-invented"}]
)
def test_who_is_unknown_learns_nothing(town: Town, web: TestClient, headers: dict[str, str]) -> None:
    """No token and a wrong one are refused, and a wrong one is asked about once."""
    task_id = town.task(an_issue(town))

    answers = [web.get(f"/api/v1/tasks/{task_id}", headers=headers) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {401}
    assert calls(town) <= 1


def test_an_absent_gitlab_opens_nothing(town: Town, web: TestClient) -> None:
    """Where it does not answer, nobody is let in; what it has said before still counts."""
    task_id = town.task(an_issue(town))
    web.get(f"/api/v1/tasks/{task_id}", headers=town.bearer("rob"))
    alice = town.bearer("alice")
    town.gitlab.faults.down = Outage.BAD_GATEWAY

    known = web.get(f"/api/v1/tasks/{task_id}", headers=town.bearer("rob"))
    unknown = web.get(f"/api/v1/tasks/{task_id}", headers=alice)

    assert (known.status_code, unknown.status_code) == (200, 503)
    assert unknown.headers["content-type"] == "application/problem+json"


def test_a_list_is_filtered_and_paged(town: Town, web: TestClient) -> None:
    """Status, project, person and text; the cursor leads on, to the end."""
    other = town.gitlab.world.add_project("shop/api", files={"README.md": "x"})
    town.gitlab.world.add_member(other, town.people["rob"], access_level=20)
    one = town.task(an_issue(town), phase="failed", prompt="Mend the health check")
    two = town.task(an_issue(town))
    three = town.task(project=other, requester_username="alice")

    def ids(**query: str | int) -> list[int]:
        return [
            task["id"] for task in web.get("/api/v1/tasks", params=query, headers=town.bearer("rob")).json()["tasks"]
        ]

    assert ids() == [three, two, one]
    assert ids(status="failed") == [one]
    assert ids(project=other.id) == [three]
    assert ids(requester="ALICE") == [three]
    assert ids(text="Health") == [one]
    first = web.get("/api/v1/tasks?limit=2", headers=town.bearer("rob")).json()
    assert [task["id"] for task in first["tasks"]] == [three, two]
    assert ids(limit=2, cursor=first["next"]) == [one]
    assert web.get(f"/api/v1/tasks?cursor={two}", headers=town.bearer("rob")).json()["next"] is None


def test_a_session_may_use_the_api_from_our_pages_only(town: Town, web: TestClient) -> None:
    """Reading needs the cookie; changing also the page's token and its origin."""
    task_id = town.task(an_issue(town))
    town.sign_in(web, "alice")
    form = web.get("/").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    path = f"/api/v1/tasks/{task_id}/cancel"

    assert web.get(f"/api/v1/tasks/{task_id}").status_code == 200
    refused = [
        web.post(path),
        web.post(path, headers={"Origin": HERE}),
        web.post(path, headers={"X-CSRF-Token": form}),
        web.post(path, headers={"X-CSRF-Token": form, "Origin": "https://evil.example"}),
        web.post(path, headers={"X-CSRF-Token": "x" * 64, "Origin": HERE}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5
    assert web.post(path, headers={"X-CSRF-Token": form, "Origin": HERE}).status_code == 202
