"""Transcripts in Redis: of a task, found by the merge request that it was for, and gone in time."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from core.errors import StoreError
from core.transcripts import Kept, TranscriptStore

pytestmark = pytest.mark.anyio
KEPT = Kept(task_id=7, agent="claude", session="s-1", name="s-1.jsonl", packed="eJw=")


@pytest.fixture
def transcripts(redis: Redis) -> TranscriptStore:
    """Give a store that forgets after a hundred seconds."""
    return TranscriptStore(redis, retention_seconds=100)


@pytest.mark.parametrize("order", ["kept-first", "assigned-first"])
async def test_a_merge_request_leads_to_its_last_transcript(transcripts: TranscriptStore, order: str) -> None:
    """Whichever of log and finish is faster."""
    if order == "kept-first":
        await transcripts.keep(KEPT)
    await transcripts.assign(5, 12, 7)
    if order == "assigned-first":
        await transcripts.keep(KEPT)

    assert await transcripts.get(5, 12) == KEPT
    assert await transcripts.get(5, 13) is None
    assert await transcripts.get(6, 12) is None


async def test_a_later_task_takes_its_place(transcripts: TranscriptStore) -> None:
    """Also where nothing of it was kept: an older session knows nothing of its work."""
    await transcripts.keep(KEPT)
    await transcripts.assign(5, 12, 7)

    await transcripts.assign(5, 12, 8)

    assert await transcripts.get(5, 12) == Kept(task_id=8)


async def test_everything_expires(transcripts: TranscriptStore, redis: Redis) -> None:
    """No key stays for ever."""
    await transcripts.keep(KEPT)
    await transcripts.assign(5, 12, 7)

    keys = [key async for key in redis.scan_iter("{ablehand}:*")]

    assert len(keys) == 2
    assert [key for key in keys if not 0 < await redis.ttl(key) <= 100] == []


async def test_errors_are_ours() -> None:
    """A Redis that is not there is a store that failed."""
    with pytest.raises(StoreError):
        await TranscriptStore(Redis(port=1), retention_seconds=1).get(1, 1)
