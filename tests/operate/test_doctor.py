"""The doctor: every finding, right and wrong, and no finding by a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.connections import open_store_redis
from core.disabled_hooks import remember_disabled_hooks
from core.settings import Settings
from core.store import TaskStore
from operate.doctor import examine
from operate.finding import Finding
from operate.hook import install
from simulators.gitlab.access import DEVELOPER, OWNER, REPORTER
from simulators.gitlab.faults import Outage
from tests.worker.town import Town


def findings(town: Town, redis: str, *projects: str, **others: object) -> dict[str, str]:
    """Examine; give what was checked and how to mend it."""
    values: dict[str, object] = {"webhook_secret": "a-secret-of-ours", "sandbox": "off"}
    settings = town.settings(**{"redis_url": redis} | values | others)  # type: ignore[arg-type]
    return {finding.what: finding.mend for finding in examine(settings, projects)}


def test_all_is_well(town: Town, redis_url: str) -> None:
    """A finding for everything, and nothing to mend."""
    install(town.settings(), town.client(), "shop/web")

    found = findings(town, redis_url, "shop/web")

    assert set(found.values()) == {""}
    assert [what.partition(" GitLab ")[0] for what in found][:4] == [
        "ABLEHAND_GITLAB_URL is set", "ABLEHAND_GITLAB_TOKEN is set", "ABLEHAND_PUBLIC_URL is set",
        "webhook deliveries can be checked",
    ]  # fmt: skip
    assert "shop/web: the webhook is installed" in found


def _soon(town: Town) -> None:
    for token in town.world.tokens.values():
        token.expires_at = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()


def _scope(town: Town) -> None:
    for token in town.world.tokens.values():
        token.scopes = frozenset({"read_api"})


def _hooked(town: Town) -> None:
    install(town.settings(), town.client(), "shop/web")


def _disabled(town: Town) -> None:
    _hooked(town)
    for hook in town.project.hooks.values():
        hook.failures = 40


def _paused(town: Town) -> None:
    _hooked(town)
    for hook in town.project.hooks.values():
        hook.failures, hook.disabled_until = 5, datetime.now(UTC) + timedelta(minutes=2)


def _deaf(town: Town) -> None:
    _hooked(town)
    for hook in town.project.hooks.values():
        hook.events -= {"issues_events", "pipeline_events"}


Break = Callable[[Town], Any]
WRONG: dict[str, tuple[Break, dict[str, object], str, str]] = {
    "no-address": (lambda _: None, {"gitlab_url": ""}, "ABLEHAND_GITLAB_URL is set", "Set ABLEHAND_GITLAB_URL."),
    "no-token": (lambda _: None, {"gitlab_token": ""}, "ABLEHAND_GITLAB_TOKEN is set", "Set ABLEHAND_GITLAB_TOKEN."),
    "no-page": (lambda _: None, {"public_url": ""}, "ABLEHAND_PUBLIC_URL is set", "Set ABLEHAND_PUBLIC_URL."),
    "no-key": (lambda _: None, {"webhook_secret": ""}, "webhook deliveries", "Set ABLEHAND_WEBHOOK_SIGNING_TOKEN"),
    "revoked": (lambda town: town.world.revoke_token(town.token), {}, "GitLab takes the token", "Create an access"),
    "gitlab-down": (
        lambda town: setattr(town.server.faults, "down", Outage.BAD_GATEWAY), {}, "GitLab answers", "the network"
    ),
    "scope": (_scope, {}, "token has the scope api", "Its scopes are read_api; give it api."),
    "token-ends": (_soon, {}, "token is valid until", "Rotate it soon."),
    "redis-away": (lambda _: None, {"redis_url": "unix:///nowhere/redis.sock"}, "Redis answers", "Check ABLEHAND_"),
    "no-program": (lambda _: None, {"agent_command": "/nowhere/agent"}, "/nowhere/agent is inst", "Install /nowhere"),
    "agent": (lambda _: None, {"agent_command": ""}, "executor is usable", "Set ABLEHAND_AGENT_COMMAND"),
    "no-model-key": (lambda _: None, {"agent": "claude"}, "model credential is there", "Set ANTHROPIC_API_KEY"),
    "no-project": (lambda town: town.world.remove_member(town.project, town.bot), {}, "shop/web can be seen", "Add @a"),
    "no-access": (
        lambda town: town.world.add_member(town.project, town.bot, REPORTER), {}, "may push branches", "Developer"
    ),
    "no-maintainer": (
        lambda town: town.world.add_member(town.project, town.bot, DEVELOPER), {}, "webhook can be checked", "Maintai"
    ),
    "no-hook": (lambda _: None, {}, "shop/web: the webhook is installed", "ablehand hook install shop/web"),
    "hook-off": (_disabled, {}, "shop/web: the webhook is switched on", "switched the hook off"),
    "hook-off-for-now": (_paused, {}, "shop/web: the webhook is switched on", "after failures until 20"),
    "hook-lacks-events": (_deaf, {}, "tells all that is asked", "It lacks issues_events, pipeline_events."),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "others", "what", "mend"), WRONG.values(), ids=WRONG.keys())
def test_each_fault_is_found(
    town: Town, redis_url: str, damage: Break, others: dict[str, object], what: str, mend: str
) -> None:
    """With what to do about it, and without the token."""
    damage(town)

    found = findings(town, redis_url, "shop/web", **others)

    told = [advice for name, advice in found.items() if what in name]
    assert len(told) == 1
    assert mend in told[0]
    assert town.token not in str(found)


def test_without_a_redis_its_own_is_used(town: Town) -> None:
    """`ablehand up` starts one; that is no fault, and no crash of the doctor's."""
    assert Finding("no ABLEHAND_REDIS_URL: `ablehand up` uses a Redis of its own") in list(
        examine(town.settings(""), ())
    )


def test_a_groups_hook_is_as_good(town: Town, redis_url: str) -> None:
    """Where an Owner may look, the project need not have one of its own."""
    group = town.world.group("shop")
    group.members[town.bot.id] = OWNER
    install(town.settings(), town.client(), "shop", is_group=True)

    found = findings(town, redis_url, "shop/web")

    assert (found["shop/web: the webhook is installed"], found["shop/web: the webhook is switched on"]) == ("", "")


async def _off(redis_url: str) -> None:
    redis = open_store_redis(Settings(redis_url=redis_url))
    await remember_disabled_hooks(TaskStore(redis), ["shop/api", "shop/web"])
    await redis.aclose()


def test_what_the_reconciler_has_seen_is_told(town: Town, redis_url: str) -> None:
    """Also of projects that the doctor was not asked for."""
    asyncio.run(_off(redis_url))

    found = findings(town, redis_url)

    assert "GitLab has, for shop/api, shop/web: run the doctor for each." in found.values()
