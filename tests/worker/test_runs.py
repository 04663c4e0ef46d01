"""The leader's view of the runs: what it moves, what it ends, and what it clears away."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.errors import Fenced
from core.reasons import Reason
from core.task import Phase, Task
from runtime.contract import Step, StepResult
from tests.worker.hand_executor import HandExecutor, over, run_state, running
from tests.worker.ledger import bells, comment_trigger, moved, now, received, until
from tests.worker.test_follow_logs import lines
from tests.worker.town import Town
from worker.executors.protocol import Listing
from worker.reconciler.runs import Runs
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
NAME = "agent-1-a1"
PUSHED = over(Step.PUBLISH, StepResult(ok=True, commit="c0ffee", branch="agent/1-x"))


@pytest.fixture
async def task(desk: Desk, town: Town) -> Task:
    """Give a task whose run was started."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))
    return await moved(desk, task, Phase.QUEUED, Phase.LAUNCHING, Phase.STARTING, job_name=NAME)


@pytest.fixture
async def watching(desk: Desk) -> AsyncIterator[asyncio.Task[None]]:
    """Watch the runs as the leader does, losing patience soon."""
    task = asyncio.create_task(Runs(desk, fence=1, absent_seconds=0.05).watch())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Fenced):
        await task


async def looked_over(executor: HandExecutor, *names: str) -> None:
    """Let the leader see a listing, and have done with it."""
    executor.seen.put_nowait(Listing(names=frozenset(names)))
    await settle(executor)


async def settle(executor: HandExecutor) -> None:
    """Wait until everything that was seen is judged."""
    executor.seen.put_nowait(Listing(names=frozenset([NAME])))

    async def idle() -> bool:
        """Look for the quiet."""
        await asyncio.sleep(0.05)
        return executor.seen.empty()

    await until(idle)


