"""One RQ worker process: the doorbell's other end.

What lies in Redis is not trusted to name code: RQ imports whatever a job names, also as JSON, also as a callback or a
webhook. `StepJob` runs our own step functions with one task id, and nothing else.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from core.connections import open_queue_redis
from core.doorbell import FUNCTIONS, QUEUE
from core.heartbeat import beat
from core.settings import Settings
from worker.steps import cancel as _cancel  # noqa: F401 - imported before the fork, so that a step starts at once
from worker.steps import entry
from worker.steps import finish as _finish  # noqa: F401
from worker.steps import intake as _intake  # noqa: F401
from worker.steps import launch as _launch  # noqa: F401
from worker.steps import report as _report  # noqa: F401
from worker.wiring import choose_executor

ALLOWED: Final = frozenset(FUNCTIONS.values())
MAINTENANCE_SECONDS: Final = 60
WORKER_TTL_SECONDS: Final = 60
"""How long an idle worker waits before it looks after abandoned jobs."""
PAUSE_SECONDS: Final = 2.0
"""Between two looks for a Redis that is not there yet."""

log = logging.getLogger(__name__)


class JobRefused(Exception):
    """A job names something that is not a step of ours."""


class StepJob(Job):
    """A job that may only be a step."""

    def restore(self, raw_data: Any) -> None:
        """Read the job and forget everything that would call or import something beside the step."""
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []

    @property
    def func(self) -> Any:
        """The step's function.

        Raises:
            JobRefused: The job is none of ours.
        """
        takes_a_task = len(self.args) == 1 and type(self.args[0]) is int and not self.kwargs
        if self.func_name not in ALLOWED or self.instance is not None or not takes_a_task:
            raise JobRefused("a job that is not a step of ours was refused")
        return super().func


class StepWorker(Worker):
    """A worker that touches *heartbeat_file* whenever it tells Redis that it is alive."""

    heartbeat_file: Path | None = None

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Tell Redis, then the probe: who can't reach Redis is not well."""
        super().heartbeat(timeout, pipeline)
        beat(self.heartbeat_file)


def serve(settings: Settings) -> None:
    """Wait for Redis, then work off steps until told to stop. A step under way is finished first.

    Raises:
        SettingsError: A needed setting is missing, or asks for what there is not.
    """
    entry.configure(settings, choose_executor(settings))
    redis = open_queue_redis(settings)
    _wait_for(redis)
    queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer, job_class=StepJob)
    worker = StepWorker(
        [queue],
        connection=redis,
        serializer=JSONSerializer,
        job_class=StepJob,
        maintenance_interval=MAINTENANCE_SECONDS,
        worker_ttl=WORKER_TTL_SECONDS,
        log_job_description=False,
    )
    worker.heartbeat_file = settings.heartbeat_file
    log.info("worker started", extra={"queue": QUEUE})
    worker.work(logging_level="WARNING")


def _wait_for(redis: Redis) -> None:
    # RQ sits out a Redis that goes, but not one that was not there yet.
    while True:
        try:
            redis.ping()
        except RedisError as error:
            log.warning("waiting for Redis", extra={"why": f"{type(error).__name__}: {error}"})
            time.sleep(PAUSE_SECONDS)
        else:
            return
