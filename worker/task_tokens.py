"""A push token for each task: for its project alone, made at launch, revoked when the task has ended.

GitLab tells a token's text once, so that it goes into the run's request and nowhere else. That one is due to be revoked
stands in the task before it is made (`core.task.Task.token_project_id`); the report step revokes it, and the sweep what
is left of tasks that ended or vanished in between. Every token has a bot user of its own on GitLab; it can't comment.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Final

from core.errors import GitLabError, GitLabUnavailable, Refusal
from core.gitlab.access_tokens import AccessToken
from core.reasons import Reason
from core.settings import Settings
from core.task import Task
from worker.orders import run_name
from worker.wiring import Desk

PROJECTS: Final = "{ablehand}:token-projects"
"""Those in which tokens of ours may be."""
NOT_ALLOWED: Final = "{ablehand}:no-token:{project}"
ASK_AGAIN_SECONDS: Final = 3600
GRACE_SECONDS: Final = 60.0
"""How long after a task's end its token is left to the report step."""

log = logging.getLogger(__name__)


async def issue(desk: Desk, task: Task, project_id: int) -> str:
    """Make a push token for the task's present attempt and give its text; "" where the configured one is to push.

    Those of earlier launches are revoked first; but not while a run of this attempt exists, which may have one.

    Raises:
        Refusal: None can be made, and the operator requires one.
        ExecutorError: Nobody answered whether there is a run already.
    """
    mode = desk.settings.task_tokens
    not_allowed = NOT_ALLOWED.replace("{project}", str(project_id))
    if mode == "off" or (mode == "auto" and await desk.redis.exists(not_allowed)):
        return ""
    if task.token_project_id:
        _revoke(desk, project_id, _unused(desk, task, project_id))
    await desk.redis.sadd(PROJECTS, str(project_id))
    if await desk.store.change(task, tell_after=None, token_project_id=project_id) is None:
        return ""  # it has moved on, and will not be launched
    try:
        return desk.gitlab.create_push_token(project_id, _name(desk.settings, task)).value.get_secret_value()
    except GitLabUnavailable:
        raise
    except GitLabError as error:
        if mode == "required":
            raise Refusal(Reason.CREDENTIALS, f"no token can be made for this project: {error}") from None
        log.info("no token of its own for a task", extra={"task_id": task.id, "why": str(error)})
        await desk.redis.set(not_allowed, "1", ex=ASK_AGAIN_SECONDS)
        return ""


def revoke_all(desk: Desk, task: Task) -> None:
    """Revoke every token of the task's; one that GitLab does not let us revoke expires."""
    project_id = task.token_project_id
    _revoke(desk, project_id, desk.gitlab.push_tokens(project_id, _about(desk.settings, task.id)))


async def sweep_tokens(desk: Desk) -> int:
    """Revoke the tokens of tasks that have ended or are gone; answer how many there were."""
    revoked = 0
    for member in await desk.redis.smembers(PROJECTS):
        # First: whoever makes one meanwhile puts it in again.
        await desk.redis.srem(PROJECTS, member)
        over, left = await _sweep_project(desk, int(member))
        revoked += over
        if left:
            await desk.redis.sadd(PROJECTS, member)
    return revoked


async def _sweep_project(desk: Desk, project_id: int) -> tuple[int, int]:
    """Answer how many tokens were revoked, and how many are still there."""
    try:
        tokens = await asyncio.to_thread(desk.gitlab.push_tokens, project_id, _about(desk.settings))
        over = [token for token in tokens if await _is_over(desk, token)]
        await asyncio.to_thread(_revoke, desk, project_id, over)
    except GitLabUnavailable:
        return 0, 1
    except GitLabError:
        return 0, 0  # not ours to manage any more: they expire
    return len(over), len(tokens) - len(over)


async def _is_over(desk: Desk, token: AccessToken) -> bool:
    named = re.fullmatch(re.escape(_about(desk.settings)) + r"(\d{1,18}), attempt \d{1,9}", token.name)
    if named is None:
        return False
    task = await desk.store.get(int(named[1]))
    return task is None or (task.phase.is_final and await desk.store.now() - task.ended_at > GRACE_SECONDS)


def _unused(desk: Desk, task: Task, project_id: int) -> list[AccessToken]:
    tokens = desk.gitlab.push_tokens(project_id, _about(desk.settings, task.id))
    in_use = _name(desk.settings, task) if desk.executor.exists(run_name(task)) else ""
    return [token for token in tokens if token.name != in_use]


def _revoke(desk: Desk, project_id: int, tokens: list[AccessToken]) -> None:
    for token in tokens:
        desk.gitlab.revoke_token(project_id, token.id)


def _about(settings: Settings, task_id: int = 0) -> str:
    """Give what all our tokens' names begin with, or those of one task: other installations have other names."""
    return f"{settings.installation} task " + (f"{task_id}, attempt " if task_id else "")


def _name(settings: Settings, task: Task) -> str:
    return f"{_about(settings, task.id)}{task.attempt}"
