"""Launch: in order, within the slots, by the rules as they are now, and the same order however often."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from core.errors import ExecutorError, ExecutorUnavailable
from core.reasons import Reason
from core.task import Phase, Task
from simulators.gitlab.access import REPORTER
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import bells, comment_trigger, label_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker import orders
from worker.steps.launch import launch
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def asked(desk: Desk, town: Town, prompt: str = "do it as it should be") -> Task:
    """Queue a task of alice's."""
    return await taken_in(desk, comment_trigger(town.say(f"/agent {prompt}")))


async def test_a_run_is_ordered_whole(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """The order has commit, branch and words; the secrets stand beside it."""
    task = await asked(desk, town)

    await launch(desk, task)

    after = await now(desk, task)
    (request,) = executor.launched
    head = town.project.repository.branch_sha("main")
    assert (after.phase, after.job_name, after.base_commit) == (Phase.STARTING, "agent-1-a1", head)
    assert (request.name, request.task_id, request.read_token) == ("agent-1-a1", task.id, town.token)
    order = request.order
    assert (order.base_commit, order.base_branch, order.default_branch) == (head, "main", "main")
    assert order.push_branch == f"agent/{town.issue.iid}-{task.unique_id[:8]}"
    assert order.clone_url == f"{town.server.url}/shop/web.git"
    assert town.token not in order.to_json()


async def test_a_second_launch_orders_the_same(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Though the branch moved meanwhile: a killed launch is made good by the same request."""
    task = await asked(desk, town)
    await launch(desk, task)
    await desk.redis.hset(f"{{ablehand}}:task:{task.id}", "phase", "launching")
    town.world.commit_files(town.project, files={"README.md": "moved"})

    await launch(desk, await now(desk, task))

    first, second = (replace(request, write_token="") for request in executor.launched)
    assert first == second
    assert (await now(desk, task)).phase is Phase.STARTING


async def test_slots_are_given_in_order(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Two slots, four tasks: the two oldest get them, whichever is rung; a free slot goes to the third."""
    desk = replace(desk, settings=desk.settings.model_copy(update={"max_runs": 2}))
    tasks = [await asked(desk, town, f"do thing number {number}") for number in range(4)]
    await desk.redis.delete("rq:queue:ablehand")

    await launch(desk, tasks[3])
    assert await bells(desk.redis) == ["launch 1", "launch 2"]
    for task in tasks:
        await launch(desk, await now(desk, task))
    assert [request.task_id for request in executor.launched] == [1, 2]

    await moved(desk, tasks[0], Phase.FAILED)
    await launch(desk, await now(desk, tasks[2]))
    assert [request.task_id for request in executor.launched] == [1, 2, 3]
    assert await desk.store.queued() == [4]


@pytest.mark.parametrize("source", ["comment", "label"])
async def test_access_that_was_lost_in_the_queue_counts(
    desk: Desk, town: Town, executor: HandExecutor, source: str
) -> None:
    """Nothing is started; people get one final reply, and the label does not say that it runs."""
    trigger = comment_trigger(town.say("/agent do it"))
    if source == "label":
        town.world.label(town.issue, town.alice, add=["agent-ready"])
        trigger = label_trigger(town.issue)
    task = await taken_in(desk, trigger)
    await report(desk, task)
    town.world.add_member(town.project, town.alice, REPORTER)

    await launch(desk, task)
    for _ in range(2):
        await report(desk, task)

    after = await now(desk, task)
    assert (after.phase, after.reason, executor.launched) == (Phase.REJECTED, Reason.NOT_ALLOWED, [])
    assert len(town.bodies()) == 2
    assert town.bodies()[1].startswith("@alice ")
    assert town.world.labels(town.issue) == (["agent-failed"] if source == "label" else [])
    assert await desk.store.slots_taken() == 0


async def test_a_branch_that_was_deleted_is_refused(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """It was there when the task was taken in."""
    town.world.commit_files(town.project, files={"a": "b"}, branch="old")
    task = await asked(desk, town, "--branch old do it")
    town.project.repository.delete_branch("old")

    await launch(desk, task)

    after = await now(desk, task)
    assert (after.phase, after.reason, after.detail) == (Phase.REJECTED, Reason.BRANCH, "old")
    assert executor.launched == []


async def test_a_project_that_is_gone_is_told_nobody(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """There is nobody left to tell."""
    task = await asked(desk, town)
    del town.project.issues[town.issue.iid]

    await launch(desk, task)

    assert (await now(desk, task)).reason == Reason.GONE
    assert executor.launched == []


REFUSALS = {
    "disk": (ExecutorError("the disk is full"), Reason.INFRASTRUCTURE),
    "name-taken": (ExecutorError("not this task's", Reason.NAME_TAKEN), Reason.NAME_TAKEN),
    "rights": (ExecutorError("not allowed: create jobs", Reason.RIGHTS), Reason.RIGHTS),
}


@pytest.mark.parametrize(("refusal", "reason"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_an_executor_that_refuses_fails_the_task(
    desk: Desk, town: Town, executor: HandExecutor, refusal: ExecutorError, reason: Reason
) -> None:
    """With what it said, and the reason that it gave."""
    task = await asked(desk, town)
    executor.refusal = refusal

    await launch(desk, task)

    after = await now(desk, task)
    assert (after.phase, after.reason, after.detail) == (Phase.FAILED, reason, str(refusal))
    assert await desk.store.slots_taken() == 0


async def test_an_executor_that_does_not_answer_is_asked_again(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Nobody knows how far it got: the same run is ordered under the same name, and the slot is kept for it."""
    task = await asked(desk, town)
    executor.refusal = ExecutorUnavailable("the cluster does not answer", Reason.CLUSTER)
    with pytest.raises(ExecutorUnavailable):
        await launch(desk, task)
    assert (await now(desk, task)).phase is Phase.LAUNCHING
    executor.refusal = None

    await launch(desk, await now(desk, task))

    first, second = (replace(request, write_token="") for request in executor.launched)
    assert first == second
    assert (await now(desk, task)).phase is Phase.STARTING


async def test_a_run_on_a_cluster_may_wait_for_a_node(desk: Desk, town: Town) -> None:
    """Before that time and its own are over, nobody ends it from outside."""
    own = orders.deadline_seconds(desk.settings) + orders.LATE_SECONDS
    desk = replace(desk, settings=desk.settings.model_copy(update={"executor": "kubernetes"}))
    task = await asked(desk, town)

    await launch(desk, task)

    due = await desk.redis.zscore("{ablehand}:deadlines", str(task.id))
    assert float(due or 0) - time.time() == pytest.approx(own + desk.settings.start_timeout_seconds, abs=30)
