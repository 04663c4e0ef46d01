"""How every step is entered: the desk is furnished, the step runs, and what goes wrong is counted and tried again.

The one broad except of the worker's process is here. A step that fails is rung again by the reconciler, later each
time; when that has no more sense, the task fails with a reason that people can read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from core.doorbell import STEP_OF, StepName
from core.errors import (
    ExecutorUnavailable,
    GitLabDenied,
    GitLabUnavailable,
    LeaseLost,
    SettingsError,
    StoreError,
)
from core.reasons import Reason
from core.settings import Settings
from core.task import FINAL_PHASES, Task
from worker.executors.protocol import Executor
from worker.steps.endings import end
from worker.wiring import Desk, furnish

TRIES = 5
"""Of a step that fails for a reason that will hardly go away."""
UNAVAILABLE_SECONDS = 86_400
"""How long a GitLab or a cluster that does not answer is waited for."""
LONGEST_PAUSE_SECONDS = 600

log = logging.getLogger(__name__)

Step = Callable[[Desk, Task], Awaitable[None]]


class _Process:
    furnish: Callable[[], Desk] | None = None


def configure(settings: Settings, executor: Executor) -> None:
    """Set what the steps of this process work with: RQ hands a step nothing but a task id."""
    _Process.furnish = lambda: furnish(settings, executor)


def enter(name: StepName, task_id: int, step: Step) -> None:
    """Run *step* on the task as it is now; a task that is gone is no error."""
    asyncio.run(_enter(name, task_id, step))


async def _enter(name: StepName, task_id: int, step: Step) -> None:
    if _Process.furnish is None:
        raise SettingsError("the worker was not configured")
    desk = _Process.furnish()
    try:
        task = await desk.store.get(task_id)
        if task is not None:
            await _try(desk, name, task, step)
    finally:
        await desk.redis.aclose()


async def _try(desk: Desk, name: StepName, task: Task, step: Step) -> None:
    try:
        await step(desk, task)
        await desk.store.forget_failures(task.id, name)
    except (StoreError, LeaseLost) as error:
        log.warning("step postponed", extra={"task_id": task.id, "step": name, "why": str(error)})
    except Exception as error:
        await _count(desk, name, task, error)
        raise


async def _count(desk: Desk, name: StepName, task: Task, error: Exception) -> None:
    count = await desk.store.count_failure(task.id, name)
    pause = min(desk.settings.retry_seconds * 2 ** (count - 1), LONGEST_PAUSE_SECONDS)
    now = await desk.store.get(task.id)
    if name == "report":
        await desk.store.postpone("outbox", task.id, pause)
    elif now is not None and STEP_OF.get(now.phase) == name:
        # In any other phase the deadline is a run's: it is not ours to bring forward.
        await desk.store.postpone("deadlines", task.id, pause)
    log.warning("step failed", extra={"task_id": task.id, "step": name, "tries": count, "why": str(error)})
    if now is None or not _is_hopeless(error, count, task):
        return
    if now.phase in FINAL_PHASES or name == "report":
        log.error("people can't be told", extra={"task_id": task.id, "why": str(error)})
        await desk.store.told(now)
    else:
        await end(desk, now, _reason(error), str(error))


def _is_hopeless(error: Exception, count: int, task: Task) -> bool:
    if isinstance(error, GitLabUnavailable | ExecutorUnavailable):
        entered = dict(task.phase_times).get(task.phase, task.created_at)
        return time.time() - entered > UNAVAILABLE_SECONDS
    return count >= TRIES


def _reason(error: Exception) -> Reason:
    if isinstance(error, GitLabUnavailable):
        return Reason.GITLAB
    if isinstance(error, ExecutorUnavailable):
        return Reason.CLUSTER
    return Reason.CREDENTIALS if isinstance(error, GitLabDenied) else Reason.INTERNAL
