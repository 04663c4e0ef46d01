"""Finish: exactly one merge request, with what it must have, or a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import GitLabUnavailable
from core.reasons import Reason
from core.task import Phase, Task
from simulators.gitlab.records import MergeRequest
from tests.worker.ledger import bells, comment_trigger, moved, now, taken_in
from tests.worker.town import PUBLIC_URL, Town
from worker.conversation.merge_request import commit_message
from worker.orders import push_branch
from worker.steps.finish import finish
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
BRANCH = "agent/1-abc"


@pytest.fixture
async def pushed(desk: Desk, town: Town) -> Task:
    """Give a task whose branch is pushed."""
    task = await taken_in(desk, comment_trigger(town.say("/agent add a health check")))
    commit = town.world.commit_files(town.project, files={"health": "ok"}, branch=BRANCH)
    phases = (Phase.LAUNCHING, Phase.STARTING, Phase.PUBLISHING, Phase.FINISHING)
    task = await moved(desk, task, *phases, commit=commit, result_branch=BRANCH, summary="I added it.")
    await desk.redis.delete("rq:queue:ablehand")
    return task


def opened(town: Town) -> list[MergeRequest]:
    """List the project's merge requests."""
    return town.world.merge_requests(town.project)


async def test_the_merge_request_has_what_it_must_have(desk: Desk, town: Town, pushed: Task) -> None:
    """Squash, removal of the branch, assignee, a title, and a description that closes the issue."""
    await finish(desk, pushed)

    (request,) = opened(town)
    assert (request.source_branch, request.target_branch, request.title) == (BRANCH, "main", "A health check")
    assert (request.squash, request.force_remove_source_branch) == (True, True)
    assert (request.assignees, request.author) == ([town.alice], town.bot)
    assert town.world.closes(request) == [town.issue.iid]
    assert f"{PUBLIC_URL}/tasks/{pushed.id})" in request.description
    after = await now(desk, pushed)
    url = f"{town.server.url}/shop/web/-/merge_requests/1"
    assert (after.phase, after.merge_request_iid, after.merge_request_url) == (Phase.COMPLETED, 1, url)
    assert await bells(desk.redis) == [f"report {pushed.id}"]


async def test_finish_run_twice_does_nothing_more(desk: Desk, town: Town, pushed: Task) -> None:
    """The second bell finds a completed task."""
    for _ in range(2):
        await finish(desk, pushed)

    assert len(opened(town)) == 1
    assert town.count("POST", "/merge_requests") == 1


async def test_one_that_is_there_is_taken_up(desk: Desk, town: Town, pushed: Task) -> None:
    """By its branch, before anything is written."""
    town.world.add_merge_request(
        town.project, author=town.alice, title="By hand", branches={"source_branch": BRANCH, "target_branch": "main"}
    )

    await finish(desk, pushed)

    assert (await now(desk, pushed)).merge_request_iid == 1
    assert town.count("POST", "/merge_requests") == 0


async def test_a_conflict_is_taken_up(desk: Desk, town: Town, pushed: Task) -> None:
    """Somebody opened it between our look and our write."""
    town.server.faults.answer("GET", "/merge_requests$", status=200, body="[]")
    town.world.add_merge_request(
        town.project, author=town.alice, title="By hand", branches={"source_branch": BRANCH, "target_branch": "main"}
    )

    await finish(desk, pushed)

    after = await now(desk, pushed)
    assert (after.phase, after.merge_request_iid) == (Phase.COMPLETED, 1)


async def test_a_lost_answer_makes_no_second_one(desk: Desk, town: Town, pushed: Task) -> None:
    """It was opened; the next try finds it."""
    town.server.faults.drop_answer("POST", "/merge_requests$")

    with pytest.raises(GitLabUnavailable):
        await finish(desk, pushed)
    assert (await now(desk, pushed)).phase is Phase.FINISHING
    await finish(desk, pushed)

    assert len(opened(town)) == 1
    assert (await now(desk, pushed)).phase is Phase.COMPLETED


async def test_a_gitlab_that_is_ill_is_waited_for(desk: Desk, town: Town, pushed: Task) -> None:
    """Nothing final is written."""
    town.server.faults.answer("POST", "/merge_requests$", status=500)

    with pytest.raises(GitLabUnavailable):
        await finish(desk, pushed)

    assert await now(desk, pushed) == pushed


