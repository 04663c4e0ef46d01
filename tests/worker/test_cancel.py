"""Cancel, from the comment to the end of the run: whatever phase the task is in, and whichever comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis import Redis

from core.errors import ExecutorUnavailable
from core.gitlab.nouns import User
from core.reasons import Reason
from core.task import Phase, Task
from simulators.gitlab.access import DEVELOPER
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import bells, comment_trigger, label_trigger, moved, now, received, taken_in
from tests.worker.town import Town
from worker import orders
from worker.conversation.commands import Cancel
from worker.conversation.merge_request import commit_message
from worker.executors.protocol import RunRequest
from worker.requests.request import Case, Request
from worker.steps.cancel import cancel
from worker.steps.intake import intake
from worker.steps.launch import launch
from worker.steps.report import report
from worker.verbs.cancel import carry_out
from worker.verbs.outcome import Answered
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def asked(desk: Desk, town: Town, text: str = "/agent do it as it should be") -> Task:
    """Take a comment of alice's in."""
    return await taken_in(desk, comment_trigger(town.say(text)))


async def launched(desk: Desk, town: Town) -> Task:
    """Ask for a task whose run has begun."""
    task = await asked(desk, town)
    await report(desk, task)
    await launch(desk, task)
    return await moved(desk, task, Phase.PREPARING, Phase.WORKING)


async def settled(desk: Desk, task: Task) -> Task:
    """Play the steps that a cancel rings."""
    await cancel(desk, await now(desk, task))
    await report(desk, await now(desk, task))
    return await now(desk, task)


