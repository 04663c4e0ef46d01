"""How a step is entered: what fails is counted and put off, what is hopeless ends, and nothing else is touched."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from redis import Redis

from core.errors import ExecutorUnavailable, GitLabDenied, GitLabError, GitLabUnavailable, LeaseLost, StoreError
from core.reasons import Reason
from core.scripts import PREFIX
from core.settings import Settings
from core.task import Phase, Task
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, moved, now, received, taken_in
from tests.worker.town import Town
from worker.reconciler.doorkeeper import ring_overdue
from worker.steps import entry, finish, launch
from worker.steps import report as report_step
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def failing(settings: Settings, task: Task, error: Exception, *, times: int = 1, name: str = "intake") -> None:
    """Enter a step that raises *error*, as an RQ worker does."""

    async def step(_desk: Desk, _task: Task) -> None:
        """Fail."""
        raise error

    entry.configure(settings, HandExecutor())
    for _ in range(times):
        with pytest.raises(type(error)):
            await asyncio.to_thread(entry.enter, name, task.id, step)  # type: ignore[arg-type]


async def due_in(desk: Desk, kind: str, task: Task) -> float:
    """Tell in how many seconds the task is looked at again."""
    at = await desk.redis.zscore(f"{PREFIX}:{kind}", str(task.id))
    return float(at or 0) - time.time()


async def test_each_failure_is_put_off_longer(desk: Desk, town: Town, settings: Settings) -> None:
    """The pause doubles from the setting on; the task stays what it is."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))
    pauses = []
    for _ in range(3):
        await failing(settings, task, GitLabError("no"))
        pauses.append(round(await due_in(desk, "deadlines", task) / settings.retry_seconds))

    assert pauses == [1, 2, 4]
    assert await now(desk, task) == task


async def test_a_step_that_gets_through_is_counted_anew(desk: Desk, town: Town, settings: Settings) -> None:
    """Four failures, a success and four failures end nothing."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))

    async def fine(_desk: Desk, _task: Task) -> None:
        """Do nothing, well."""

    for _ in range(2):
        await failing(settings, task, GitLabError("no"), times=entry.TRIES - 1)
        await asyncio.to_thread(entry.enter, "intake", task.id, fine)

    assert (await now(desk, task)).phase is Phase.RECEIVED


@pytest.mark.parametrize(
    ("error", "reason"),
    [(GitLabDenied("issue: 401"), Reason.CREDENTIALS), (ZeroDivisionError("oh"), Reason.INTERNAL)],
    ids=["denied", "unknown"],
)
async def test_a_hopeless_step_fails_its_task(
    desk: Desk, town: Town, settings: Settings, error: Exception, reason: Reason
) -> None:
    """After the last try people are told why, and not before."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))

    await failing(settings, task, error, times=entry.TRIES - 1)
    assert (await now(desk, task)).phase is Phase.RECEIVED
    await failing(settings, task, error)

    ended = await now(desk, task)
    assert (ended.phase, ended.reason, ended.detail) == (Phase.FAILED, reason, str(error))
    assert (await desk.store.due())[1] == [task.id]


AWAY = {
    "gitlab": (GitLabUnavailable("502"), Reason.GITLAB),
    "cluster": (ExecutorUnavailable("no answer", Reason.CLUSTER), Reason.CLUSTER),
}


@pytest.mark.parametrize("error", [error for error, _ in AWAY.values()], ids=AWAY.keys())
async def test_who_is_away_is_waited_for(desk: Desk, town: Town, settings: Settings, error: Exception) -> None:
    """Many more tries than for a refusal end nothing."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))

    await failing(settings, task, error, times=2 * entry.TRIES)

    assert (await now(desk, task)).phase is Phase.RECEIVED
    assert await due_in(desk, "deadlines", task) <= entry.LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize(("error", "reason"), AWAY.values(), ids=AWAY.keys())
async def test_who_is_away_for_a_day_fails_the_task(
    desk: Desk, town: Town, settings: Settings, error: Exception, reason: Reason
) -> None:
    """That long ago the task entered its phase."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))
    entered = time.time() - entry.UNAVAILABLE_SECONDS - 60
    await desk.redis.hset(f"{PREFIX}:task:{task.id}", "at:received", str(entered))

    await failing(settings, task, error)

    assert (await now(desk, task)).reason == reason


