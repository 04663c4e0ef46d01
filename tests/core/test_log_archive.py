"""The archive: a log that is in Redis and in a folder reads as one, whoever wrote it and whatever died on the way."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.errors import ArchiveError, SettingsError
from core.log_archive import LogArchive
from core.log_backlog import PART_BYTES, LogBacklog
from core.task_log import START, Entry, TaskLog, entry_id

pytestmark = pytest.mark.anyio
FOLDER = "tasks/1-abcdefghijklmnop"
BIG = "x" * 20_000
IN_A_PART = PART_BYTES // 20_000 + 1
DAY = 86_400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give where the archive is."""
    return tmp_path / "kept logs"


@pytest.fixture
def archive(folder: Path) -> LogArchive:
    """Give an archive."""
    return LogArchive(folder.as_uri())


@pytest.fixture
def log(redis: Redis, archive: LogArchive) -> TaskLog:
    """Give the logs of all tasks."""
    return TaskLog(redis, lines=1000, size_bytes=10_000_000, archive=archive)


@pytest.fixture
def backlog(redis: Redis, log: TaskLog) -> LogBacklog:
    """Give what is to be archived."""
    return LogBacklog(redis, log, keep_seconds=1000)


def lines(*numbers: int, text: str = BIG) -> list[tuple[int, Entry]]:
    """Make lines of task 1's agent."""
    return [
        (1, Entry(id=entry_id(1, "agent", number), step="agent", text=f"{number} {text}", at=1.5)) for number in numbers
    ]


async def archived(backlog: LogBacklog, archive: LogArchive, *, ended: bool) -> int:
    """Archive all that is to be archived; count the parts."""
    parts = 0
    while cut := await backlog.cut(1, ended=ended):
        await archive.write(FOLDER, cut.part, cut.entries)
        assert await backlog.archived(1, cut, FOLDER)
        parts += 1
    return parts


async def numbers(log: TaskLog, after: str = START, count: int = 1000) -> list[str]:
    """Read the log of task 1 page by page: the first word of each line."""
    found: list[str] = []
    while page := await log.read(1, after, count=count):
        found += [entry.text.partition(" ")[0] for entry in page]
        after = page[-1].id
    return found


def objects(folder: Path) -> list[Path]:
    """List what is in the archive."""
    return [path for path in folder.rglob("*") if path.is_file()]


def shown(*several: int) -> list[str]:
    """Give what `numbers` gives."""
    return [str(number) for number in several]


async def test_full_parts_leave_redis_while_the_task_runs(
    redis: Redis, log: TaskLog, backlog: LogBacklog, archive: LogArchive
) -> None:
    """What does not fill a part stays; readers see one log, from any line of it."""
    count = 2 * IN_A_PART + 3
    await log.append(lines(*range(1, count + 1)))

    assert await archived(backlog, archive, ended=False) == 2
    assert await redis.xlen("{ablehand}:log:1") == 3
    assert await numbers(log) == shown(*range(1, count + 1))
    for number in range(count):
        assert await numbers(log, f"11-{number}") == shown(*range(number + 1, count + 1))


async def test_an_ended_log_leaves_redis(redis: Redis, log: TaskLog, backlog: LogBacklog, archive: LogArchive) -> None:
    """All of it; lines that come late follow, and what is known is not taken twice."""
    await log.append(lines(1, 2, 3))
    assert await archived(backlog, archive, ended=True) == 1
    assert await redis.xlen("{ablehand}:log:1") == 0

    await log.append(lines(2, 3, 4))

    assert await log.position(1, 1, "agent") == 4
    assert await numbers(log) == shown(1, 2, 3, 4)
    assert await archived(backlog, archive, ended=True) == 1
    assert await numbers(log, count=1) == shown(1, 2, 3, 4)
    assert await log.last(1) == "11-4"


async def test_the_last_lines_may_be_in_the_archive(log: TaskLog, backlog: LogBacklog, archive: LogArchive) -> None:
    """A glance at the end of an ended log shows its end, and of one that goes on both."""
    await log.append(lines(*range(1, 6), text="x"))
    await archived(backlog, archive, ended=True)
    assert [entry.text for entry in await log.tail(1, 2)] == ["4 x", "5 x"]

    await log.append(lines(6, text="x"))

    assert [entry.text for entry in await log.tail(1, 3)] == ["4 x", "5 x", "6 x"]
    assert len(await log.tail(1, 100)) == 6


async def test_the_mark_stays_in_the_archive(log: TaskLog, backlog: LogBacklog, archive: LogArchive) -> None:
    """Beginning and end are archived, each in parts of its own, and the line between them says what is missing."""
    for number in range(1, 1501):
        await log.append(lines(number, text="y"))
    before = await log.read(1, count=5000)

    parts = await archived(backlog, archive, ended=False), await archived(backlog, archive, ended=True)

    assert parts == (1, 1)
    assert await log.read(1) + await log.read(1, "11-500") == before
    assert [entry.text for entry in before[499:502]] == ["500 y", "… 500 lines are left out here", "1001 y"]


async def test_a_crash_before_the_note_loses_and_doubles_nothing(
    log: TaskLog, backlog: LogBacklog, archive: LogArchive, folder: Path
) -> None:
    """Who comes after the one that died writes the same object again."""
    await log.append(lines(*range(1, IN_A_PART + 1)))
    cut = await backlog.cut(1, ended=False)
    assert cut is not None
    await archive.write(FOLDER, cut.part, cut.entries)

    await archived(backlog, archive, ended=False)

    assert len(objects(folder)) == 1
    assert await numbers(log) == shown(*range(1, IN_A_PART + 1))


