"""Logs and events over the API, against a bot that really listens: a test client would wait for a stream's end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from redis import Redis
from starlette.testclient import TestClient

from tests.bot.serving import PATIENCE, served
from tests.bot.town import Town, changed

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x1b]52;c;ZXZpbA==\x07 "
    "\u202eback \x9b2J <b>\x00"
)


class Stream:
    """Server-sent events as they come."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.iter_lines()

    def next(self) -> tuple[str, dict[str, Any], str]:
        """Wait for an event; give its name, data and id."""
        event: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if not line and "data" in event:
                return event["event"], json.loads(event["data"]), event.get("id", "")
            if name:
                event[name] = value
        raise AssertionError("the stream ended")


@contextmanager
def followed(town: Town, url: str, path: str, username: str = "alice", **headers: str) -> Iterator[Stream]:
    """Follow a stream."""
    sent = town.bearer(username) | {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx2.stream("GET", f"{url}/api/v1{path}", headers=sent, timeout=PATIENCE) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


def written(raw: Redis, task_id: int, *texts: str, begin: int = 1) -> None:
    """Write lines into a task's log."""
    for number, text in enumerate(texts, begin):
        raw.xadd(f"{{ablehand}}:log:{task_id}", {"s": "agent", "t": text, "at": "1.5"}, id=f"11-{number}")


def test_a_log_is_read_as_text_and_as_lines(town: Town, web: TestClient, raw: Redis) -> None:
    """Text can do nothing to a terminal or a browser; JSON lines keep what was printed, in plain ASCII."""
    task_id = town.task()
    written(raw, task_id, "first", HOSTILE)
    headers = town.bearer("rob")

    text = web.get(f"/api/v1/tasks/{task_id}/log", headers=headers)
    lines = web.get(f"/api/v1/tasks/{task_id}/log?format=jsonl&after=11-1", headers=headers)

    assert text.text == "first\nred link  back  <b>\n"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in text.headers["content-security-policy"]
    assert lines.text.isascii()
    assert [json.loads(line) for line in lines.text.splitlines()] == [
        {"id": "11-2", "step": "agent", "text": HOSTILE, "at": 1.5}
    ]


def test_a_long_log_comes_whole(town: Town, web: TestClient, raw: Redis) -> None:
    """However many lines."""
    task_id = town.task()
    written(raw, task_id, *(f"line {number}" for number in range(2500)))

    text = web.get(f"/api/v1/tasks/{task_id}/log", headers=town.bearer("rob")).text

    assert text.splitlines() == [f"line {number}" for number in range(2500)]


def test_a_log_is_followed_without_gap_or_repeat(town: Town, raw: Redis) -> None:
    """Lines come as they are written; who reconnects goes on behind the last; the end is said."""
    task_id = town.task()
    written(raw, task_id, "one")
    with served(town) as url:
        with followed(town, url, f"/tasks/{task_id}/log?format=sse") as stream:
            seen = [stream.next(), stream.next()]
            written(raw, task_id, "two", begin=2)
            seen.append(stream.next())
        written(raw, task_id, "three", begin=3)
        changed(raw, task_id, phase="failed")
        with followed(
            town, url, f"/tasks/{task_id}/log", accept="text/event-stream", last_event_id=seen[-1][2]
        ) as again:
            rest = [again.next() for _ in range(3)]

    assert [(name, data.get("text")) for name, data, _ in seen] == [("phase", None), ("line", "one"), ("line", "two")]
    assert [(name, data.get("text")) for name, data, _ in rest] == [("phase", None), ("line", "three"), ("end", None)]


def test_a_task_is_followed_to_its_end(town: Town, raw: Redis) -> None:
    """First as it is, then each time that it has changed."""
    task_id = town.task(phase="queued")
    with served(town) as url, followed(town, url, f"/tasks/{task_id}/events") as stream:
        seen = [stream.next()]
        for phase in ("working", "completed"):
            changed(raw, task_id, phase=phase)
            seen.append(stream.next())
        end = stream.next()

    assert [(name, data["phase"], data["status"]) for name, data, _ in seen] == [
        ("task", "queued", "pending"),
        ("task", "working", "running"),
        ("task", "completed", "completed"),
    ]
    assert end[0] == "end"


def test_all_tasks_are_followed_as_far_as_somebody_may(town: Town, raw: Redis) -> None:
    """Another project's is not told; who was away is told of what has changed meanwhile."""
    hidden = town.gitlab.world.add_project("shop/hidden", files={"a": "b"})
    mine, other = town.task(), town.task(project=hidden)
    with served(town) as url:
        with followed(town, url, f"/tasks/{mine}/events") as first:
            place = first.next()[2]
        changed(raw, other, prompt="secret")
        changed(raw, mine, prompt="seen")
        with followed(town, url, "/events", last_event_id=place) as stream:
            behind = stream.next()
            changed(raw, other, prompt="secret")
            changed(raw, mine, prompt="seen again")
            live = stream.next()

    assert [(data["id"], data["prompt"]) for _, data, _ in (behind, live)] == [(mine, "seen"), (mine, "seen again")]


def test_a_place_behind_the_end_has_nothing_behind_it(town: Town, web: TestClient, raw: Redis) -> None:
    """However large its numbers are."""
    task_id = town.task()
    written(raw, task_id, "one")

    answers = [
        web.get(f"/api/v1/tasks/{task_id}/log?after={place}", headers=town.bearer("alice"))
        for place in ("99999999999999999999999-1", "11-0000000000000000001", "11-0")
    ]

    assert [(answer.status_code, answer.text) for answer in answers] == [(200, ""), (200, ""), (200, "one\n")]


@pytest.mark.parametrize("path", ["/tasks/1/log?after=x", "/tasks/1/log?after=1-", "/tasks/1/log?format=html"])
def test_a_place_that_is_none_is_refused(town: Town, web: TestClient, path: str) -> None:
    """Only positions of a log get to Redis."""
    town.task()

    assert web.get(f"/api/v1{path}", headers=town.bearer("alice")).status_code == 400
