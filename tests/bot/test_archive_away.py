"""The archive of logs does not answer: who reads a log there is told so, whatever form they read it in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis
from starlette.testclient import TestClient

from tests.bot.test_streams import written
from tests.bot.town import Town

AWAY = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "invented", "AWS_REGION": "eu-central-1",
    "AWS_SECRET_ACCESS_KEY": "invented",
}  # fmt: skip


@pytest.fixture
def town(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Give a town whose bot has an archive that does not answer."""
    for name, value in AWAY.items():
        monkeypatch.setenv(name, value)
    return replace(town, settings=town.settings.model_copy(update={"log_archive": "s3://bucket/logs"}))


def archived(raw: Redis, task_id: int, first: str, last: str) -> None:
    """Note that a part of a log is there."""
    state: dict[Any, Any] = {"archived": last, "folder": f"tasks/{task_id}-u{task_id}", f"part:{first}_{last}": "2"}
    raw.hset(f"{{ablehand}}:log:{task_id}:state", mapping=state)


@pytest.mark.parametrize("form", ["text", "jsonl", "sse"])
def test_a_log_that_can_not_be_read_is_503(town: Town, web: TestClient, raw: Redis, form: str) -> None:
    """With a sentence, and no answer that begins well and breaks off."""
    task_id = town.task(phase="completed")
    archived(raw, task_id, "11-1", "11-2")

    answer = web.get(f"/api/v1/tasks/{task_id}/log?format={form}", headers=town.bearer("alice"))

    assert answer.status_code == 503
    assert answer.json()["detail"]


def test_what_redis_holds_is_read_without_the_archive(town: Town, web: TestClient, raw: Redis) -> None:
    """Who goes on behind what is there reads on."""
    task_id = town.task()
    archived(raw, task_id, "11-1", "11-2")
    written(raw, task_id, "three", begin=3)

    answer = web.get(f"/api/v1/tasks/{task_id}/log?after=11-2", headers=town.bearer("alice"))

    assert (answer.status_code, answer.text) == (200, "three\n")


def test_it_is_not_taken_for_redis(town: Town, web: TestClient, raw: Redis, caplog: pytest.LogCaptureFixture) -> None:
    """The reader is told that the archive does not answer, and so is the operator."""
    task_id = town.task(phase="completed")
    archived(raw, task_id, "11-1", "11-2")

    answer = web.get(f"/api/v1/tasks/{task_id}/log", headers=town.bearer("alice"))

    assert "archive of logs" in answer.json()["detail"]
    assert "the archive of logs does not answer" in caplog.messages
    assert "Redis is not there" not in caplog.messages
