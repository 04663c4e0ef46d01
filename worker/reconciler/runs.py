"""Follows every run: what the executor sees becomes the task's phase, its log is shipped, what is over is cleared away.

Level-triggered: each state is judged against the task as it is now, and again at every listing, so that a judgement
that failed is made up for.
"""

from __future__ import annotations

import asyncio
import logging
import time

from core.crash import point
from core.errors import AblehandError
from core.redaction import Redactor
from core.task import Phase, Reason, Task
from worker.executors.protocol import Listing, RunState
from worker.orders import deadline_seconds, run_name
from worker.reconciler.decide import FOLLOWED, Move, decide
from worker.reconciler.follow_logs import Follower
from worker.reconciler.turns import guarded
from worker.steps.endings import end, ring_after
from worker.steps.launch import GRACE_SECONDS
from worker.wiring import Desk

log = logging.getLogger(__name__)


class Runs:
    """The leader's view of all runs.

    *fence* goes with every change. *absent_seconds* is how long a run must be missing from the listings before it
    counts as lost; by default as long as anything else that did not get through.
    """

    def __init__(self, desk: Desk, fence: int, *, absent_seconds: float | None = None) -> None:
        self._absent_seconds = absent_seconds or desk.settings.retry_seconds
        self._desk = desk
        self._fence = fence
        self._redactor = Redactor(desk.settings.secrets())
        self._states: dict[str, RunState] = {}
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._absent_since: dict[int, float] = {}

    async def watch(self) -> None:
        """Judge what the executor sees, as it comes. Endless."""
        try:
            async for seen in self._desk.executor.observe():
                if isinstance(seen, RunState):
                    self._states[seen.name] = seen
                    await guarded(self._judge(seen), seen.name)
                else:
                    await guarded(self._look_over(seen), "all")
        finally:
            for follower in self._followers.values():
                follower.cancel()

    async def _look_over(self, listing: Listing) -> None:
        for name in set(self._states) - listing.names:
            del self._states[name]
        for state in list(self._states.values()):
            await guarded(self._judge(state), state.name)
        await self._look_for_lost(listing)

    async def _judge(self, state: RunState) -> None:
        task = await self._desk.store.get(state.task_id)
        if task is None or run_name(task) != state.name:
            await self._clear(state)
            return
        # Also that of a final task: a leader before us may have shipped half of it.
        self._follow(task, state)
        if task.phase.is_final:
            await self._clear(state)
            return
        move = decide(task, state)
        if move is not None:
            await self._make(task, move)

    async def _make(self, task: Task, move: Move) -> None:
        deadline = self._desk.settings.retry_seconds if move.to is Phase.FINISHING else self._remaining(task)
        texts = {name: self._redactor(text) for name, text in move.fields.items() if isinstance(text, str)}
        changed = await self._desk.store.change(
            task, move.to, deadline_seconds=deadline, fence=self._fence, **(move.fields | texts)
        )
        if changed is None:
            return
        log.info("run moved its task", extra={"task_id": task.id, "phase": move.to.value})
        if move.to is Phase.FINISHING:
            await asyncio.to_thread(self._desk.doorbell.ring, "finish", task.id)
        elif move.to.is_final:
            await ring_after(self._desk, changed)

    def _remaining(self, task: Task) -> float:
        """Seconds that the run still has: its deadline is the run's, not each phase's."""
        launched = dict(task.phase_times).get(Phase.LAUNCHING, task.created_at)
        return max(5.0, launched + deadline_seconds(self._desk.settings) + GRACE_SECONDS - time.time())

    def _follow(self, task: Task, state: RunState) -> None:
        if state.name in self._followers:
            return
        follower = Follower(self._desk, self._redactor, task_id=task.id, attempt=task.attempt, fence=self._fence)
        self._followers[state.name] = asyncio.create_task(self._ship(follower, state.name))

    async def _ship(self, follower: Follower, name: str) -> None:
        try:
            await follower.follow(name)
        except AblehandError as error:
            # Without its entry, the next judgement starts a new follower behind the last shipped line.
            log.warning("log shipping stopped; it goes on soon", extra={"run": name, "why": str(error)})
            self._followers.pop(name, None)

    async def _clear(self, state: RunState) -> None:
        follower = self._followers.get(state.name)
        if not state.ended:
            with point("executor.cancel"):
                await asyncio.to_thread(self._desk.executor.cancel, state.name)
        elif follower is None or follower.done():
            with point("executor.remove"):
                await asyncio.to_thread(self._desk.executor.remove, state.name)
            self._states.pop(state.name, None)
            self._followers.pop(state.name, None)

    async def _look_for_lost(self, listing: Listing) -> None:
        absent = set()
        for task_id in await self._desk.store.live():
            task = await self._desk.store.get(task_id)
            if task is None or task.phase not in FOLLOWED - {Phase.LAUNCHING} or run_name(task) in listing.names:
                continue
            absent.add(task_id)
            since = self._absent_since.setdefault(task_id, time.monotonic())
            if time.monotonic() - since > self._absent_seconds:
                await end(self._desk, task, Reason.LOST)
        self._absent_since = {task_id: since for task_id, since in self._absent_since.items() if task_id in absent}
