"""Who is listened to at all: people, and the bots that the operator named by their ids. Never ourselves."""

from __future__ import annotations

import re
from typing import Final

from core.errors import Refusal
from core.gitlab.client import GitLab
from core.gitlab.nouns import User
from core.identity import Identity, recall_identity, remember_identity
from core.reasons import Reason
from worker.wiring import Desk

_MACHINE: Final = re.compile(
    r"(?:project|group)_\d+_bot(?:_\w+)?|service_account_.*|(?:support|alert)-bot|ghost|gitlabduo", re.IGNORECASE
)
"""Names that GitLab itself gives; who else is a bot, it says when asked."""


async def check_asker(desk: Desk, user: User | None) -> User:
    """Give *user*, who may be listened to; what they may do is another question.

    Raises:
        Refusal: Nobody (any more), ourselves by any of our ids, or a machine that nobody allowed.
    """
    if user is None or not user.id or user.id in (await who_we_are(desk)).ids:
        raise Refusal(Reason.IGNORED)
    if user.id not in desk.settings.allowed_bots and is_machine(desk.gitlab, user):
        raise Refusal(Reason.IGNORED)
    return user


def is_machine(gitlab: GitLab, user: User) -> bool:
    """Tell whether *user* is a bot, by its name or by what GitLab says of it."""
    return bool(_MACHINE.fullmatch(user.username)) or gitlab.user(user.id).bot


async def who_we_are(desk: Desk) -> Identity:
    """Give the bot's identity; GitLab is asked where nobody has kept it yet."""
    known = await recall_identity(desk.store)
    if known is not None:
        return known
    me = desk.gitlab.me()
    return await remember_identity(desk.store, user_id=me.id, username=me.username)
