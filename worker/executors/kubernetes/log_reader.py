"""Reads a step's log to its end, whatever happens to connections, and tells each line once.

A stream that ends, or says nothing, proves nothing: only the container's state in the cache ends a log, after one last
read from the last line on. While nothing happens, a reader costs an open connection and not one timer of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from core.errors import ExecutorError
from runtime.contract import Step
from worker.executors.kubernetes.backoff import Backoff
from worker.executors.kubernetes.log_lines import LogLines, since
from worker.executors.kubernetes.run_cache import RunCache
from worker.executors.kubernetes.states import StepSight
from worker.executors.kubernetes.stream import ApiStream, Ask, Body, Refused, Silent
from worker.executors.protocol import LogLine, StepPhase

PODS: Final = "/api/v1/namespaces/{namespace}/pods"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPace:
    """How often and how long; seconds."""

    first_pause: float = 1.0
    longest_pause: float = 15.0
    silence: float = 120.0
    """A follow that brings nothing for so long is made anew: a rotation may have ended it, and nobody says so."""
    settle: float = 3.0
    """How long after the end of a follow the container's end may take to be known, or the other way round."""
    last_read: float = 30.0
    patience: float = 120.0
    """How long the end of a log is asked for of a server that answers, but not with the log."""


class LogReader:
    """The log of one step of the run *name*. The container's state comes from *cache*."""

    def __init__(self, stream: ApiStream, cache: RunCache, pace: LogPace, *, name: str, step: Step) -> None:
        self._stream = stream
        self._cache = cache
        self._pace = pace
        self._name = name
        self._step = step
        self._after = 0
        self._backoff = Backoff(pace.first_pause, pace.longest_pause)
        self._refused_since = 0.0

    async def batches(self, after: int) -> AsyncGenerator[list[LogLine], None]:
        """Yield lines behind *after* as they come, some at a time, until all is read or nothing more can be."""
        self._after = after
        while (sight := await self._begun()) is not None:
            is_last = sight.phase is StepPhase.ENDED
            try:
                async with contextlib.aclosing(self._answer(sight.pod_name, follow=not is_last)) as answer:
                    async for lines in answer:
                        self._after = lines[-1].position
                        self._backoff.reset()
                        self._refused_since = 0.0
                        yield lines
            except ExecutorError as error:
                if is_last and self._gives_up(error):
                    return
                if is_last or not self._has_ended():
                    await asyncio.sleep(self._pause(error))
                continue
            if is_last:
                return
            if not await self._has_ended_soon():
                await asyncio.sleep(self._backoff.pause())

    async def _begun(self) -> StepSight | None:
        """Wait until there is something to read; None where nothing will be, or can be any more."""
        await self._cache.filled.wait()
        while True:
            sight = self._cache.step(self._name, self._step)
            if sight.is_lost:
                return None
            if sight.phase is not StepPhase.WAITING:
                return sight
            await self._cache.change(self._name)

    async def _answer(self, pod: str, *, follow: bool) -> AsyncGenerator[list[LogLine], None]:
        query = {"container": self._step.value, "timestamps": "true"}
        query |= {"follow": "true"} if follow else {}
        query |= {"sinceTime": since(self._after)} if self._after else {}
        seconds = self._pace.silence if follow else self._pace.last_read
        ask = Ask(what=f"get pods/log {pod}", path=f"{PODS}/{quote(pod)}/log", query=query, read_seconds=seconds)
        reader = LogLines(self._after)
        async with self._stream.open(ask) as body:
            with self._hung_up(body) if follow else contextlib.nullcontext():
                async for chunk in body.chunks():
                    if lines := reader.feed(chunk):
                        yield lines
            # Only here is an unfinished line known to be the last: a follow may end anywhere.
            if not follow and (lines := reader.finish()):
                yield lines

    @contextlib.contextmanager
    def _hung_up(self, body: Body) -> Iterator[None]:
        """End a follow that goes on although its container has ended: its connection may be half open."""
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []

        def look(_name: str) -> None:
            if not timers and self._has_ended():
                timers.append(loop.call_later(self._pace.settle, body.close))

        end = self._cache.listen(self._name, look)
        try:
            look(self._name)
            yield
        finally:
            end()
            for timer in timers:
                timer.cancel()

    def _has_ended(self) -> bool:
        sight = self._cache.step(self._name, self._step)
        return sight.is_lost or sight.phase is StepPhase.ENDED

    async def _has_ended_soon(self) -> bool:
        """Wait a little for the container's end to be known: its log's end is mostly heard of first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.settle):
                while not self._has_ended():
                    await self._cache.change(self._name)
        return self._has_ended()

    def _pause(self, error: ExecutorError) -> float:
        return self._backoff.pause(error.seconds if isinstance(error, Refused) else 0.0)

    def _gives_up(self, error: ExecutorError) -> bool:
        """Whether an ended container's log was asked for long enough, of a server that does answer."""
        if not isinstance(error, Refused | Silent):
            return False
        self._refused_since = self._refused_since or time.monotonic()
        if time.monotonic() - self._refused_since < self._pace.patience:
            return False
        log.warning("the end of a log could not be read", extra={"run": self._name, "why": str(error)})
        return True
