"""Follows every run: what the executor sees becomes the task's phase, its log is shipped, what is over is cleared away.

Level-triggered: each state is judged against the task as it is now, and again at every listing, so that a judgement
that failed is made up for. Clearing away waits for the executor, so it is done beside the judging.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from core.crash import point
from core.errors import AblehandError
from core.reasons import RETRIED_REASONS, Reason
from core.redaction import Redactor
from core.task import Phase, Task
from worker.executors.protocol import Listing, RunState
from worker.orders import overdue_seconds, run_name
from worker.reconciler.decide import FOLLOWED, Move, decide, settled
from worker.reconciler.follow_logs import Follower
from worker.reconciler.shipper import Shipper
from worker.reconciler.turns import Turns, guarded
from worker.steps.endings import ring_after
from worker.wiring import Desk

log = logging.getLogger(__name__)


class Runs:
    """The leader's view of all runs.

    *fence* goes with every change. *absent_seconds* is how long a run must be missing from the listings before it
    counts as lost; by default as long as anything else that did not get through. *turns* is told of every listing that
    was looked over.
    """

    def __init__(
        self, desk: Desk, fence: int, *, absent_seconds: float | None = None, turns: Turns | None = None
    ) -> None:
        self._turns = turns or Turns()
        self._absent_seconds = absent_seconds or desk.settings.retry_seconds
        self._desk = desk
        self._fence = fence
        self._redactor = Redactor(desk.settings.secrets())
        self._shipper = Shipper(desk.task_log, self._follow_anew)
        self._states: dict[str, RunState] = {}
        self._followers: dict[str, asyncio.Task[None]] = {}
        """Each bears its task's id as its name."""
        self._clearing: dict[str, asyncio.Task[bool]] = {}
        self._absent_since: dict[int, float] = {}

    async def watch(self) -> None:
        """Judge what the executor sees, as it comes. Endless."""
        shipping = asyncio.create_task(self._shipper.run())
        try:
            async for seen in self._desk.executor.observe():
                if isinstance(seen, RunState):
                    self._states[seen.name] = seen
                    await guarded(self._look_at(seen), seen.name)
                elif await guarded(self._look_over(seen), "all"):
                    self._turns.note("look_over_runs")
        finally:
            for task in (shipping, *self._followers.values(), *self._clearing.values()):
                task.cancel()

    async def _look_over(self, listing: Listing) -> None:
        for name in set(self._states) - listing.names:
            del self._states[name]
        states = list(self._states.values())
        tasks = await self._desk.store.get_all([state.task_id for state in states])
        for state in states:
            await guarded(self._judge(state, tasks.get(state.task_id)), state.name)
        await self._look_for_lost(listing)

    async def _look_at(self, state: RunState) -> None:
        await self._judge(state, await self._desk.store.get(state.task_id))

    async def _judge(self, state: RunState, task: Task | None) -> None:
        if task is None or run_name(task) != state.name:
            self._clear(state)
            return
        # Also that of a final task: a leader before us may have shipped half of it.
        self._follow(task, state)
        if task.phase.is_final:
            self._clear(state)
            return
        move = decide(task, state)
        if move is not None:
            await self._make(task, move)
        elif state.waiting:
            await self._tell_waiting(task, self._redactor(state.waiting))

    async def _tell_waiting(self, task: Task, why: str) -> None:
        if why != task.progress.current:
            progress = replace(task.progress, current=why)
            await self._desk.store.change(task, fence=self._fence, progress=progress)

    async def _make(self, task: Task, move: Move) -> None:
        if move.to is Phase.FAILED and move.fields["reason"] in RETRIED_REASONS:
            # Whether something was pushed all the same, only GitLab knows: finish asks it.
            move = replace(move, to=Phase.FINISHING)
        deadline = self._desk.settings.retry_seconds if move.to is Phase.FINISHING else self._remaining(task)
        fields: dict[str, Any] = {
            name: self._redactor(it) if isinstance(it, str) else it for name, it in move.fields.items()
        }
        if task.phase is Phase.STARTING and task.progress.current:  # what it waited for
            fields["progress"] = replace(task.progress, current="")
        changed = await self._desk.store.change(task, move.to, deadline_seconds=deadline, fence=self._fence, **fields)
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
        return max(5.0, launched + overdue_seconds(self._desk.settings) - time.time())

    def _follow(self, task: Task, state: RunState) -> None:
        if state.name in self._followers:
            return
        follower = Follower(self._desk, self._shipper, self._redactor, task=task, fence=self._fence)
        self._followers[state.name] = asyncio.create_task(self._ship(follower, state.name), name=str(task.id))

    def _follow_anew(self, task_id: int) -> None:
        """End the task's follower; the next judgement starts one behind the last stored line."""
        for name, follower in list(self._followers.items()):
            if follower.get_name() == str(task_id):
                follower.cancel()
                del self._followers[name]

    async def _ship(self, follower: Follower, name: str) -> None:
        try:
            await follower.follow(name)
        except AblehandError as error:
            # Without its entry, the next judgement starts a new follower behind the last shipped line.
            log.warning("log shipping stopped; it goes on soon", extra={"run": name, "why": str(error)})
            self._followers.pop(name, None)

    def _clear(self, state: RunState) -> None:
        follower = self._followers.get(state.name)
        if not state.ended:
            self._beside(state.name, self._cancel(state.name))
        elif follower is None or follower.done():
            self._beside(state.name, self._remove(state.name))

    def _beside(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do *work* while others are judged; one thing at a time for each run."""
        under_way = self._clearing.get(name)
        if under_way is not None and not under_way.done():
            work.close()
            return
        self._clearing[name] = asyncio.create_task(guarded(work, name))

    async def _cancel(self, name: str) -> None:
        with point("executor.cancel"):
            await asyncio.to_thread(self._desk.executor.cancel, name)

    async def _remove(self, name: str) -> None:
        with point("executor.remove"):
            await asyncio.to_thread(self._desk.executor.remove, name)
        for known in (self._states, self._followers, self._clearing):
            known.pop(name, None)

    async def _look_for_lost(self, listing: Listing) -> None:
        live = await self._desk.store.get_all(await self._desk.store.live())
        absent = {task.id: task for task in live.values() if _is_missed(task, listing)}
        self._absent_since = {task_id: self._absent_since.get(task_id, time.monotonic()) for task_id in absent}
        for task_id, since in self._absent_since.items():
            if time.monotonic() - since > self._absent_seconds:
                await guarded(self._give_up(absent[task_id]), f"task {task_id}")

    async def _give_up(self, task: Task) -> None:
        if not await asyncio.to_thread(self._desk.executor.exists, run_name(task)):
            await self._make(task, settled(Reason.LOST))


def _is_missed(task: Task, listing: Listing) -> bool:
    return task.phase in FOLLOWED - {Phase.LAUNCHING} and run_name(task) not in listing.names
