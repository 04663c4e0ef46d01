"""`ablehand doctor`: checks everything that must be right before the first task, and says how to mend what is not."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from core import links
from core.agents import MODEL_VARIABLES
from core.connections import open_store_redis
from core.disabled_hooks import recall_disabled_hooks
from core.errors import AblehandError, GitLabDenied, GitLabNotFound
from core.gitlab import client
from core.gitlab.client import GitLab
from core.gitlab.hooks import HookOwner, is_switched_off
from core.gitlab.levels import DEVELOPER
from core.settings import Settings
from core.store import TaskStore
from operate.finding import Finding, checked
from operate.hook import lacks_events
from worker.wiring import choose_executor

SOON_DAYS = 14
MAINTAINER = 40


def examine(settings: Settings, projects: tuple[str, ...]) -> Iterator[Finding]:
    """Check setting by setting, then GitLab, Redis, the executor and each of *projects*."""
    yield from _settings(settings)
    gitlab = client.connect(settings) if settings.gitlab_url and settings.gitlab_token.get_secret_value() else None
    reached = list(_gitlab(settings, gitlab)) if gitlab else []
    yield from reached
    yield from _ledger(settings)
    yield from _executor(settings)
    if gitlab and not any(finding.mend for finding in reached):
        for path in projects:
            yield from _project(settings, gitlab, path)


def _settings(settings: Settings) -> Iterator[Finding]:
    for name in ("gitlab_url", "gitlab_token", "public_url"):
        yield checked(f"ABLEHAND_{name.upper()} is set", partial(settings.require, name), "")
    keys = settings.active_webhook_keys("webhook_signing_token") + settings.active_webhook_keys("webhook_secret")
    if not keys and _is_reconciler(settings):
        yield Finding("webhook deliveries are the bot's to check, not a reconciler's")
        return
    mend = "" if keys else "Set ABLEHAND_WEBHOOK_SIGNING_TOKEN (GitLab 19.0 or newer) or ABLEHAND_WEBHOOK_SECRET."
    yield Finding("webhook deliveries can be checked", mend)


def _is_reconciler(settings: Settings) -> bool:
    if settings.executor != "kubernetes":
        return False
    from operate.cluster_check import only_follows

    try:
        return only_follows(choose_executor(settings))
    except AblehandError:
        # Said below, where the executor is looked at.
        return False


def _gitlab(settings: Settings, gitlab: GitLab) -> Iterator[Finding]:
    try:
        yield Finding(f"GitLab {gitlab.version()} answers at {settings.gitlab_url} as @{gitlab.me().username}")
        token = gitlab.token()
    except GitLabDenied:
        yield Finding(
            "GitLab takes the token", "Create an access token with the scope api and set ABLEHAND_GITLAB_TOKEN."
        )
        return
    except AblehandError as error:
        yield Finding(
            f"GitLab answers at {settings.gitlab_url}", f"Check ABLEHAND_GITLAB_URL and the network: {error}."
        )
        return
    scopes = token.get("scopes") or []
    mend = "" if "api" in scopes else f"Its scopes are {', '.join(scopes)}; give it api."
    yield Finding("token has the scope api", mend)
    ends = token.get("expires_at")
    days = (date.fromisoformat(ends) - date.today()).days if ends else SOON_DAYS + 1  # noqa: DTZ011 - GitLab's is a day
    yield Finding(f"token is valid until {ends or 'revoked'}", "" if days > SOON_DAYS else "Rotate it soon.")


def _ledger(settings: Settings) -> Iterator[Finding]:
    if not settings.redis_url.get_secret_value():
        yield Finding("no ABLEHAND_REDIS_URL: `ablehand up` uses a Redis of its own")
        return
    mend = "Check ABLEHAND_REDIS_URL and its server."
    answers = checked("Redis answers", lambda: asyncio.run(_redis(settings)), mend)
    yield answers
    if not answers.mend:
        off = ", ".join(asyncio.run(_hooks_that_are_off(settings)))
        mend = f"GitLab has, for {off}: run the doctor for each." if off else ""
        yield Finding("GitLab has switched no webhook off, as far as the reconciler sees", mend)


async def _redis(settings: Settings) -> None:
    settings.require("redis_url")
    redis = open_store_redis(settings)
    try:
        await TaskStore(redis).now()
    finally:
        await redis.aclose()


async def _hooks_that_are_off(settings: Settings) -> list[str]:
    redis = open_store_redis(settings)
    try:
        return await recall_disabled_hooks(TaskStore(redis))
    finally:
        await redis.aclose()


def _executor(settings: Settings) -> Iterator[Finding]:
    try:
        executor = choose_executor(settings)
    except AblehandError as error:
        yield Finding("executor is usable", str(error))
    else:
        yield Finding("executor is usable")
        if settings.executor == "kubernetes":
            from operate.cluster_check import examine_cluster

            yield from examine_cluster(executor)
    if settings.executor == "process":
        yield from _programs(settings)
    if settings.agent != "command":
        key = next(name for name in MODEL_VARIABLES[settings.agent] if name.endswith("_KEY"))
        mend = "" if settings.agent_environment else f"Set {key} for the worker."
        yield Finding("model credential is there", mend)


def _programs(settings: Settings) -> Iterator[Finding]:
    program = settings.agent_command[0] if settings.agent_command else settings.agent
    found = shutil.which(program) or Path(program).is_file()
    mend = "" if found else f"Install {program}, or choose another agent."
    yield Finding(f"agent program {program} is installed", mend)
    if settings.sandbox != "off":
        mend = "" if shutil.which("bwrap") else "Install bubblewrap; without it an agent reads what this user can read."
        yield Finding("agents run in a sandbox (bubblewrap)", mend)


def _project(settings: Settings, gitlab: GitLab, path: str) -> Iterator[Finding]:
    try:
        project = gitlab.project_at(path)
    except GitLabNotFound:
        yield Finding(f"{path} can be seen", f"Add @{gitlab.me().username} to {path} as Maintainer, or check the path.")
        return
    level = gitlab.access_level(project.id, gitlab.me().id)
    mend = "" if level >= DEVELOPER else f"Make @{gitlab.me().username} at least a Developer of {path}."
    yield Finding(f"{path}: the bot may push branches", mend)
    yield from _hook(settings, gitlab, project.path)


def _hook(settings: Settings, gitlab: GitLab, path: str) -> Iterator[Finding]:
    """Look for the project's hook, or that of a group which it lies in."""
    owner = HookOwner(full_path=path)
    try:
        hooks = gitlab.hooks(owner)
    except GitLabDenied:
        yield Finding(f"{path}: the webhook can be checked", "Make the bot a Maintainer, or check the hook by hand.")
        return
    for group in owner.groups:
        # Only an Owner sees a group's hooks, and only where GitLab has them.
        with suppress(GitLabDenied, GitLabNotFound):
            hooks += gitlab.hooks(HookOwner(full_path=group, is_group=True))
    ours = [hook for hook in hooks if hook["url"] == links.webhook(settings)]
    yield Finding(f"{path}: the webhook is installed", "" if ours else f"Run: ablehand hook install {path}")
    for hook in ours:
        yield Finding(f"{path}: the webhook is switched on", _off(hook))
        lacking = ", ".join(lacks_events(hook))
        mend = f"It lacks {lacking}. Run `ablehand hook install` again." if lacking else ""
        yield Finding(f"{path}: the webhook tells all that is asked", mend)


def _off(hook: dict[str, Any]) -> str:
    if not is_switched_off(hook):
        return ""
    until = f" until {hook['disabled_until']}" if hook.get("disabled_until") else ""
    return (
        f"GitLab has switched the hook off after failures{until}: see that GitLab reaches the bot, "
        "then run `ablehand hook install` again, which has it tested."
    )
