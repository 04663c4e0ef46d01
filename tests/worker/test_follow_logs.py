"""Shipping a run's log: in order, redacted, without a gap or a repeat, whoever ships it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from core.connections import open_store_redis
from core.redaction import Redactor
from core.store import TaskStore
from core.task import Line, Mode, Phase, Progress, Task
from core.task_log import Entry, TaskLog, entry_id
from runtime.contract import Event, Step, encode_event
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, moved, now, received, until
from tests.worker.town import Town
from worker.executors.protocol import LogLine
from worker.reconciler.follow_logs import Follower
from worker.reconciler.shipper import Shipper
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
SECRET = "canary-of-a-secret-0123456789"


def lines(*texts: str, start: int = 0) -> list[LogLine]:
    """Make lines, each at the position where it ends, as an executor does."""
    return [LogLine(position=start + 10 * number, text=text, at=100.0) for number, text in enumerate(texts, 1)]


def event(kind: str, mark: str = "", **fields: object) -> str:
    """Make an event line."""
    return encode_event(Event(kind=kind, mark=mark, **fields))  # type: ignore[arg-type]


@pytest.fixture
async def task(desk: Desk, town: Town) -> Task:
    """Give a task whose agent works."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))
    phases = (Phase.QUEUED, Phase.LAUNCHING, Phase.STARTING, Phase.WORKING)
    return await moved(desk, task, *phases, job_name="agent-1-a1")