async def test_a_queued_task_is_cancelled_at_once(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """It leaves the queue; its own reply tells of it, the command has none but its eye."""
    task = await asked(desk, town)
    await report(desk, task)
    note = town.say("/agent cancel")
    command = await taken_in(desk, comment_trigger(note))

    task = await settled(desk, task)
    await report(desk, command)

    assert (task.phase, task.cancelled_by, await desk.store.queued()) == (Phase.CANCELLED, "alice", [])
    assert (command.phase, command.reason) == (Phase.REJECTED, Reason.SHOWN)
    assert executor.cancelled == []
    progress, closing = town.bodies()
    assert progress.startswith("🛑 Cancelled")
    assert closing.startswith("@alice The work was cancelled by you; nothing was pushed.")
    assert town.world.awards(note) == ["eyes"]


async def test_a_running_task_loses_its_run_and_its_slot(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """The next in the queue is rung at once; who asked is told who cancelled."""
    task = await launched(desk, town)
    waiting = await asked(desk, town, "/agent do something else too")
    bob = town.world.add_user("bob")
    town.world.add_member(town.project, bob, DEVELOPER)
    await desk.redis.delete("rq:queue:ablehand")

    await taken_in(desk, comment_trigger(town.say(f"/agent cancel {task.id}", author=bob)))
    rung = await bells(desk.redis)
    task = await settled(desk, task)

    assert rung[:2] == [f"cancel {task.id}", f"launch {waiting.id}"]
    assert executor.cancelled == [f"agent-{task.id}-a1"]
    assert await desk.store.slots_taken() == 0
    assert town.bodies()[-1].startswith("@alice The work was cancelled by @bob; nothing was pushed.")


@pytest.mark.parametrize("number", ["", " 1"], ids=["the newest", "by number"])
async def test_a_cancel_that_is_taken_in_twice(desk: Desk, town: Town, number: str) -> None:
    """Its bell was rung again meanwhile: it neither says that there is nothing, nor cancels another."""
    older, task = await asked(desk, town), await asked(desk, town)
    command = await received(desk, comment_trigger(town.say(f"/agent cancel{number}")))
    item = town.client().item(command.trigger.noteable)
    project, alice = town.client().project(town.project.id), User(id=town.alice.id, username="alice")
    request = Request(trigger=command.trigger, requester=alice, command=Cancel(int(number or 0)))
    case = Case(task=command, project=project, item=item, request=request)

    answers = [await carry_out(desk, case, Cancel(int(number or 0))) for _ in range(2)]

    assert answers == [Answered(""), Answered("")]
    left = older if not number else task
    assert (await now(desk, left)).phase is Phase.QUEUED
    assert await desk.store.items.cancelled_before(command.trigger.noteable) == (0, "")


async def test_the_newest_is_cancelled(desk: Desk, town: Town) -> None:
    """Without a number, of several that have not ended."""
    first, second = await asked(desk, town), await asked(desk, town)

    await asked(desk, town, "/agent cancel")

    assert ((await now(desk, first)).phase, (await now(desk, second)).phase) == (Phase.QUEUED, Phase.CANCELLED)


@pytest.mark.parametrize("phase", [Phase.LAUNCHING, Phase.STARTING, Phase.PUBLISHING, Phase.FINISHING])
async def test_every_phase_can_be_cancelled(desk: Desk, town: Town, phase: Phase) -> None:
    """Whatever the run is at."""
    task = await moved(desk, await asked(desk, town), phase)

    await asked(desk, town, "/agent cancel")

    assert (await now(desk, task)).phase is Phase.CANCELLED


@pytest.mark.parametrize("known", [True, False], ids=["told by the run", "found on GitLab"])
async def test_what_was_pushed_stays_and_is_said(desk: Desk, town: Town, known: bool) -> None:  # noqa: FBT001
    """The reply names the branch, also where the run's result never came."""
    task = await moved(desk, await launched(desk, town), Phase.PUBLISHING)
    branch = orders.push_branch(task)
    if known:
        task = await moved(desk, task, Phase.FINISHING, commit="a" * 40, result_branch=branch)
    else:
        town.project.repository.set_branch(branch, task.base_commit)
        town.world.commit_files(town.project, files={"a": "b"}, branch=branch, message=commit_message(task))

    await asked(desk, town, "/agent cancel")
    await settled(desk, task)

    assert f"`{branch}` was pushed before, and stays until you delete it." in town.bodies()[-1]


@pytest.mark.parametrize("taken", [False, True], ids=["not accepted yet", "not taken in yet"])
async def test_a_cancel_that_comes_first(desk: Desk, town: Town, taken: bool) -> None:  # noqa: FBT001
    """The comment before it is cancelled although it is read later; one reply says so to who asked."""
    asking, cancelling = town.say("/agent do it as it should be"), town.say("/agent cancel")
    task = await received(desk, comment_trigger(asking)) if taken else None
    await taken_in(desk, comment_trigger(cancelling))

    task = task or await received(desk, comment_trigger(asking))
    await intake(desk, await now(desk, task))
    task = await settled(desk, task)

    assert (task.phase, task.cancelled_by) == (Phase.CANCELLED, "alice")
    assert await desk.store.queued() == []
    assert town.bodies()[-1].startswith("@alice The work was cancelled by you; nothing was pushed.")


async def test_a_thread_that_has_asked_too_much_can_be_stopped(desk: Desk, town: Town) -> None:
    """The limit of a conversation holds for what costs something."""
    desk = replace(desk, settings=desk.settings.model_copy(update={"thread_tasks_per_hour": 1}))
    task = await asked(desk, town)

    await asked(desk, town, "/agent cancel")

    assert (await now(desk, task)).phase is Phase.CANCELLED


async def test_a_cancel_spares_what_is_asked_later(desk: Desk, town: Town) -> None:
    """Also where there was nothing to cancel."""
    command = await asked(desk, town, "/agent cancel")
    task = await asked(desk, town)

    assert command.answer == "There is nothing to cancel here: no task waits or runs."
    assert task.phase is Phase.QUEUED


async def test_a_question_that_waits_is_no_work(desk: Desk, town: Town) -> None:
    """A comment that asks for the status, and was not taken in yet, is not what is meant."""
    task = await asked(desk, town)
    question = await received(desk, comment_trigger(town.say("/agent status")))

    await asked(desk, town, "/agent cancel")

    assert (await now(desk, task)).phase is Phase.CANCELLED
    assert (await now(desk, question)).phase is Phase.RECEIVED


async def test_a_labels_task_is_cancelled_by_a_comment(desk: Desk, town: Town) -> None:
    """It hangs on the same issue."""
    town.world.label(town.issue, town.alice, add=["agent-ready"])
    task = await taken_in(desk, label_trigger(town.issue))

    await asked(desk, town, "/agent cancel")

    assert (await now(desk, task)).phase is Phase.CANCELLED


async def test_what_has_ended_can_not_be_cancelled(desk: Desk, town: Town) -> None:
    """The answer says how it ended."""
    task = await moved(desk, await launched(desk, town), Phase.COMPLETED)

    command = await asked(desk, town, f"/agent cancel {task.id}")

    assert command.answer == f"There is nothing to cancel: task {task.id} has ended already (completed)."


async def test_a_task_of_another_issue_is_cancelled_by_its_number(desk: Desk, town: Town) -> None:
    """Its own reply tells there, and the answer here says where to look."""
    task = await asked(desk, town)
    other = town.world.add_issue(town.project, author=town.alice, title="Another", description="")
    note = town.world.comment(other, author=town.alice, body=f"/agent cancel {task.id}")

    command = await taken_in(desk, comment_trigger(note))

    assert (await now(desk, task)).phase is Phase.CANCELLED
    assert (
        command.answer == f"Task {task.id} is cancelled; the reply on issue #{town.issue.iid} says what became of it."
    )


async def test_another_projects_task_is_not_there(desk: Desk, town: Town) -> None:
    """A number of another project looks like none."""
    task = await asked(desk, town)
    elsewhere = town.world.add_project("shop/other", files={"README.md": "x"})
    for person, level in ((town.alice, DEVELOPER), (town.bot, DEVELOPER)):
        town.world.add_member(elsewhere, person, level)
    issue = town.world.add_issue(elsewhere, author=town.alice, title="x", description="")
    note = town.world.comment(issue, author=town.alice, body=f"/agent cancel {task.id}")

    command = await taken_in(desk, comment_trigger(note))

    assert (await now(desk, task)).phase is Phase.QUEUED
    assert (command.reason, command.detail.split(":")[0]) == (
        Reason.COMMAND,
        f"There is no task {task.id} in this project",
    )


async def test_a_run_that_is_launched_meanwhile_is_ended(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Cancelled while the executor is being asked: the launch finds out, and has the run ended once more."""
    task = await asked(desk, town)
    slow = replace(desk, executor=_Slow(desk, task))
    await desk.redis.delete("rq:queue:ablehand")

    await launch(slow, task)

    assert (await now(desk, task)).phase is Phase.CANCELLED
    assert await bells(desk.redis) == [f"cancel {task.id}"]
    await settled(desk, task)
    assert executor.cancelled == [f"agent-{task.id}-a1"]


class _Slow(HandExecutor):
    """An executor during whose launch the task is cancelled."""

    def __init__(self, desk: Desk, task: Task) -> None:
        super().__init__()
        self._key = f"{{ablehand}}:task:{task.id}"
        self._url = desk.settings.redis_url.get_secret_value()

    def launch(self, request: RunRequest) -> None:
        """Launch, and have somebody cancel meanwhile."""
        super().launch(request)
        with Redis.from_url(self._url) as redis:
            redis.hset(self._key, "phase", Phase.CANCELLED.value)


async def test_an_executor_that_does_not_answer(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """The task is cancelled all the same, and people are told a minute later at the latest."""
    task = await launched(desk, town)
    await desk.store.told(task)
    await asked(desk, town, "/agent cancel")
    executor.cancel_refusal = ExecutorUnavailable("nobody there")

    with pytest.raises(ExecutorUnavailable):
        await cancel(desk, await now(desk, task))

    assert (await now(desk, task)).phase is Phase.CANCELLED
    due = await desk.redis.zscore("{ablehand}:outbox", str(task.id))
    assert due is not None
    assert due <= await desk.store.now() + 60