async def test_of_two_leaders_one_is_noted(log: TaskLog, backlog: LogBacklog, archive: LogArchive) -> None:
    """An old one that wakes up with a shorter end changes nothing any more."""
    await log.append(lines(1, 2))
    old = await backlog.cut(1, ended=True)
    await log.append(lines(3))
    young = await backlog.cut(1, ended=True)
    assert old is not None
    assert young is not None
    for cut in (old, young):
        await archive.write(FOLDER, cut.part, cut.entries)

    noted = [await backlog.archived(1, cut, FOLDER) for cut in (young, old)]

    assert noted == [True, False]
    assert await numbers(log) == shown(1, 2, 3)


async def test_objects_are_lines_of_json(log: TaskLog, backlog: LogBacklog, archive: LogArchive, folder: Path) -> None:
    """Readable without us."""
    await log.append(lines(1, 2, text="é\u2028"))
    await archived(backlog, archive, ended=True)

    [path] = objects(folder)

    assert path.relative_to(folder).as_posix() == f"{FOLDER}/11-1_11-2.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().split("\n") if line]
    assert rows == [
        {"id": f"11-{number}", "step": "agent", "text": f"{number} é\u2028", "at": 1.5} for number in (1, 2)
    ]


async def test_a_part_that_is_gone_is_said(
    log: TaskLog, backlog: LogBacklog, archive: LogArchive, folder: Path, redis: Redis
) -> None:
    """A bucket may have rules of its own; the rest is still read. So it is without an archive's setting."""
    await log.append(lines(*range(1, IN_A_PART + 2)))
    await archived(backlog, archive, ended=False)
    objects(folder)[0].unlink()

    for reader in (log, TaskLog(redis)):
        first, last = await reader.read(1), await reader.read(1, f"11-{IN_A_PART}")

        assert [entry.text for entry in first] == [f"… {IN_A_PART} lines can't be read any more"]
        assert first[0].id == f"11-{IN_A_PART}"
        assert [entry.text for entry in last] == [f"{IN_A_PART + 1} {BIG}"]


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(lambda _whole: b"", id="nothing"),
        pytest.param(lambda _whole: b"junk", id="no gzip"),
        pytest.param(lambda _whole: gzip.compress(b"[1"), id="no JSON"),
        pytest.param(lambda _whole: gzip.compress(b"{}\n"), id="no lines"),
        pytest.param(lambda _whole: gzip.compress(b""), id="empty"),
        pytest.param(lambda whole: whole[:-200], id="half of it"),
    ],
)
async def test_a_part_that_is_none_is_said(
    log: TaskLog, backlog: LogBacklog, archive: LogArchive, folder: Path, junk: Callable[[bytes], bytes]
) -> None:
    """Whatever lies there: no log has a hole that is not said."""
    await log.append(lines(*range(1, IN_A_PART + 2)))
    await archived(backlog, archive, ended=False)
    path = objects(folder)[0]
    path.write_bytes(junk(path.read_bytes()))

    assert await numbers(log) == ["…", str(IN_A_PART + 1)]


async def test_the_parts_read_last_are_kept(
    log: TaskLog, backlog: LogBacklog, archive: LogArchive, folder: Path
) -> None:
    """Page after page of a part costs one object's reading."""
    await log.append(lines(*range(1, IN_A_PART + 1)))
    await archived(backlog, archive, ended=False)
    await log.read(1, count=1)
    objects(folder)[0].unlink()

    assert await numbers(log, count=1) == shown(*range(1, IN_A_PART + 1))


async def test_old_logs_go(log: TaskLog, backlog: LogBacklog, archive: LogArchive, folder: Path) -> None:
    """A log goes as a whole, by its youngest part; what is not ours stays."""
    await log.append(lines(*range(1, IN_A_PART + 2)))
    await archived(backlog, archive, ended=True)
    others = folder / "tasks" / "photo.jpg"
    others.write_bytes(b"x")

    assert await archive.expire(days=2, now=time.time() + DAY) == 0
    assert await archive.expire(days=2, now=time.time() + 3 * DAY) == 2
    assert objects(folder) == [others]
    assert await archive.expire(days=2, now=time.time() + 3 * DAY) == 0


async def test_waiting_logs_are_listed_until_they_are_done(log: TaskLog, backlog: LogBacklog, redis: Redis) -> None:
    """One that gets a line while it is taken off the list stays on it."""
    await log.append([*lines(1), (2, Entry(id="11-1", step="agent", text="x", at=1.5))])
    assert [task_id for task_id, _ in await backlog.waiting()] == [1, 2]
    await redis.xtrim("{ablehand}:log:2", maxlen=0)

    await backlog.done(1)
    await backlog.done(2)

    assert [task_id for task_id, _ in await backlog.waiting()] == [1]


@pytest.mark.parametrize("url", ["az://container/logs", "file:///dev/null/logs"])
def test_an_address_that_does_not_work_is_said(url: str) -> None:
    """At the start, with the setting's name."""
    with pytest.raises(SettingsError, match="ABLEHAND_LOG_ARCHIVE"):
        LogArchive(url)


async def test_an_archive_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, without what its client knows of itself."""
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "invented", "AWS_REGION": "eu-central-1",
        "AWS_SECRET_ACCESS_KEY": "invented-secret",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    archive = LogArchive("s3://bucket/logs")

    with pytest.raises(ArchiveError) as error:
        await archive.expire(days=1, now=0)

    assert "127.0.0.1:9" in str(error.value)
    assert "\n" not in str(error.value)
    assert "invented" not in str(error.value)
