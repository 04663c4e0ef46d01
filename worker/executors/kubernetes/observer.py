"""The asynchronous half of the executor for a cluster: every run's state, and the logs of their steps.

Used by the reconciler's process, through `worker.executors.kubernetes.executor`. One view of the cluster serves all who
observe or read, for as long as anybody does; a leader that comes back begins with a fresh list.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Self

from runtime.contract import Step
from worker.executors.kubernetes.cluster_view import ClusterView, Pace
from worker.executors.kubernetes.log_reader import LogReader
from worker.executors.kubernetes.stream import ApiStream
from worker.executors.kubernetes.verdicts import Patience
from worker.executors.protocol import Listing, LogLine, RunState


class Observer:
    """Observes an *installation*'s runs. *stream_factory* is called in the event loop, once for each view."""

    def __init__(
        self,
        stream_factory: Callable[[], ApiStream],
        *,
        installation: str = "ablehand",
        patience: Patience | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._stream_factory = stream_factory
        self._installation = installation
        self._patience = patience or Patience()
        self._pace = pace or Pace()
        self._view: ClusterView | None = None

    @property
    def last_turn(self) -> float:
        """When the watches last did something, by the monotonic clock; now, where nobody observes."""
        return self._view.last_turn if self._view else time.monotonic()

    async def observe(self) -> AsyncGenerator[RunState | Listing, None]:
        """Yield every run's state, then a `Listing`, then each change, as `worker.executors.protocol` has it.

        Changes that come close together are told as one. There are listings only while the cluster answers.

        Raises:
            SettingsError: There is no cluster to observe.
        """
        async with self._viewed() as view:
            await view.filled()
            listed_at = 0.0
            with _News(view) as news:
                while True:
                    view.check()
                    for state in news.take(self._pace.look):
                        yield state
                    if view.in_sync and time.monotonic() - listed_at >= self._pace.listing:
                        listed_at = time.monotonic()
                        yield Listing(names=view.cache.names())
                    await news.wait(min(self._pace.look, self._pace.listing))

    async def read_log(self, name: str, step: Step, after: int) -> AsyncGenerator[LogLine, None]:
        """Yield a step's lines behind position *after*, as `worker.executors.protocol` has it.

        A position is a time in nanoseconds. Trouble with a log is waited out; what can't be read is left out.
        """
        async with self._viewed() as view:
            reader = LogReader(view.stream, view.cache, self._pace.log, name=name, step=step)
            async with contextlib.aclosing(reader.batches(after)) as batches:
                async for lines in batches:
                    for line in lines:
                        yield line

    @contextlib.asynccontextmanager
    async def _viewed(self) -> AsyncIterator[ClusterView]:
        view = self._view
        if view is None or view.has_failed:
            view = self._view = ClusterView(self._stream_factory(), self._installation, self._patience, self._pace)
            view.start()
        view.users += 1
        try:
            yield view
        finally:
            view.users -= 1
            if not view.users:
                self._view = None if self._view is view else self._view
                await view.stop()


class _News:
    """What one observer has not been told yet."""

    def __init__(self, view: ClusterView) -> None:
        self._view = view
        self._changed = set(view.cache.names())
        self._told: dict[str, RunState] = {}
        self._woken = asyncio.Event()
        self._looked_at = 0.0
        self._end = view.cache.listen("", self._note)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._end()

    def take(self, look_seconds: float) -> list[RunState]:
        """Give the states that have changed; every *look_seconds* also those that only time has changed."""
        if time.monotonic() - self._looked_at >= look_seconds:
            self._looked_at = time.monotonic()
            self._changed |= self._view.restless()
        names, self._changed = self._changed, set()
        self._woken.clear()
        return [state for name in sorted(names) if (state := self._news(name)) is not None]

    async def wait(self, seconds: float) -> None:
        """Wait for a change, but no longer than *seconds*."""
        # Not `asyncio.wait_for`: in Python 3.11 it loses a cancellation that comes together with the change.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    def _note(self, name: str) -> None:
        self._changed.add(name)
        self._woken.set()

    def _news(self, name: str) -> RunState | None:
        state = self._view.state(name)
        if state is None:
            self._told.pop(name, None)
        elif self._told.get(name) != state:
            self._told[name] = state
            return state
        return None