@pytest.mark.parametrize("error", [StoreError("gone"), LeaseLost("another's")], ids=["store", "lease"])
async def test_what_another_will_do_is_not_counted(
    desk: Desk, town: Town, settings: Settings, error: Exception
) -> None:
    """A Redis that hiccups, or a lease that is another's, is neither a failure nor an error of the job."""
    task = await received(desk, comment_trigger(town.say("/agent do it")))

    async def step(_desk: Desk, _task: Task) -> None:
        """Fail."""
        raise error

    entry.configure(settings, HandExecutor())
    await asyncio.to_thread(entry.enter, "intake", task.id, step)

    assert await now(desk, task) == task
    assert await desk.redis.exists(f"{PREFIX}:failures:{task.id}:intake") == 0


async def test_a_task_that_is_gone_is_no_error(redis_url: str, town: Town) -> None:
    """An old bell finds nothing to do."""
    entry.configure(town.settings(redis_url), HandExecutor())

    for run in (launch.run, report_step.run, finish.run):
        await asyncio.to_thread(run, 4711)

    with Redis.from_url(redis_url) as redis:
        assert redis.keys("*task*") == []


async def test_a_report_that_fails_does_not_end_the_run(desk: Desk, town: Town, settings: Settings) -> None:
    """A GitLab hiccup while the agent works puts the comment off, and leaves the run its time."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    task = await moved(desk, task, Phase.LAUNCHING, Phase.STARTING, Phase.WORKING, deadline_seconds=3600)
    quick = settings.model_copy(update={"retry_seconds": 0.001})
    town.server.faults.answer("POST", "/notes$", status=502)
    entry.configure(quick, HandExecutor())

    with pytest.raises(GitLabUnavailable):
        await asyncio.to_thread(report_step.run, task.id)
    await asyncio.sleep(0.01)
    await ring_overdue(desk, (await desk.store.due())[0])

    assert (await now(desk, task)).phase is Phase.WORKING
    assert await due_in(desk, "deadlines", task) > 3000
    assert await due_in(desk, "outbox", task) < 1


async def test_a_report_that_is_refused_is_given_up(desk: Desk, town: Town, settings: Settings) -> None:
    """A locked issue is tried a few times; the task goes on untold, and is not failed by it."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    town.server.faults.answer("GET", "/notes$", status=403, times=99)
    entry.configure(settings, HandExecutor())

    for number in range(entry.TRIES):
        assert await desk.redis.zscore(f"{PREFIX}:outbox", str(task.id)) is not None, number
        with pytest.raises(GitLabDenied):
            await asyncio.to_thread(report_step.run, task.id)

    assert await desk.redis.zscore(f"{PREFIX}:outbox", str(task.id)) is None
    assert (await now(desk, task)).phase is Phase.QUEUED


async def test_a_launch_that_fails_is_charged_to_its_own_task(desk: Desk, town: Town, settings: Settings) -> None:
    """A late bell of a task that works already fills slots; what goes wrong with another is not its failure."""
    working = await taken_in(desk, comment_trigger(town.say("/agent do one thing")))
    working = await moved(desk, working, Phase.LAUNCHING, Phase.STARTING, Phase.WORKING, deadline_seconds=3600)
    entry.configure(settings.model_copy(update={"max_runs": 20}), HandExecutor())
    for number in range(entry.TRIES):
        await taken_in(desk, comment_trigger(town.say(f"/agent do thing {number}")))
        town.server.faults.answer("GET", f"/projects/{town.project.id}$", status=403)
        with contextlib.suppress(GitLabDenied):
            await asyncio.to_thread(launch.run, working.id)
        town.server.faults.clear()

    assert (await now(desk, working)).phase is Phase.WORKING
    assert await desk.redis.exists(f"{PREFIX}:failures:{working.id}:launch") == 0
