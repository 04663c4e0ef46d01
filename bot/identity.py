"""Who the bot is, as the reconciler has said: read again each minute, so that a delivery costs no call for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from core.errors import StoreError
from core.identity import Identity, recall_identity
from core.store import TaskStore

FRESH_SECONDS: Final = 60.0


class KnownIdentity:
    """`core.identity` with a memory. For one event loop."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._identity: Identity | None = None
        self._read_at = 0.0

    async def get(self) -> Identity | None:
        """Give who the bot is; None until somebody has said so. Without Redis, what was known last."""
        if self._identity is None or self._clock() - self._read_at >= FRESH_SECONDS:
            try:
                self._identity = await recall_identity(self._store)
            except StoreError:
                # The delivery itself finds out whether Redis is there.
                return self._identity
            self._read_at = self._clock()
        return self._identity
