"""A task's page over HTTP: what it shows to whom, and what its buttons do."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from redis import Redis
from starlette.testclient import TestClient

from core.record import decode
from core.task import Task
from tests.bot.test_streams import written
from tests.bot.town import HERE, Town

PATHS = ("/tasks/1", "/tasks/1/summary")


def a_task(raw: Redis, task_id: int) -> Task:
    """Read a task as it lies in the ledger."""
    record: Any = raw.hgetall(f"{{ablehand}}:task:{task_id}")
    return decode(record)


def pressed(web: TestClient, path: str, token: str | None = None, origin: str = HERE) -> httpx2.Response:
    """Press a button of task 1's page; *token* is the page's own unless told."""
    found = re.search(r'name="csrf_token" value="(\w+)"', web.get("/tasks/1").text)
    assert found
    return web.post(path, data={"csrf_token": found[1] if token is None else token}, headers={"Origin": origin})


def test_a_developer_cancels(town: Town, web: TestClient, raw: Redis) -> None:
    """The cancel is a task of its own, and the page says that it was asked for until it is done."""
    town.task()
    town.sign_in(web, "alice")

    answer = pressed(web, "/tasks/1/cancel")

    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks/1?asked=cancel")
    assert (a_task(raw, 2).verb, a_task(raw, 2).parent_id) == ("cancel", 1)
    assert "The cancel was asked for" in web.get("/tasks/1?asked=cancel").text
    raw.hset("{ablehand}:task:1", "phase", "cancelled")
    assert "The cancel was asked for" not in web.get("/tasks/1?asked=cancel").text


def test_a_developer_tries_again(town: Town, web: TestClient, raw: Redis) -> None:
    """They come to the page of the second attempt."""
    town.task(phase="failed")
    town.sign_in(web, "alice")

    answer = pressed(web, "/tasks/1/retry")

    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks/2")
    assert (a_task(raw, 2).verb, a_task(raw, 2).parent_id) == ("retry", 1)


@pytest.mark.parametrize("verb", ["cancel", "retry"])
@pytest.mark.parametrize(("token", "origin"), [("", HERE), ("0" * 64, HERE), (None, "https://evil.example")])
def test_another_page_presses_no_button(
    town: Town, web: TestClient, raw: Redis, verb: str, token: str | None, origin: str
) -> None:
    """Neither without the form's token nor from elsewhere."""
    town.task(phase="working" if verb == "cancel" else "failed")
    town.sign_in(web, "alice")

    answer = pressed(web, f"/tasks/1/{verb}", token, origin)

    assert (answer.status_code, raw.exists("{ablehand}:task:2")) == (403, 0)


@pytest.mark.parametrize("phase", ["working", "failed"])
def test_a_reporter_sees_no_buttons_and_can_press_none(town: Town, web: TestClient, raw: Redis, phase: str) -> None:
    """What is seen can't be done."""
    town.task(phase=phase)
    town.sign_in(web, "rob")

    page = web.get("/tasks/1").text
    [token] = re.findall(r'name="csrf_token" value="(\w+)"', page)  # the one to sign out with
    answers = [
        web.post(f"/tasks/1/{verb}", data={"csrf_token": token}, headers={"Origin": HERE})
        for verb in ("cancel", "retry")
    ]

    assert not re.search("Cancel…|Retry|Ask again", page)
    assert [answer.status_code for answer in answers] == [403, 403]
    assert raw.exists("{ablehand}:task:2") == 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("username", ["gus", "eve"])
def test_who_may_not_see_it_finds_nothing(town: Town, web: TestClient, path: str, username: str) -> None:
    """As if there was no such task."""
    town.task(prompt="secret")
    town.sign_in(web, username)

    seen, none = web.get(path), web.get(path.replace("1", "9"))

    assert (seen.status_code, none.status_code) == (404, 404)
    assert seen.text == none.text


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_a_stranger_presses_nothing(town: Town, web: TestClient, raw: Redis, verb: str) -> None:
    """Another project's task is not there."""
    town.task()
    town.sign_in(web, "eve")

    answer = web.post(f"/tasks/1/{verb}", headers={"Origin": HERE})

    assert (answer.status_code, raw.exists("{ablehand}:task:2")) == (404, 0)


