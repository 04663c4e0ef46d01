"""Which of our webhooks GitLab has switched off: the reconciler looks, the metrics and the doctor tell."""

from __future__ import annotations

import json
from typing import Final

from core.store import TaskStore

MEMORY: Final = "disabled-hooks"


async def recall_disabled_hooks(store: TaskStore) -> list[str]:
    """List the full paths of the projects and groups whose hook was off when somebody looked last."""
    return [str(path) for path in json.loads(await store.recall(MEMORY) or "[]")]


async def remember_disabled_hooks(store: TaskStore, paths: list[str]) -> None:
    """Keep what was found, in place of what was found before."""
    await store.remember(MEMORY, json.dumps(sorted(paths)))
