"""Rings a step for a task: one RQ job with the task's id as its only argument, JSON all through.

RQ is the doorbell, the task is the ledger: a bell that is lost is rung again by the reconciler, and one too many finds
nothing to do. Steps are known by name, so that the bot rings them without importing the worker.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from core.crash import point
from core.errors import StoreError
from core.task import Phase

StepName = Literal["intake", "launch", "report", "finish", "cancel"]

QUEUE: Final = "ablehand"
STEP_SECONDS: Final = 120
"""RQ ends a step that takes longer; it is re-runnable."""
FUNCTIONS: Final[dict[str, str]] = {name: f"worker.steps.{name}.run" for name in get_args(StepName)}
"""All that may stand in a job; the worker refuses anything else."""
FIRST: Final = frozenset({"intake"})
"""What goes before all that waits: somebody looks for a sign that they were heard. Of a crowd, the last one first."""
STEP_OF: Final[dict[Phase, StepName]] = {
    Phase.RECEIVED: "intake",
    Phase.QUEUED: "launch",
    Phase.LAUNCHING: "launch",
    Phase.FINISHING: "finish",
}
"""The step that a task waits for; in the other phases it waits for its run, or for nothing."""


class Doorbell:
    """Blocking; the bot and the reconciler call it in a thread. *redis* must not decode responses."""

    def __init__(self, redis: Redis) -> None:
        self._queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer, default_timeout=STEP_SECONDS)

    def waiting(self) -> int:
        """Count the jobs that no worker has taken yet.

        Raises:
            StoreError: Redis did not answer.
        """
        try:
            return int(self._queue.count)
        except (RedisError, OSError) as error:
            raise StoreError(f"count jobs: {type(error).__name__}: {error}") from error

    def ring(self, step: StepName, *task_ids: int) -> None:
        """Ask for *step* to be run for each task.

        Raises:
            StoreError: Redis did not take it; the reconciler rings again.
        """
        jobs = [
            Queue.prepare_data(
                FUNCTIONS[step],
                [task_id],
                timeout=STEP_SECONDS,
                at_front=step in FIRST,
                result_ttl=0,
                failure_ttl=86_400,
                description=f"{step} {task_id}",
            )
            for task_id in task_ids
        ]
        try:
            with point(f"ring.{step}"):
                self._queue.enqueue_many(jobs)
        except (RedisError, OSError) as error:
            raise StoreError(f"ring {step}: {type(error).__name__}: {error}") from error
