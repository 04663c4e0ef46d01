"""The end of a task that writes words: it waits for its document, and ends without it in the end."""

from __future__ import annotations

from typing import Any

import pytest

from core.reasons import Reason
from core.task import Mode, Phase, Task
from tests.worker.ledger import bells, comment_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker.steps import written
from worker.steps.finish import finish
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


@pytest.fixture
async def planned(desk: Desk, town: Town) -> Task:
    """Give a task whose run has ended, and of whose two chunks one has come."""
    task = await taken_in(desk, comment_trigger(town.say("/agent add a health check")))
    phases = (Phase.LAUNCHING, Phase.STARTING, Phase.PUBLISHING, Phase.FINISHING)
    fields: dict[str, Any] = {
        "mode": Mode.PLAN,
        "summary": "A sh",
        "document": "A short ",
        "document_parts": 1,
        "document_total": 2,
    }
    task = await moved(desk, task, *phases, **fields)
    await desk.redis.delete("rq:queue:ablehand")
    return task


async def test_the_last_chunk_is_waited_for(desk: Desk, planned: Task) -> None:
    """Finish is due again soon, and completes the task with the whole text once it is there."""
    await finish(desk, planned)

    assert (await now(desk, planned)).phase is Phase.FINISHING
    due = await desk.redis.zscore("{ablehand}:deadlines", str(planned.id))
    assert due is not None
    assert due - await desk.store.now() <= written.LOOK_SECONDS
    await moved(desk, planned, document="A short plan", document_parts=2)
    await finish(desk, await now(desk, planned))
    after = await now(desk, planned)
    assert (after.phase, after.document) == (Phase.COMPLETED, "A short plan")
    assert await bells(desk.redis) == [f"report {planned.id}"]


async def test_what_never_comes_is_not_waited_for(desk: Desk, planned: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the summary has to do: half a document would look like a whole one."""
    monkeypatch.setattr(written, "PATIENCE_SECONDS", 0.0)

    await finish(desk, planned)

    after = await now(desk, planned)
    assert (after.phase, after.document) == (Phase.COMPLETED, "A sh")


async def test_nothing_is_opened_for_words(desk: Desk, town: Town, planned: Task) -> None:
    """No merge request, no look for a branch."""
    await moved(desk, planned, document_parts=2)

    await finish(desk, planned)

    assert town.world.merge_requests(town.project) == []
    assert town.count("GET", "/branches/agent") == 0


async def test_a_lost_run_writes_anew(desk: Desk, planned: Task) -> None:
    """The next attempt begins with an empty document."""
    lost = await moved(desk, planned, reason=Reason.NODE_LOST)

    await finish(desk, lost)

    after = await now(desk, planned)
    assert (after.phase, after.attempt) == (Phase.QUEUED, 2)
    assert (after.document, after.document_parts, after.document_total, after.summary) == ("", 0, 0, "")
