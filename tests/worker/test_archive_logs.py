"""Bringing logs to the archive: a running task's in full parts, an ended one's whole, none where it does not answer."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from core.log_archive import LogArchive
from core.log_backlog import PART_BYTES
from core.task import Phase, Task
from core.task_log import Entry, TaskLog, entry_id
from tests.worker.ledger import comment_trigger, moved, received
from tests.worker.town import Town
from worker.reconciler.archive_logs import archive_logs, expire_logs
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
TEXT = "x" * 10_000
IN_A_PART = PART_BYTES // 10_000 + 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give where the archive is."""
    return tmp_path / "archive"


@pytest.fixture
def archiving(desk: Desk, folder: Path) -> Desk:
    """Give a desk with an archive."""
    archive = LogArchive(folder.as_uri())
    settings = desk.settings.model_copy(update={"log_days": 2})
    return replace(desk, settings=settings, archive=archive, task_log=TaskLog(desk.redis, archive=archive))


@pytest.fixture
async def task(desk: Desk, town: Town) -> Task:
    """Give a task whose agent works."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))
    phases = (Phase.QUEUED, Phase.LAUNCHING, Phase.STARTING, Phase.WORKING)
    return await moved(desk, task, *phases, job_name="agent-1-a1")


async def printed(desk: Desk, task: Task, count: int) -> None:
    """Have the task's agent print lines."""
    ids = [entry_id(1, "agent", number) for number in range(1, count + 1)]
    await desk.task_log.append([(task.id, Entry(id=name, step="agent", text=TEXT, at=1.0)) for name in ids])


async def in_redis(desk: Desk, task: Task) -> int:
    """Count the lines that Redis holds."""
    return int(await desk.redis.xlen(f"{{ablehand}}:log:{task.id}"))


def objects(folder: Path) -> list[str]:
    """List what is in the archive."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def test_a_running_log_is_archived_in_full_parts(archiving: Desk, task: Task, folder: Path) -> None:
    """What does not fill one stays; the next turn finds nothing more to do."""
    await printed(archiving, task, 2 * IN_A_PART + 1)

    await archive_logs(archiving, quiet_seconds=0)
    await archive_logs(archiving, quiet_seconds=0)

    name = f"tasks/{task.id}-{task.unique_id}"
    assert objects(folder) == [
        f"{name}/11-1_11-{IN_A_PART}.jsonl.gz",
        f"{name}/11-{IN_A_PART + 1}_11-{2 * IN_A_PART}.jsonl.gz",
    ]
    assert await in_redis(archiving, task) == 1


async def test_an_ended_log_is_archived_whole_once_it_is_quiet(archiving: Desk, task: Task, folder: Path) -> None:
    """Its last lines may come after its task's end."""
    await printed(archiving, task, 3)
    await moved(archiving, task, Phase.FAILED)

    await archive_logs(archiving)
    waits = (len(objects(folder)), await in_redis(archiving, task))
    await archive_logs(archiving, quiet_seconds=0)

    assert waits == (0, 3)
    assert (len(objects(folder)), await in_redis(archiving, task)) == (1, 0)
    assert await archiving.redis.zcard("{ablehand}:logs") == 0
    assert len(await archiving.task_log.read(task.id)) == 3


async def test_an_archive_that_does_not_answer_loses_nothing(
    archiving: Desk, task: Task, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, Redis keeps the log within its bounds, and the next turn makes up for it."""
    caplog.set_level(logging.WARNING)
    await printed(archiving, task, IN_A_PART)
    blocked = folder / "tasks"
    blocked.write_text("no folder")

    await archive_logs(archiving)
    kept = await in_redis(archiving, task)
    blocked.unlink()
    await archive_logs(archiving)

    assert "logs not archived; they stay in Redis and are tried again" in caplog.text
    assert kept == IN_A_PART
    assert await in_redis(archiving, task) == 0
    assert len(await archiving.task_log.read(task.id)) > 0


async def test_a_task_that_is_gone_is_not_waited_for(archiving: Desk, task: Task, folder: Path) -> None:
    """Nobody could read its log."""
    await printed(archiving, task, 1)
    await archiving.redis.delete(f"{{ablehand}}:task:{task.id}")

    await archive_logs(archiving)

    assert objects(folder) == []


async def test_a_log_that_is_none_does_not_stop_the_others(archiving: Desk, task: Task, folder: Path) -> None:
    """What lies under its key may be anything."""
    await printed(archiving, task, IN_A_PART)
    await archiving.redis.copy(f"{{ablehand}}:task:{task.id}", "{ablehand}:task:0")
    await archiving.redis.zadd("{ablehand}:logs", {"0": 0})
    await archiving.redis.set("{ablehand}:log:0", "none")

    await archive_logs(archiving)

    assert len(objects(folder)) == 1


async def test_without_an_archive_logs_stay_in_redis(desk: Desk, task: Task) -> None:
    """And nobody keeps a list of them."""
    await printed(desk, task, IN_A_PART)

    await archive_logs(desk)
    await expire_logs(desk)

    assert await in_redis(desk, task) == IN_A_PART
    assert await desk.redis.exists("{ablehand}:logs") == 0


async def test_logs_that_were_kept_long_enough_are_deleted(archiving: Desk, task: Task, folder: Path) -> None:
    """Those that are younger than ABLEHAND_LOG_DAYS stay."""
    await printed(archiving, task, IN_A_PART)
    await archive_logs(archiving)

    await expire_logs(archiving)
    young = len(objects(folder))
    age(folder, days=3)
    await expire_logs(archiving)

    assert (young, objects(folder)) == (1, [])


def age(folder: Path, days: float) -> None:
    """Make everything in the archive older."""
    for path in folder.rglob("*.gz"):
        then = path.stat().st_mtime - days * 86_400
        os.utime(path, (then, then))
