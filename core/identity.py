"""Who the bot is on GitLab, and who it was: kept in Redis, so that a process without a token knows it too.

A token that is made anew may belong to a new user: every id that the bot ever had stays its own, so that it never
listens to itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from core.store import TaskStore

MEMORY: Final = "bot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The bot's present *username*, and all *ids* that it has or had."""

    username: str
    ids: frozenset[int]


async def recall_identity(store: TaskStore) -> Identity | None:
    """Read who the bot is; None where nobody has said so yet."""
    kept = await store.recall(MEMORY)
    if not kept:
        return None
    values = json.loads(kept)
    return Identity(username=values["username"], ids=frozenset(values["ids"]))


async def remember_identity(store: TaskStore, *, user_id: int, username: str) -> Identity:
    """Keep who the bot is now beside what it was; to be said again as often as one likes."""
    known = await recall_identity(store)
    identity = Identity(username=username, ids=(known.ids if known else frozenset()) | {user_id})
    if identity != known:
        await store.remember(MEMORY, json.dumps({"username": username, "ids": sorted(identity.ids)}))
    return identity
