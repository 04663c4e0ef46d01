"""What is counted over time: in Redis, by whoever does it, so that no count ends with a process. The metrics show it.

A count is a field of one hash, named by a few words with spaces between them: what, and of which kind. All words are
ours, so that there are some hundred at most. The scripts count what happens to tasks (`core/lua/counts.lua`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from core.errors import (
    AblehandError,
    ExecutorError,
    GitLabConflict,
    GitLabDenied,
    GitLabNotFound,
    GitLabUnavailable,
    StoreError,
    TokenRefused,
)
from core.reasons import Reason

COUNTS: Final = "{ablehand}:counts"
BUCKETS: Final[Mapping[str, tuple[float, ...]]] = {
    "reaction": (0.5, 1, 2, 5, 10, 30, 60, 360, 900, 3600),
    "start": (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400),
    "merge_request": (30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800),
}
"""Upper bounds in seconds. 5 and 360 are what is promised of a reaction."""
MOST_PAYERS: Final = 100
"""Projects whose cost is told by itself: the first that spend something. All others are one."""

_OF_GITLAB: Final[tuple[tuple[type[AblehandError], str], ...]] = (
    (GitLabUnavailable, "unavailable"),
    (TokenRefused, "token"),
    (GitLabDenied, "denied"),
    (GitLabNotFound, "not_found"),
    (GitLabConflict, "conflict"),
)
GITLAB_KINDS: Final = (*(word for _, word in _OF_GITLAB), "refused")
_OF_CLUSTER: Final[Mapping[str, str]] = {Reason.CLUSTER: "unavailable", Reason.INFRASTRUCTURE: "refused"}
CLUSTER_KINDS: Final = ("unavailable", "rights", "quota", "admission", "refused")

log = logging.getLogger(__name__)


def spelt(bound: float) -> str:
    """Spell a bucket's bound as the scripts do."""
    return f"{bound:g}"


async def count(redis: AsyncRedis, counted: Mapping[str, int]) -> None:
    """Add to several counts in one go.

    Raises:
        StoreError: Redis did not take it; perhaps it did some.
    """
    pipeline = redis.pipeline(transaction=False)
    for name, number in counted.items():
        pipeline.hincrby(COUNTS, name, number)
    try:
        await pipeline.execute()
    except (RedisError, OSError) as error:
        raise StoreError(f"count: {type(error).__name__}") from error


class ErrorCounts:
    """Counts what GitLab and the cluster refuse us; connects at its first error, and never fails itself."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def note(self, name: str, error: AblehandError) -> None:
        """Count *error* among those of *name*. Blocking."""
        try:
            self._redis.hincrby(COUNTS, f"{name} {kind_of(error)}", 1)
        except (RedisError, OSError) as failure:
            log.info("an error was not counted", extra={"why": type(failure).__name__})

    def note_soon(self, name: str, error: AblehandError) -> None:
        """Do the same beside the running event loop."""
        asyncio.get_running_loop().run_in_executor(None, self.note, name, error)


def kind_of(error: AblehandError) -> str:
    """Name what kind of refusal an error of GitLab's or of the cluster's is, in one word."""
    if isinstance(error, ExecutorError):
        return _OF_CLUSTER.get(error.reason, error.reason)
    return next((word for kind, word in _OF_GITLAB if isinstance(error, kind)), "refused")
