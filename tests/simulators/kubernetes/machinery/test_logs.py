"""How a container's log is read, followed and rotated."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from simulators.kubernetes.log_request import LogOptions
from simulators.kubernetes.logs import AtRotation, ContainerLog

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * SECOND


def noon_log() -> ContainerLog:
    """Return a log with a line half a second before noon, at noon and half a second after."""
    log = ContainerLog()
    for number, text in enumerate((b"before", b"noon", b"after")):
        log.write(text, NOON_NS + (number - 1) * SECOND // 2)
    return log


async def read(log: ContainerLog, **options: Any) -> bytes:
    """Return all that one reader gets."""
    return b"".join([chunk async for chunk in log.read(LogOptions("main", **options))])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, b"before\nnoon\nafter\n"),
        ({"tail_lines": 2}, b"noon\nafter\n"),
        ({"tail_lines": 0}, b""),
        ({"tail_lines": 9}, b"before\nnoon\nafter\n"),
        ({"since": NOON}, b"noon\nafter\n"),
        ({"since": NOON.replace(microsecond=400_000)}, b"noon\nafter\n"),
        ({"since": NOON, "tail_lines": 1}, b"after\n"),
        ({"limit_bytes": 9}, b"before\nno"),
        ({"timestamps": True, "tail_lines": 1}, b"2026-11-22T12:00:00.500000000Z after\n"),
    ],
    ids=["all", "tail", "tail 0", "long tail", "since", "since in a second", "since and tail", "bytes", "stamps"],
)
async def test_a_reader_gets_what_it_asks_for(options: dict[str, Any], expected: bytes) -> None:
    """A sinceTime counts in whole seconds; tail comes before it; the stamp has nine digits always."""
    assert await read(noon_log(), **options) == expected


async def test_no_two_lines_have_the_same_stamp() -> None:
    """What is printed at once is still told apart, and the stamps never go back."""
    log = ContainerLog()
    for at in (NOON_NS, NOON_NS, NOON_NS - SECOND):
        log.write(b"same", at)

    stamps = [line.split()[0] for line in (await read(log, timestamps=True)).splitlines()]

    assert stamps == sorted(set(stamps))
    assert len(stamps) == 3


async def test_a_follower_gets_each_line_as_it_comes_and_ends_with_the_container() -> None:
    """Nothing is lost between what was there, what comes, and the end."""
    log, got = noon_log(), asyncio.Queue[bytes]()

    async def follow() -> None:
        """Keep what a follower gets."""
        async for chunk in log.read(LogOptions("main", follow=True)):
            got.put_nowait(chunk)

    following = asyncio.create_task(follow())
    assert await got.get() == b"before\nnoon\nafter\n"
    log.write(b"one", NOON_NS)
    assert await got.get() == b"one\n"
    log.write(b"two", NOON_NS)
    log.write(b"three", NOON_NS)
    log.close()

    await asyncio.wait_for(following, 5)
    assert [got.get_nowait() for _ in range(got.qsize())] == [b"two\nthree\n"]


async def test_a_rotated_log_is_readable_from_its_new_part_alone() -> None:
    """What was before the rotation is gone for those who come later."""
    log = noon_log()
    log.rotate()
    log.write(b"new", NOON_NS + SECOND)

    assert await read(log) == b"new\n"


async def test_a_log_is_rotated_when_it_gets_too_long() -> None:
    """At its limit a new part begins; nobody needs to ask."""
    log = ContainerLog(rotation_bytes=100)
    for _ in range(3):
        log.write(b"x" * 30, NOON_NS)

    assert await read(log) == b"x" * 30 + b"\n"


@pytest.mark.parametrize(
    ("at_rotation", "expected"),
    [
        (AtRotation.GOES_ON, b"before\nnoon\nafter\nlast\nnew\n"),
        (AtRotation.ENDS, b"before\nnoon\nafter\nlast\n"),
        (AtRotation.HANGS, b"before\nnoon\nafter\nlast\n"),
    ],
)
async def test_a_follower_meets_a_rotation(at_rotation: AtRotation, expected: bytes) -> None:
    """By the fault that is set it goes on without a loss, ends early, or hears no more although the container ends."""
    log, got = noon_log(), bytearray()
    log.at_rotation = at_rotation

    async def follow() -> None:
        """Keep what a follower gets."""
        async for chunk in log.read(LogOptions("main", follow=True)):
            got.extend(chunk)

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    log.write(b"last", NOON_NS)
    log.rotate()
    log.write(b"new", NOON_NS)
    log.close()
    done, pending = await asyncio.wait([following], timeout=0.2 if at_rotation is AtRotation.HANGS else 60)

    assert bytes(got) == expected
    assert (len(done), len(pending)) == ((0, 1) if at_rotation is AtRotation.HANGS else (1, 0))
    following.cancel()