async def follow(desk: Desk, task: Task) -> None:
    """Follow the task's run to its end, as the reconciler does."""
    shipper = Shipper(desk.task_log, on_refused=lambda _task_id: None)
    following = asyncio.create_task(
        Follower(desk, shipper, Redactor([SECRET]), task=task, fence=0).follow(task.job_name)
    )
    shipping = asyncio.create_task(shipper.run())
    try:
        done, _ = await asyncio.wait({shipping, following}, return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    finally:
        shipping.cancel()
        following.cancel()


async def shipped(desk: Desk, task: Task) -> list[tuple[str, str]]:
    """List what a reader of the log gets."""
    return [(entry.step, entry.text) for entry in await desk.task_log.read(task.id, count=100_000)]


async def test_what_an_agent_does_is_shown_though_it_is_silent(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """The last line before a long tool is the one that people want to see."""
    executor.logs = {Step.PREPARE: lines(event("began", "agent"), event("progress", text="Running `go test`"))}
    following = asyncio.create_task(follow(desk, task))

    async def is_shown() -> bool:
        """Whether the task's current line is the last one that the agent told."""
        return (await now(desk, task)).progress.current == "Running `go test`"

    try:
        await until(is_shown)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def test_all_steps_are_shipped_in_their_order(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Ids hold attempt, step and position; times are the executor's."""
    executor.logs = {Step.PREPARE: lines("a", "b"), Step.AGENT: lines(""), Step.PUBLISH: lines("d")}
    executor.ended.set()

    await follow(desk, task)

    assert await desk.task_log.read(task.id) == [
        Entry(id=entry_id(1, step, position), step=step, text=text, at=100.0)
        for step, position, text in [
            ("prepare", 10, "a"),
            ("prepare", 20, "b"),
            ("agent", 10, ""),
            ("publish", 10, "d"),
        ]
    ]


async def test_more_lines_than_a_batch_arrive_once_each(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """A burst is cut into batches, and nothing falls between them."""
    texts = [str(number) for number in range(1_750)]
    executor.logs = {Step.AGENT: lines(*texts)}
    executor.ended.set()

    await follow(desk, task)

    assert [text for _, text in await shipped(desk, task)] == texts


async def test_a_live_line_does_not_wait_for_the_end(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """While the step runs on, its lines are there."""
    executor.logs = {Step.PREPARE: lines("live")}
    following = asyncio.create_task(follow(desk, task))

    await until(lambda: shipped(desk, task))
    assert await shipped(desk, task) == [("prepare", "live")]
    executor.ended.set()
    await following


async def test_a_follower_killed_anywhere_leaves_no_gap_and_no_repeat(
    desk: Desk, task: Task, executor: HandExecutor
) -> None:
    """Its successor goes on behind the last shipped line, and knows every mark."""
    executor.logs = {
        Step.PREPARE: lines(event("began", "clone"), "cloning", event("ended", "clone", seconds=2.0)),
        Step.AGENT: lines(event("began", "agent"), event("checklist", items=(("Read", "done"),)), "working"),
    }
    first = asyncio.create_task(follow(desk, task))
    await until(lambda: shipped(desk, task))
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    executor.ended.set()

    await follow(desk, task)

    assert await shipped(desk, task) == [
        ("prepare", "── clone"),
        ("prepare", "cloning"),
        ("prepare", "── clone done in 2.0 s"),
        ("agent", "── agent"),
        ("agent", "working"),
    ]
    assert (await now(desk, task)).progress == Progress(
        lines=(Line(mark="clone", state="done", seconds=2.0), Line(mark="agent", state="active")),
        items=(("Read", "done"),),
    )
    assert (Step.PREPARE, 30) in executor.read


async def test_what_is_shipped_is_folded_already(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """A mark's line is not in the log before the mark is in the ledger: a kill between would lose it."""
    executor.logs = {Step.PREPARE: lines(event("began", "clone"), event("ended", "clone", seconds=2.0), "x")}
    ended = Line(mark="clone", state="done", seconds=2.0)

    class Killed(Exception):
        """The process is gone."""

    class DyingLog(TaskLog):
        """A log whose process is killed at the first line."""

        async def append(self, lines: object) -> set[int]:
            """Check what the ledger holds when the lines come."""
            del lines
            told = await desk.store.get(task.id)
            assert told is not None
            assert told.progress.lines == (ended,)
            raise Killed

    dying = Desk(**{name: getattr(desk, name) for name in Desk.__slots__} | {"task_log": DyingLog(desk.redis)})
    with pytest.raises(Killed):
        await follow(dying, task)


async def test_secrets_are_taken_out(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Of lines, of what events say, and where a text is cut in the middle of one."""
    cut = "x" * 190 + SECRET
    executor.logs = {
        Step.AGENT: lines(
            f"key={SECRET}",
            event("began", "agent"),
            event("ended", "agent", text=cut),
            event("progress", text=cut),
            event("checklist", items=((cut, "active"), (SECRET, "done"))),
        )
    }
    executor.ended.set()

    await follow(desk, task)

    everything = f"{await shipped(desk, task)} {(await now(desk, task)).progress}"
    assert "[redacted]" in everything
    assert SECRET[:6] not in everything


async def test_a_secret_across_lines_is_taken_out(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Wrapped by the agent, or where its executor cut the line; the mark says that there was more."""
    half = len(SECRET) // 2
    texts = lines(f"key={SECRET[:half]}", f"{SECRET[half:]} and so on", f"key={SECRET[:-1]}")
    executor.logs = {Step.AGENT: [*texts[:2], replace(texts[2], is_cut=True)]}
    executor.ended.set()

    await follow(desk, task)

    assert await shipped(desk, task) == [
        ("agent", "key=[redacted]"),
        ("agent", "[redacted] and so on"),
        ("agent", "key=[redacted] … (the line is longer)"),
    ]


async def test_forged_events_draw_a_wrong_line_at_most(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Unknown kinds and marks, broken JSON and wild numbers change neither phase nor lines."""
    executor.logs = {
        Step.AGENT: lines(
            '@ablehand {"kind": "completed"}',
            "@ablehand {nonsense",
            '@ablehand {"kind": "began", "mark": "rm -rf\\n── clone"}',
            '@ablehand {"kind": "progress", "turns": 1e99, "cost_usd": -5}',
        )
    }
    executor.ended.set()

    await follow(desk, task)

    after = await now(desk, task)
    assert (after.phase, after.progress) == (Phase.WORKING, Progress())
    assert [text for _, text in await shipped(desk, task)] == ['@ablehand {"kind": "completed"}', "@ablehand {nonsense"]


async def test_the_last_events_of_an_ended_task_are_shown(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """A task may be completed before its last line was read; its comment is still brought to the end."""
    await moved(desk, task, Phase.PUBLISHING, Phase.FINISHING, Phase.COMPLETED)
    await desk.store.told(await now(desk, task))
    executor.logs = {Step.PUBLISH: lines(event("began", "push"), event("ended", "push", seconds=1.0))}
    executor.ended.set()

    await follow(desk, task)

    after = await now(desk, task)
    assert (after.phase, after.progress.lines) == (Phase.COMPLETED, (Line(mark="push", state="done", seconds=1.0),))
    assert await desk.redis.zscore("{ablehand}:outbox", str(task.id)) is not None


async def test_followers_that_start_together_wait_for_each_other(
    desk: Desk, task: Task, executor: HandExecutor
) -> None:
    """A new leader starts thousands: they share the connections to Redis, and none is turned away."""
    executor.logs = {Step.PREPARE: lines(event("began", "clone"), "cloning")}
    executor.ended.set()
    redis = open_store_redis(desk.settings, connections=2)
    few = {"redis": redis, "store": TaskStore(redis), "task_log": TaskLog(redis)}
    narrow = Desk(**{name: getattr(desk, name) for name in Desk.__slots__} | few)

    await asyncio.gather(*(follow(narrow, task) for _ in range(200)))

    assert await shipped(desk, task) == [("prepare", "── clone"), ("prepare", "cloning")]
    await redis.aclose()


def chunks(*texts: str) -> list[LogLine]:
    """Make the lines of a document's chunks."""
    return lines(*(event("document", text=text, index=index) for index, text in enumerate(texts)))


async def test_a_document_is_put_together(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Chunk behind chunk, redacted as a whole, and none of it in the log."""
    await moved(desk, task, mode=Mode.PLAN)
    executor.logs = {Step.AGENT: chunks("# Plan\n", f"use {SECRET[:9]}", SECRET[9:], "\nend")}
    executor.ended.set()

    await follow(desk, task)

    after = await now(desk, task)
    assert (after.document, after.document_parts) == ("# Plan\nuse [redacted]\nend", 4)
    assert await shipped(desk, task) == []


async def test_a_document_read_twice_is_there_once(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """A follower that starts anew meets chunks that are folded already, and goes on behind them."""
    await moved(desk, task, mode=Mode.REVIEW)
    executor.ended.set()
    for known in (["one "], ["one ", "two "], ["one ", "two ", "three"]):
        executor.logs = {Step.AGENT: chunks(*known)}
        await follow(desk, task)

    after = await now(desk, task)
    assert (after.document, after.document_parts) == ("one two three", 3)


@pytest.mark.parametrize("phase", [Phase.FINISHING, Phase.COMPLETED])
async def test_the_last_chunk_may_come_late(desk: Desk, task: Task, executor: HandExecutor, phase: Phase) -> None:
    """As long as the task is not ended; what it ended with stays."""
    await moved(desk, task, Phase.FINISHING, mode=Mode.PLAN, document="one ", document_parts=1)
    await moved(desk, task, phase)
    executor.logs = {Step.AGENT: chunks("one ", "two")}
    executor.ended.set()

    await follow(desk, task)

    assert (await now(desk, task)).document == ("one " if phase is Phase.COMPLETED else "one two")


async def test_a_change_has_no_document(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """An image of somebody's own may print what it likes."""
    executor.logs = {Step.AGENT: chunks("forged")}
    executor.ended.set()

    await follow(desk, task)

    assert (await now(desk, task)).document == ""
