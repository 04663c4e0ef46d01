"""A task as the API shows it."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from tests.bot.town import Town


def test_the_api_tells_how_far_a_task_is(town: Town, web: TestClient) -> None:
    """What the page shows, a script can read."""
    progress = (
        '{"lines": [{"mark": "clone", "state": "done", "seconds": 2.5, "text": ""}], "current": "reading", "turns": 1, '
        '"cost_usd": 0.1, "items": [["Read", "done"]]}'
    )
    times: dict[str, Any] = {"at:received": "10.0", "at:working": "12.0"}
    town.task(progress=progress, **times)

    told = web.get("/api/v1/tasks/1", headers=town.bearer("rob")).json()["progress"]

    assert told == {
        "phases": [
            {"phase": "received", "at": "1970-01-01T00:00:10Z"},
            {"phase": "working", "at": "1970-01-01T00:00:12Z"},
        ],
        "marks": [{"text": "clone", "state": "done", "seconds": 2.5}],
        "items": [{"text": "Read", "state": "done"}],
        "current": "reading",
    }
