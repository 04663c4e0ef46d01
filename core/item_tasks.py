"""The tasks of one issue or merge request, by an index of its own: nobody has to look through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.task import Noteable, Place, Task, Trigger

if TYPE_CHECKING:
    from core.store import TaskStore

ITEM_TASKS: Final = 200
"""So many are listed, the newest; written by the script accept."""
CANCELLED_SECONDS: Final = 86_400
"""How long a cancel waits for what was asked before it: an older comment starts nothing anyway."""


def item_name(of: Trigger | Noteable) -> str:
    """Name the item within the ledger; empty where there is none."""
    return f"{of.project_id}:{of.place}:{of.iid}" if of.place is not Place.NOWHERE else ""


class ItemTasks:
    """Asks the ledger for what was asked on one issue or merge request."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    async def newest(self, item: Noteable, count: int = ITEM_TASKS) -> list[Task]:
        """Read its tasks, the newest first; those that were answered in words alone are not among them."""
        name = f"{{ablehand}}:item:{item_name(item)}"
        members = await self._store.attempt(self._store.redis.zrevrange(name, 0, count - 1))
        return list((await self._store.get_all([int(member) for member in members])).values())

    async def cancel_before(self, item: Noteable, note_id: int, username: str) -> None:
        """Remember that *username* cancelled, by that comment, what was asked there before it and is yet to come."""
        name = self._cancelled(item)
        await self._store.attempt(self._store.redis.set(name, f"{note_id} {username}", ex=CANCELLED_SECONDS))

    async def forget_cancel(self, item: Noteable, note_id: int) -> None:
        """Forget what `cancel_before` remembered of that very comment."""
        if (await self.cancelled_before(item))[0] == note_id:
            await self._store.attempt(self._store.redis.delete(self._cancelled(item)))

    async def cancelled_before(self, item: Noteable) -> tuple[int, str]:
        """Give the comment before which all was cancelled, and by whom; 0 where there is none."""
        found = str(await self._store.attempt(self._store.redis.get(self._cancelled(item))) or "0 ")
        note_id, _, username = found.partition(" ")
        return int(note_id), username

    @staticmethod
    def _cancelled(item: Noteable) -> str:
        return f"{{ablehand}}:cancelled:{item_name(item)}"
