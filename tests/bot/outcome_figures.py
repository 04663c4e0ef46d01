"""Sums as the ledger keeps them, put there at once: what ninety days of work leave behind."""

from __future__ import annotations

import time

from redis import Redis

FIGURES = {
    "completed": 5, "failed": 2, "failed:timeout": 1, "failed:push-rejected": 1, "rejected": 1, "cancelled": 1,
    "opened": 1, "merged": 2, "closed": 1, "after:70": 2, "after:75": 1, "after:80": 1, "usd": 3.75,
}  # fmt: skip


def worked(raw: Redis, project_id: int, path: str, *, days_ago: int = 0, **more: float) -> None:
    """Have had a project worked on for a day; *more* takes the place of figures."""
    raw.hset("{ablehand}:paths", str(project_id), path)
    day = int(time.time()) // 86_400 - days_ago
    figures = FIGURES | more
    raw.hset(f"{{ablehand}}:outcomes:{day}", mapping={f"{project_id} {what}": it for what, it in figures.items()})
