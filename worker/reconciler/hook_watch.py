"""Looks after our webhooks: GitLab switches one off that has failed often, and tells nobody.

What was asked meanwhile the sweep finds; it is slower, so that somebody should know.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from core import links
from core.disabled_hooks import recall_disabled_hooks, remember_disabled_hooks
from core.errors import GitLabDenied, GitLabNotFound
from core.gitlab import client
from core.gitlab.client import GitLab
from core.gitlab.hooks import is_switched_off
from worker.wiring import Desk

WATCH_SECONDS: Final = 300.0
OWNERS_LOOKED_AT: Final = 300
"""Projects and groups in one turn: a call each."""

log = logging.getLogger(__name__)


async def watch_hooks(desk: Desk) -> None:
    """Keep which hooks are off now, and log those that were not before."""
    known = await recall_disabled_hooks(desk.store)
    # A connection of its own: the desk's is the sweep's, and that is a thread's of its own.
    found = await asyncio.to_thread(_switched_off, client.connect(desk.settings), links.webhook(desk.settings))
    await remember_disabled_hooks(desk.store, found)
    for path in found:
        if path not in known:
            log.error("GitLab has switched a webhook off; see `ablehand doctor`", extra={"owner": path})


def _switched_off(gitlab: GitLab, url: str) -> list[str]:
    found = []
    for owner in gitlab.hook_owners()[:OWNERS_LOOKED_AT]:
        try:
            hooks = gitlab.hooks(owner)
        except (GitLabDenied, GitLabNotFound):
            continue  # the bot is no Maintainer there, or no Owner of the group
        if any(hook.get("url") == url and is_switched_off(hook) for hook in hooks):
            found.append(owner.full_path)
    return found
