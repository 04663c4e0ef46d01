"""One running view of the agents' namespace: two watches, the cache that they fill, and now and then a question.

Started and stopped by `worker.executors.kubernetes.observer`. Times in it are the cluster's: its objects carry them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass, field
from typing import Final

from core.errors import ExecutorError
from worker.executors.kubernetes.events import read_trouble
from worker.executors.kubernetes.labels import TASK, selector
from worker.executors.kubernetes.log_reader import PODS, LogPace
from worker.executors.kubernetes.pod_delays import explained_by, may_change
from worker.executors.kubernetes.prune import SeenJob, SeenPod, read_job, read_pod
from worker.executors.kubernetes.run_cache import RunCache
from worker.executors.kubernetes.states import run_state
from worker.executors.kubernetes.stream import ApiStream, Ask
from worker.executors.kubernetes.verdicts import Patience, Sight, is_over, needs_confirmation
from worker.executors.kubernetes.watch import ObjectWatch, Selection, WatchPace
from worker.executors.protocol import RunState

JOBS: Final = "/apis/batch/v1/namespaces/{namespace}/jobs"
EVENTS: Final = "/api/v1/namespaces/{namespace}/events"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often; seconds."""

    listing: float = 10.0
    look: float = 5.0
    """How often a run that does not get on is judged again: waiting is in vain after some time, without any event."""
    events: float = 120.0
    """How often the events of such a run are read at most."""
    watch: WatchPace = field(default_factory=WatchPace)
    log: LogPace = field(default_factory=LogPace)


class ClusterView:
    """What *stream* shows of an *installation*'s runs in its namespace. *users* is how many read it."""

    def __init__(self, stream: ApiStream, installation: str, patience: Patience, pace: Pace) -> None:
        self.stream = stream
        self._selector = selector(installation)
        self.cache = RunCache(self.now)
        self.users = 0
        self._patience = patience
        self._pace = pace
        self._jobs: ObjectWatch[SeenJob] = ObjectWatch(
            stream, Selection(JOBS, self._selector), read=read_job, tell=self.cache.take_jobs, pace=pace.watch
        )
        self._pods: ObjectWatch[SeenPod] = ObjectWatch(
            stream, Selection(PODS, self._selector), read=read_pod, tell=self.cache.take_pods, pace=pace.watch
        )
        self._events_read: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to list and to watch."""
        coroutines = (self._jobs.run(), self._pods.run(), self._ask_again())
        self._tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]

    async def stop(self) -> None:
        """End everything and close all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.stream.close()

    async def filled(self) -> None:
        """Wait until everything has been listed once."""
        listed = asyncio.create_task(self.cache.filled.wait())
        try:
            await asyncio.wait([listed, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            listed.cancel()
        self.check()

    def check(self) -> None:
        """Raise what ended a watch: nothing that a server does may, so there is no cluster, or the fault is ours."""
        for task in self._tasks:
            if task.done():
                task.result()

    @property
    def has_failed(self) -> bool:
        """Whether `check` would raise."""
        return any(task.done() for task in self._tasks)

    @property
    def in_sync(self) -> bool:
        """Whether what is missing in the cache is missing in the cluster, as far as we can know."""
        return self._jobs.in_sync and self._pods.in_sync

    @property
    def last_turn(self) -> float:
        """When the slower of the two watches did something last, by the monotonic clock."""
        return min(self._jobs.last_turn, self._pods.last_turn)

    def now(self) -> float:
        """Give the time by the cluster's clock."""
        return time.time() + self.stream.clock_offset

    def state(self, name: str) -> RunState | None:
        """Give the run's state by now; None where there is no such run."""
        sight = self.cache.sight(name)
        return run_state(sight, self.now(), self._patience) if sight else None

    def restless(self) -> set[str]:
        """Give the names of the runs whose state may change without any event."""
        sights = ((name, self.cache.sight(name)) for name in self.cache.names())
        return {name for name, sight in sights if sight and may_change(sight) and not is_over(sight)}

    async def _ask_again(self) -> None:
        """Ask the cluster for what the watches do not tell: why a run waits, and what became of a Job's Pod."""
        while True:
            await asyncio.sleep(self._pace.look)
            living = {name: sight for name in self.cache.names() if (sight := self.cache.sight(name))}
            for name, sight in living.items():
                if needs_confirmation(sight):
                    await self._confirm(name, sight.job.task_id)
            wanted = {uid: name for name, sight in living.items() if (uid := self._unexplained(sight))}
            recent = time.monotonic() - self._pace.events
            self._events_read = {uid: at for uid, at in self._events_read.items() if at > recent}
            for uid in wanted.keys() - self._events_read.keys():
                self._events_read[uid] = time.monotonic()
                await self._explain(wanted[uid], uid)

    def _unexplained(self, sight: Sight) -> str:
        return "" if is_over(sight) else explained_by(sight, self.now(), self._patience)

    async def _confirm(self, name: str, task_id: int) -> None:
        items = await self._asked("list pods", PODS, {"labelSelector": f"{self._selector},{TASK}={task_id}"})
        if items is not None:
            self.cache.take_answer(name, [pod for pod in map(read_pod, items) if pod is not None])

    async def _explain(self, name: str, uid: str) -> None:
        items = await self._asked("list events", EVENTS, {"fieldSelector": f"involvedObject.uid={uid}", "limit": "100"})
        if items is not None:
            self.cache.take_trouble(name, uid, read_trouble(items))

    async def _asked(self, what: str, path: str, query: dict[str, str]) -> list[object] | None:
        """Give the items of a short list; None where there was no answer, which is asked for again soon."""
        ask = Ask(what=what, path=path, query=query, read_seconds=self._pace.watch.list_read)
        try:
            answer = json.loads(await self.stream.read(ask))
        except (ExecutorError, ValueError) as error:
            log.warning("the cluster could not be asked", extra={"what": what, "why": str(error)})
            return None
        items = answer.get("items") if isinstance(answer, dict) else None
        return items if isinstance(items, list) else None
