"""The reconciler's process: stand by until the lease is ours, lead, and end when it is not any more.

A leader that lost its lease ends its process instead of tidying up: whoever restarts it gets a clean standby, and the
fencing number keeps whatever it was about to write out of the ledger.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import uvloop

from core.errors import StoreError
from core.heartbeat import beat
from core.settings import Settings
from core.task_list import TaskList
from worker.reconciler.archive_logs import EXPIRE_SECONDS, LOOK_SECONDS, archive_logs, expire_logs
from worker.reconciler.doorkeeper import fill_slots, ring_due
from worker.reconciler.hook_watch import WATCH_SECONDS, watch_hooks
from worker.reconciler.merge_requests import follow_merge_requests
from worker.reconciler.places import refresh_places
from worker.reconciler.runs import Runs
from worker.reconciler.sweep import sweep
from worker.reconciler.turns import Turns, end_at_once, until_fenced
from worker.task_tokens import sweep_tokens
from worker.wiring import Desk, choose_executor, furnish

RENEWALS: Final = 4
"""How often the lease is renewed in its own time."""
PAUSE_SECONDS: Final = 1.0
TICK_SECONDS: Final = 0.25
BEAT_SECONDS: Final = 5.0

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Reconcile until told to stop; a leader whose lease is another's ends the process with status 1."""
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    desk = furnish(settings, choose_executor(settings, observes=True), archives=True)
    holder = uuid.uuid4().hex
    main = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, main.cancel if main else lambda: None)
    beating = asyncio.create_task(_beat(settings))
    try:
        fence = await _stand_by(desk, holder)
        await _lead(desk, holder, fence)
    except asyncio.CancelledError:
        await desk.store.resign(holder)
        log.info("stopped")
    finally:
        beating.cancel()
        await desk.redis.aclose()


async def _beat(settings: Settings) -> None:
    while True:
        beat(settings.heartbeat_file)
        await asyncio.sleep(BEAT_SECONDS)


async def _lead(desk: Desk, holder: str, fence: int) -> None:
    log.info("leading", extra={"fence": fence})
    turns, settings = Turns(), desk.settings
    pace = {
        ring_due: TICK_SECONDS,
        fill_slots: settings.retry_seconds,
        watch_hooks: WATCH_SECONDS,
        refresh_places: settings.edit_seconds,
        archive_logs: LOOK_SECONDS,
        expire_logs: EXPIRE_SECONDS,
    }
    async with asyncio.TaskGroup() as group:
        group.create_task(_keep(desk, holder, fence, turns))
        group.create_task(until_fenced(Runs(desk, fence, turns=turns).watch()))
        group.create_task(until_fenced(_every(settings.sweep_seconds, partial(_sweep, desk, turns))))
        for work, seconds in pace.items():
            group.create_task(until_fenced(_every(seconds, partial(turns.make, work, desk))))


async def _sweep(desk: Desk, turns: Turns) -> bool:
    # One after the other: a connection to GitLab is one thread's.
    return all([await turns.make(work, desk) for work in (sweep, sweep_tokens, follow_merge_requests, _tidy)])


async def _stand_by(desk: Desk, holder: str) -> int:
    while True:
        try:
            fence = await desk.store.lead(holder, milliseconds=_lease(desk), fence=0)
        except StoreError as error:
            log.warning("standing by without Redis", extra={"why": str(error)})
            fence = 0
        if fence:
            return fence
        await asyncio.sleep(desk.settings.leader_lease_seconds / RENEWALS / 2)


async def _keep(desk: Desk, holder: str, fence: int, turns: Turns) -> None:
    loop = asyncio.get_running_loop()
    held_until = loop.time() + desk.settings.leader_lease_seconds
    while True:
        await asyncio.sleep(desk.settings.leader_lease_seconds / RENEWALS)
        try:
            if await desk.store.lead(holder, milliseconds=_lease(desk), fence=fence) != fence:
                end_at_once("another reconciler leads")
            held_until = loop.time() + desk.settings.leader_lease_seconds
            await turns.tell(desk.store)
        except StoreError as error:
            log.warning("lease not renewed", extra={"why": str(error)})
            if loop.time() > held_until:
                end_at_once("the lease ran out while Redis was away")


async def _every(seconds: float, turn: Callable[[], Awaitable[bool]]) -> None:
    task = asyncio.current_task()
    # A client library may swallow a cancellation that comes together with its own timeout: hence the question.
    while task is not None and not task.cancelling():
        got_through = await turn()
        await asyncio.sleep(seconds if got_through else max(seconds, PAUSE_SECONDS))


async def _tidy(desk: Desk) -> None:
    await TaskList(desk.redis).tidy()


def _lease(desk: Desk) -> int:
    return int(desk.settings.leader_lease_seconds * 1000)
