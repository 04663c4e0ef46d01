"""A webhook that GitLab has switched off is noticed, and so is one that is on again."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.disabled_hooks import recall_disabled_hooks
from core.gitlab.client import GitLab
from core.gitlab.transport import Transport
from operate.hook import install
from simulators.gitlab.access import OWNER, REPORTER
from tests.worker.town import Town
from worker.reconciler.hook_watch import watch_hooks
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def test_hooks_that_are_off_are_counted(desk: Desk, town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """A project's and a group's, for now or for good; said once, and forgotten when they are on again."""
    town.world.group("shop").members[town.bot.id] = OWNER
    for path, is_group in (("shop/web", False), ("shop", True)):
        install(desk.settings, desk.gitlab, path, is_group=is_group)
    town.world.add_hook(town.project, "https://elsewhere.example/", events=[]).failures = 40
    await watch_hooks(desk)
    assert await recall_disabled_hooks(desk.store) == []

    (ours, _), (of_group,) = town.project.hooks.values(), town.world.group("shop").hooks.values()
    ours.failures = 40
    of_group.failures, of_group.disabled_until = 5, datetime.now(UTC) + timedelta(minutes=5)
    for _ in range(2):
        await watch_hooks(desk)

    assert await recall_disabled_hooks(desk.store) == ["shop", "shop/web"]
    assert sum(record.levelno == logging.ERROR for record in caplog.records) == 2
    ours.failures = of_group.failures = 0
    of_group.disabled_until = None
    await watch_hooks(desk)
    assert await recall_disabled_hooks(desk.store) == []


async def test_the_sweeps_connection_is_left_alone(desk: Desk, town: Town) -> None:
    """A client of GitLab is one thread's at a time, and the sweep's thread may be at work with the desk's."""
    install(desk.settings, desk.gitlab, "shop/web")
    next(iter(town.project.hooks.values())).failures = 40
    closed = Transport("http://127.0.0.1:9", "no-token", pause_seconds=0)

    await watch_hooks(replace(desk, gitlab=GitLab(closed)))

    assert await recall_disabled_hooks(desk.store) == ["shop/web"]


async def test_where_we_may_not_look_nothing_is_said(desk: Desk, town: Town) -> None:
    """The bot need not be a Maintainer."""
    town.world.add_member(town.project, town.bot, REPORTER)

    await watch_hooks(desk)

    assert await recall_disabled_hooks(desk.store) == []