@pytest.mark.parametrize("what", ["gone", "moved"])
async def test_a_branch_that_is_not_what_was_pushed_is_told(desk: Desk, town: Town, pushed: Task, what: str) -> None:
    """Nobody is given a merge request of something else."""
    if what == "gone":
        town.project.repository.delete_branch(BRANCH)
    else:
        town.world.commit_files(town.project, files={"health": "bad"}, branch=BRANCH)

    await finish(desk, pushed)

    after = await now(desk, pushed)
    assert (after.phase, after.reason) == (Phase.FAILED, Reason.MERGE_REQUEST)
    assert after.detail == f"the branch {BRANCH} is not at the commit that was pushed"
    assert opened(town) == []


async def test_a_refusal_is_told(desk: Desk, town: Town, pushed: Task) -> None:
    """With GitLab's words."""
    town.server.faults.answer(
        "POST", "/merge_requests$", status=403, body='{"message": "merge requests are off"}', times=2
    )

    await finish(desk, pushed)

    after = await now(desk, pushed)
    assert (after.reason, after.detail) == (Reason.MERGE_REQUEST, "create_merge_request: 403 merge requests are off")


@pytest.fixture
async def failed(desk: Desk, town: Town) -> Task:
    """Give a task whose run the cluster ended, and of which nobody knows whether it has pushed."""
    task = await taken_in(desk, comment_trigger(town.say("/agent add a health check")))
    base = town.project.repository.branch_sha("main") or ""
    phases = (Phase.LAUNCHING, Phase.STARTING, Phase.PUBLISHING, Phase.FINISHING)
    task = await moved(desk, task, *phases, reason=Reason.NODE_LOST, detail="node a is gone", base_commit=base)
    await desk.redis.delete("rq:queue:ablehand")
    return task


async def test_a_run_that_the_cluster_failed_is_tried_again(desk: Desk, failed: Task) -> None:
    """As a new attempt, which waits for its slot like any other, with times of its own."""
    await finish(desk, failed)

    after = await now(desk, failed)
    assert (after.phase, after.attempt, after.reason, after.detail) == (Phase.QUEUED, 2, "", "")
    assert [phase for phase, _ in after.phase_times] == [Phase.RECEIVED, Phase.QUEUED]
    assert after.job_name == f"agent-{failed.id}-a2"
    assert await bells(desk.redis) == [f"launch {failed.id}"]
    assert await desk.store.slots_taken() == 0


async def test_the_last_attempt_is_not_tried_again(desk: Desk, failed: Task) -> None:
    """Then people are told what ended it."""
    second = await desk.store.change(failed, attempt=2)
    assert second is not None

    await finish(desk, second)

    after = await now(desk, failed)
    assert (after.phase, after.reason, after.detail) == (Phase.FAILED, Reason.NODE_LOST, "node a is gone")


async def test_one_attempt_means_no_second(desk: Desk, failed: Task) -> None:
    """The operator may switch retries off."""
    once = replace(desk, settings=desk.settings.model_copy(update={"max_attempts": 1}))

    await finish(once, failed)

    assert (await now(desk, failed)).phase is Phase.FAILED


async def test_what_a_lost_run_had_pushed_is_not_pushed_twice(desk: Desk, town: Town, failed: Task) -> None:
    """Its commit is found on its branch, and the merge request is opened from it."""
    message = commit_message(failed)
    commit = town.world.commit_files(town.project, files={"health": "ok"}, branch=push_branch(failed), message=message)

    await finish(desk, failed)

    (request,) = opened(town)
    after = await now(desk, failed)
    assert (after.phase, after.commit, after.reason, after.attempt) == (Phase.COMPLETED, commit, "", 1)
    assert request.source_branch == push_branch(failed)


async def test_somebody_elses_commit_on_the_branch_is_not_taken_for_ours(desk: Desk, town: Town, failed: Task) -> None:
    """Nothing is opened from it, and nothing is tried on top of it."""
    town.world.commit_files(town.project, files={"health": "bad"}, branch=push_branch(failed))

    await finish(desk, failed)

    assert (await now(desk, failed)).phase is Phase.FAILED
    assert opened(town) == []