def test_only_buttons_that_make_sense_are_there(town: Town, web: TestClient) -> None:
    """Cancel while it runs, retry where it failed, ask again when it has ended."""
    for phase in ("working", "failed", "completed"):
        town.task(phase=phase)
    town.sign_in(web, "alice")

    offered = [
        re.findall(r"Cancel…|Retry|/tasks/new\?like=\d", web.get(f"/tasks/{number}").text) for number in (1, 2, 3)
    ]

    assert offered == [["Cancel…"], ["/tasks/new?like=2", "Retry"], ["/tasks/new?like=3"]]


def test_a_finished_task_shows_what_came_of_it(town: Town, web: TestClient) -> None:
    """The merge request, the size of the change, cost and tokens; an address that is none of the web's is no link."""
    fields: dict[str, Any] = {
        "phase": "completed", "commit": "c0ffee", "merge_request_iid": 7, "files_changed": 2, "lines_added": 1200,
        "lines_removed": 3, "cost_usd": "0.42", "tokens": 48211, "started_at": "10.0", "ended_at": "75.0",
    }  # fmt: skip
    town.task(**fields, merge_request_url="https://gitlab.example/shop/web/-/merge_requests/7")
    town.task(**fields, merge_request_url="javascript:alert(1)")
    town.sign_in(web, "alice")

    page, other = (re.sub(r"<[^>]*>|\s+", " ", web.get(f"/tasks/{number}").text) for number in (1, 2))

    shown = [" ".join(text.split()) for text in (page, other)]
    for text in ("The work is done. Open merge request !7", "2 files +1,200 −3", "$0.42", "48,211", "took 1 min 5 s"):
        assert text in shown[0]
    assert "javascript" not in web.get("/tasks/2").text


def test_a_queued_task_says_its_place_and_what_it_waits_for(town: Town, web: TestClient, raw: Redis) -> None:
    """Among all that wait; which limit, where one is in its way."""
    town.task(phase="queued")
    town.task(phase="queued")
    raw.zadd("{ablehand}:queue", {"2": 1, "1": 2})
    town.sign_in(web, "alice")

    assert "number 2 in the queue<" in web.get("/tasks/1").text
    raw.sadd("{ablehand}:slots", "3", "4", "5", "6")
    assert "number 2 in the queue: 4 runs go on in all, the limit here<" in web.get("/tasks/1").text


def test_the_end_of_the_log_needs_no_script(town: Town, web: TestClient, raw: Redis) -> None:
    """As many lines as the page has room for, the youngest; long ones are cut, and nothing in them does anything."""
    town.task()
    written(raw, 1, *(f"line {number}." for number in range(500)), "x" * 2**20, "\x1b]52;c;x\x07<b>\u202e\x00end")
    town.sign_in(web, "alice")

    page = web.get("/tasks/1").text

    assert "line 299." not in page
    assert "line 499." in page
    assert f"<span>{'x' * 1000}… (1,047,576 more characters)</span>" in page
    assert "<span>&lt;b&gt;[U+202E]end</span>" in page
    assert len(page) < 60_000


def test_a_log_of_long_lines_is_light_as_well(town: Town, web: TestClient, raw: Redis) -> None:
    """All lines together have no more room than is there."""
    town.task()
    written(raw, 1, *("y" * 5000 for _ in range(100)))
    town.sign_in(web, "alice")

    page = web.get("/tasks/1").text

    assert 20_000 < page.count("y") < 40_000


def test_a_log_that_cannot_be_read_takes_nothing_else_away(town: Town, web: TestClient, raw: Redis) -> None:
    """The page says so in its place."""
    town.task(prompt="Add a thing")
    raw.set("{ablehand}:log:1", "no log")
    town.sign_in(web, "alice")

    page = web.get("/tasks/1")

    assert page.status_code == 200
    assert "Add a thing" in page.text
    assert "The log can't be read at the moment." in page.text