@pytest.mark.usefixtures("watching")
async def test_a_run_takes_its_task_to_finishing(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Its log is shipped, and finish is rung once."""
    executor.logs = {Step.PREPARE: lines("hello")}
    executor.ended.set()
    executor.seen.put_nowait(run_state(NAME, running(Step.PREPARE)))
    executor.seen.put_nowait(run_state(NAME, over(Step.PREPARE), over(Step.AGENT), PUSHED, ended=True))
    await settle(executor)
    await until(lambda: bells(desk.redis))
    await until(lambda: desk.task_log.read(task.id))

    after = await now(desk, task)
    assert (after.phase, after.commit, after.started_at) == (Phase.FINISHING, "c0ffee", 100.0)
    assert await bells(desk.redis) == ["finish 1"]
    assert [entry.text for entry in await desk.task_log.read(task.id)] == ["hello"]
    assert executor.removed == []


@pytest.mark.usefixtures("watching")
async def test_a_run_that_nobody_asked_for_is_ended(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """The run of a vanished task, of an older attempt, and of a final task are cancelled, each by its name."""
    executor.seen.put_nowait(run_state("agent-77-a1", running(Step.AGENT), task_id=77))
    executor.seen.put_nowait(run_state("agent-1-a0", running(Step.AGENT)))
    await settle(executor)
    assert executor.cancelled[:2] == ["agent-77-a1", "agent-1-a0"]

    await moved(desk, task, Phase.FAILED)
    executor.seen.put_nowait(run_state(NAME, running(Step.AGENT)))
    await settle(executor)
    assert NAME in executor.cancelled
    assert executor.removed == []


@pytest.mark.parametrize("is_known", [True, False], ids=["same-leader", "new-leader"])
async def test_an_ended_run_is_removed_when_its_log_is_shipped(
    desk: Desk, task: Task, executor: HandExecutor, *, is_known: bool
) -> None:
    """Also by a leader that comes when the task is final already."""
    executor.logs = {Step.PREPARE: lines("first"), Step.AGENT: lines("last")}
    watching = asyncio.create_task(Runs(desk, fence=1).watch())
    if is_known:
        executor.seen.put_nowait(run_state(NAME, running(Step.AGENT)))
        await settle(executor)
    await moved(desk, task, Phase.FAILED)
    executor.seen.put_nowait(run_state(NAME, over(Step.AGENT), ended=True))
    await looked_over(executor, NAME)
    assert executor.removed == []

    executor.ended.set()

    async def removed() -> bool:
        """Look for the removal."""
        await looked_over(executor, NAME)
        return bool(executor.removed)

    await until(removed)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching

    assert executor.removed == [NAME]
    assert [entry.text for entry in await desk.task_log.read(task.id)] == ["first", "last"]


@pytest.mark.usefixtures("watching")
async def test_a_lost_run_is_given_up_after_a_while(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """One listing without it is no loss; then finish asks GitLab what became of it."""
    executor.gone = {NAME}
    executor.seen.put_nowait(Listing(names=frozenset()))
    await until(lambda: _is(executor.seen.empty()))
    assert (await now(desk, task)).phase is Phase.STARTING

    async def lost() -> bool:
        """Look for the end."""
        executor.seen.put_nowait(Listing(names=frozenset()))
        return (await now(desk, task)).phase is not Phase.STARTING

    await until(lost)
    await until(lambda: bells(desk.redis))
    after = await now(desk, task)
    assert (after.phase, after.reason, after.commit) == (Phase.FINISHING, Reason.LOST, "")
    assert await bells(desk.redis) == [f"finish {task.id}"]


@pytest.mark.usefixtures("watching")
async def test_a_run_that_only_the_listings_miss_is_not_lost(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """The executor itself is asked before anything is given up."""
    executor.gone = set()
    await settle(executor)

    async def missed() -> bool:
        """Let time pass without it."""
        executor.seen.put_nowait(Listing(names=frozenset()))
        await asyncio.sleep(0.02)
        return executor.asked >= 2

    await until(missed)
    assert (await now(desk, task)).phase is Phase.STARTING


@pytest.mark.usefixtures("watching")
async def test_a_run_that_waits_in_vain_is_failed_and_ended(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """An image that can't be pulled: nothing of the run has ended, and nothing ever will."""
    executor.seen.put_nowait(run_state(NAME, problem=Reason.IMAGE, detail="pull of x failed"))
    await settle(executor)

    after = await now(desk, task)
    assert (after.phase, after.reason, after.detail) == (Phase.FAILED, Reason.IMAGE, "pull of x failed")
    assert NAME in executor.cancelled


@pytest.mark.usefixtures("watching")
async def test_what_a_run_waits_for_is_told_until_it_starts(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """The words go into the progress once, and go away when the run begins."""
    waits = replace(run_state(NAME), waiting="no node has room: 0/3 nodes")
    for _ in range(3):
        executor.seen.put_nowait(waits)
    await settle(executor)
    told = await now(desk, task)
    assert told.progress.current == "no node has room: 0/3 nodes"

    executor.seen.put_nowait(run_state(NAME, running(Step.PREPARE)))
    await settle(executor)

    assert told.version == task.version + 1
    assert (await now(desk, task)).progress.current == ""


@pytest.mark.usefixtures("watching")
async def test_a_slow_cancel_does_not_hold_up_the_others(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Ending one run takes as long as its pods; meanwhile the next is judged."""
    executor.cancel_gate = threading.Event()
    executor.seen.put_nowait(run_state("agent-77-a1", running(Step.AGENT), task_id=77))
    executor.seen.put_nowait(run_state(NAME, running(Step.AGENT)))

    try:
        await until(lambda: _phase_is(desk, task, Phase.WORKING))
        assert executor.cancelled == ["agent-77-a1"]
    finally:
        executor.cancel_gate.set()


@pytest.mark.usefixtures("watching")
async def test_a_run_that_is_seen_again_is_not_lost(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Absence counts from the last time that the run was seen."""
    for _ in range(3):
        executor.seen.put_nowait(Listing(names=frozenset()))
        await settle(executor)

    assert (await now(desk, task)).phase is Phase.STARTING


async def test_an_old_leader_moves_nothing(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Fenced off, it stops watching."""
    for holder in ("a", "b"):
        await desk.redis.delete("{ablehand}:lease")
        await desk.store.lead(holder, milliseconds=1000, fence=0)
    executor.seen.put_nowait(run_state(NAME, running(Step.AGENT)))

    with pytest.raises(Fenced):
        async with asyncio.timeout(60):
            await Runs(desk, fence=1).watch()

    assert (await now(desk, task)).phase is Phase.STARTING


async def test_shipping_goes_on_after_redis_was_away(
    desk: Desk, task: Task, executor: HandExecutor, watching: asyncio.Task[None]
) -> None:
    """A follower that met an error is replaced at the next look, and what was missed is shipped."""
    executor.logs = {Step.PREPARE: lines("hello")}
    key = "{ablehand}:log:1"
    await desk.redis.set(key, "in the way")
    executor.seen.put_nowait(run_state(NAME, running(Step.PREPARE)))
    await settle(executor)
    await desk.redis.delete(key)

    async def there() -> bool:
        """Look for the line."""
        await looked_over(executor, NAME)
        return bool(await desk.task_log.read(task.id))

    await until(there)
    assert not watching.done()


async def _phase_is(desk: Desk, task: Task, phase: Phase) -> bool:
    return (await now(desk, task)).phase is phase


async def _is(value: object) -> bool:
    return bool(value)
