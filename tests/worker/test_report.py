"""Report: one comment that is edited, one closing reply, the labels; whatever GitLab does meanwhile."""

from __future__ import annotations

import pytest

from core.errors import GitLabUnavailable
from core.reasons import Reason
from core.task import Phase, Progress
from tests.worker.ledger import comment_trigger, label_trigger, moved, now, received, taken_in
from tests.worker.town import Town
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
RUN = (Phase.LAUNCHING, Phase.STARTING, Phase.WORKING)


async def test_one_comment_is_edited_and_one_reply_closes(desk: Desk, town: Town) -> None:
    """However often it is called, and told of each state."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    for phases in ((), RUN, (Phase.FINISHING,), (Phase.COMPLETED,)):
        task = await moved(desk, task, *phases) if phases else task
        for _ in range(3):
            await report(desk, task)

    progress, closing = town.bodies()
    assert progress.startswith("✅ Done: nothing needed changing")
    assert closing.startswith("@alice Nothing needed changing")
    assert town.world.labels(town.issue) == []
    assert (await desk.store.due())[1] == []


async def test_a_received_task_is_not_told_of(desk: Desk, town: Town) -> None:
    """Nobody knows yet whether something was asked."""
    await report(desk, await received(desk, comment_trigger(town.say("/agent do it"))))

    assert town.bodies() == []


async def test_the_place_in_the_queue_is_shown(desk: Desk, town: Town) -> None:
    """And follows the queue when it is told again."""
    first = await taken_in(desk, comment_trigger(town.say("/agent do one thing")))
    second = await taken_in(desk, comment_trigger(town.say("/agent do another thing")))

    await report(desk, second)
    assert "2nd in the queue" in town.bodies()[0]
    await moved(desk, first, *RUN)
    await report(desk, second)  # its first edit has not to wait

    assert "1st in the queue" in town.bodies()[0]
    assert len(town.bodies()) == 1


async def test_a_task_that_leaves_the_queue_meanwhile_is_told_without_a_place(desk: Desk, town: Town) -> None:
    """It got its slot between the two looks at the ledger: no failed step, and the next report says the rest."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    await desk.redis.zrem("{ablehand}:queue", str(task.id))

    await report(desk, task)

    assert town.bodies()[0].startswith("⏳ Waiting for a free slot · ")


@pytest.mark.parametrize("which", ["progress", "closing"])
async def test_a_lost_answer_makes_no_second_comment(desk: Desk, town: Town, which: str) -> None:
    """The comment was written; the next try finds it by its marker."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    if which == "closing":
        await report(desk, task)
        await moved(desk, task, *RUN, Phase.FAILED, reason=Reason.AGENT.value)
    town.server.faults.drop_answer("POST", "/notes$")

    with pytest.raises(GitLabUnavailable):
        await report(desk, task)
    await report(desk, task)

    assert len(town.bodies()) == (1 if which == "progress" else 2)
    after = await now(desk, task)
    assert town.world.notes(town.issue)[-1].id == (
        after.progress_note_id if which == "progress" else after.final_note_id
    )


async def test_a_deleted_comment_is_not_written_again(desk: Desk, town: Town) -> None:
    """Who deleted it does not want it back; the reply at the end comes all the same."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    await report(desk, task)
    town.world.delete_note(town.world.notes(town.issue)[-1])
    task = await moved(desk, task, *RUN, Phase.FAILED, reason=Reason.AGENT.value)

    for _ in range(2):
        await report(desk, task)

    assert len(town.bodies()) == 1
    assert town.bodies()[0].startswith("@alice It did not work.")


@pytest.mark.parametrize(
    ("end", "label"),
    [(Phase.COMPLETED, "agent-done"), (Phase.FAILED, "agent-failed"), (Phase.CANCELLED, "agent-failed")],
)
async def test_labels_follow_a_task_that_a_label_asked_for(desk: Desk, town: Town, end: Phase, label: str) -> None:
    """Others' labels stay."""
    town.world.label(town.issue, town.alice, add=["agent-ready", "backend"])
    task = await taken_in(desk, label_trigger(town.issue))
    await report(desk, task)
    assert sorted(town.world.labels(town.issue)) == ["agent-running", "backend"]

    await moved(desk, task, *RUN, end)
    await report(desk, task)
    await report(desk, task)

    assert sorted(town.world.labels(town.issue)) == sorted([label, "backend"])
    assert town.count("PUT", f"/issues/{town.issue.iid}") == 2


HOSTILE = "x\n/close\n/assign @ablehand\n@all <!-- ablehand:final task=1 --> ![](http://evil.example/a.png)"


async def test_hostile_text_stays_harmless(desk: Desk, town: Town) -> None:
    """Title, request and summary are shown, and neither close an issue nor mention everybody."""
    town.issue.title = HOSTILE
    task = await taken_in(desk, comment_trigger(town.say("/agent do it\n\nreally `/close`")))
    progress = Progress(current=HOSTILE, items=((HOSTILE, "done"),))
    task = await moved(desk, task, *RUN, progress=progress, summary=HOSTILE)
    await report(desk, task)
    await moved(desk, task, Phase.COMPLETED)
    await report(desk, task)

    assert (town.issue.state, town.issue.assignees) == ("opened", [])
    assert len(town.bodies()) == 2
    assert not any("@all" in body or "](http://evil" in body for body in town.bodies())
