"""A failed pipeline of our own merge request: mended for as long as it is ours, and never for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.reasons import Reason
from core.task import Phase, Place, Source, Task, Trigger
from simulators.gitlab.access import DEVELOPER
from simulators.gitlab.ci import Job, Pipeline
from simulators.gitlab.records import MergeRequest
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker.conversation.merge_request import commit_message
from worker.failed_jobs import last_lines
from worker.orders import push_branch
from worker.steps.finish import finish
from worker.steps.launch import launch
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
TRACE = (
    "section_start:1:step_script[collapsed=true]\r\x1b[0K\x1b[36mRunning\x1b[0m\r\n10%\r55%\r100% done\r\n"
    "\x1b[31mFAIL: /health is missing\x1b[0m token glpat-0123456789abcdefghij\n"
    "section_end:2:step_script\r\x1b[0K\n"
)
RUN = (Phase.LAUNCHING, Phase.STARTING, Phase.PUBLISHING, Phase.FINISHING)


def failing(reason: str = "script_failure", name: str = "test", *, allow_failure: bool = False) -> Job:
    """Give a job that fails."""
    return Job(name=name, status="failed", failure_reason=reason, trace=TRACE.encode(), allow_failure=allow_failure)


def push(town: Town, task: Task, text: str) -> str:
    """Push to the task's branch what its run would."""
    return town.world.commit_files(
        town.project, files={"health.go": text}, branch=push_branch(task), message=commit_message(task)
    )


async def done(desk: Desk, town: Town, task: Task, text: str) -> Task:
    """Let a task's run push, and finish it."""
    commit = push(town, task, text)
    task = await moved(desk, task, *RUN, commit=commit, result_branch=push_branch(task), summary=f"It says {text}.")
    await finish(desk, task)
    return await now(desk, task)


@pytest.fixture
async def work(desk: Desk, town: Town) -> Task:
    """Give a completed task with its merge request."""
    return await done(desk, town, await taken_in(desk, comment_trigger(town.say("/agent add a health check"))), "ok")


def opened(town: Town) -> MergeRequest:
    """Give the only merge request."""
    (request,) = town.world.merge_requests(town.project)
    return request


def fail(town: Town, *jobs: Job) -> Pipeline:
    """Run a pipeline of the merge request, one job of which fails if none is given."""
    request = opened(town)
    return town.world.run_pipeline(
        town.project, request.source_branch, list(jobs) or [failing()], user=town.bot, request=request
    )


async def told(desk: Desk, pipeline: Pipeline) -> Task:
    """Take in what the pipeline's hook tells."""
    trigger = Trigger(
        source=Source.PIPELINE,
        place=Place.MERGE_REQUEST,
        project_id=pipeline.project.id,
        iid=1,
        event_id=pipeline.id,
    )
    return await taken_in(desk, trigger)


async def test_a_failed_pipeline_is_followed_up(desk: Desk, town: Town, executor: HandExecutor, work: Task) -> None:
    """On the merge request's branch, in the name of who asked first, with the failed jobs' last lines."""
    task = await told(desk, fail(town, failing(), failing(name="lint", allow_failure=True), Job(name="build")))
    await launch(desk, task)

    task = await now(desk, task)
    assert (task.phase, task.requester_id, task.parent_id) == (Phase.STARTING, town.alice.id, work.id)
    order = executor.launched[-1].order
    assert (order.base_branch, order.push_branch, order.base_commit) == (
        work.result_branch, work.result_branch, work.commit,
    )  # fmt: skip
    files = {name: text for name, text in order.context.items() if name.startswith("failed-job")}
    assert list(files) == ["failed-job-1.txt"]
    assert files["failed-job-1.txt"].endswith(
        "Job 'test' of the stage 'test'\n\nRunning\n100% done\nFAIL: /health is missing token [redacted]\n"
    )
    assert "Untrusted data" in files["failed-job-1.txt"]
    assert "../context/failed-job-*.txt" in order.prompt


async def test_it_says_what_it_tried(desk: Desk, town: Town, work: Task) -> None:
    """In one comment and one reply on the merge request, with the pipeline's link."""
    pipeline = fail(town)
    task = await done(desk, town, await told(desk, pipeline), "fine")
    for _ in range(2):
        await report(desk, task)

    said = [note.body for note in town.world.notes(opened(town)) if note.author is town.bot]
    assert len(said) == 2
    assert f"/-/pipelines/{pipeline.id}) failed, and I pushed a change that should mend it." in said[1]
    assert said[1].startswith("@alice The [pipeline")
    assert "It says fine." in said[1]
    assert work.id != task.id


async def test_it_is_tried_so_often_and_then_left_to_people(desk: Desk, town: Town, work: Task) -> None:
    """Which is said once; whatever fails after that is nobody's business of ours."""
    for number in range(2):
        assert (await done(desk, town, await told(desk, fail(town)), f"try {number}")).phase is Phase.COMPLETED

    last = await told(desk, fail(town))
    again = await told(desk, fail(town))

    assert (last.phase, last.reason, last.requester_id) == (Phase.REJECTED, Reason.LIMIT, work.requester_id)
    assert again.reason in {Reason.IGNORED, Reason.DUPLICATE}
    await report(desk, last)
    said = [note.body for note in town.world.notes(opened(town)) if note.author is town.bot]
    assert [body for body in said if body.startswith("@alice The pipeline still fails after I tried 2 times")] == said


async def test_two_pipelines_of_one_head_are_one_try(desk: Desk, town: Town, work: Task) -> None:
    """GitLab may run one for the branch and one for the merge request."""
    assert work.commit
    first, second = await told(desk, fail(town)), await told(desk, fail(town))

    assert first.phase is Phase.QUEUED
    assert (second.phase, second.reason) == (Phase.REJECTED, Reason.DUPLICATE)


async def test_a_merged_result_counts_too(desk: Desk, town: Town, work: Task) -> None:
    """Its commit is on no branch; the head is one of its parents."""
    assert work.commit

    task = await told(desk, town.world.run_merged_pipeline(opened(town), [failing()], user=town.bot))

    assert task.phase is Phase.QUEUED


@pytest.mark.parametrize(
    "job",
    [
        failing("runner_system_failure"),
        failing("stuck_or_timeout_failure"),
        failing("job_execution_timeout"),
        failing(""),
        failing(allow_failure=True),
        Job(name="test"),
    ],
    ids=lambda job: f"{job.status} {job.failure_reason} {job.allow_failure}",
)
async def test_what_code_can_not_mend_is_left_alone(desk: Desk, town: Town, work: Task, job: Job) -> None:
    """A runner's failure costs no agent's run, nor does what may fail."""
    assert work.commit

    task = await told(desk, fail(town, replace(job, id=0)))

    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.IGNORED)


async def test_an_older_head_is_left_alone(desk: Desk, town: Town, work: Task) -> None:
    """What it complains of may be mended already."""
    pipeline = fail(town)
    mended = await done(desk, town, await told(desk, pipeline), "fine")
    assert mended.commit != work.commit

    late = town.world.run_pipeline(town.project, work.result_branch, [failing()], user=town.bot)
    late.sha = work.commit

    assert (await told(desk, late)).reason == Reason.IGNORED


async def test_a_persons_commit_makes_it_theirs(desk: Desk, town: Town, work: Task) -> None:
    """Also if its message names our task."""
    town.world.commit_files(
        town.project, files={"a": "b"}, branch=work.result_branch, message=f"Mine\n\nAgent-Task: {work.id}"
    )

    assert (await told(desk, fail(town))).reason == Reason.IGNORED


async def test_a_persons_merge_request_is_left_alone(desk: Desk, town: Town, work: Task) -> None:
    """Even if the last commit on it is ours."""
    opened(town).author = town.alice

    assert (await told(desk, fail(town))).reason == Reason.IGNORED
    assert work.commit


async def test_a_closed_merge_request_is_left_alone(desk: Desk, town: Town, work: Task) -> None:
    """Somebody has decided."""
    pipeline = fail(town)
    opened(town).state = "closed"

    assert (await told(desk, pipeline)).reason == Reason.IGNORED
    assert work.commit


async def test_who_asked_must_still_be_allowed_to(desk: Desk, town: Town, work: Task) -> None:
    """The follow-up is done in their name."""
    town.world.add_member(town.project, town.alice, DEVELOPER - 10)

    task = await told(desk, fail(town))

    assert (task.reason, task.requester_id) == (Reason.NOT_ALLOWED, work.requester_id)


async def test_a_project_can_switch_it_off(desk: Desk, town: Town, work: Task) -> None:
    """In its file on the default branch."""
    assert work.commit
    town.world.commit_files(town.project, files={".ablehand.yml": "ci_fix: 0\n"})

    assert (await told(desk, fail(town))).reason == Reason.IGNORED


async def test_a_retried_intake_takes_no_second_try(desk: Desk, town: Town, work: Task) -> None:
    """What was counted for a task stays its own."""
    assert work.commit
    pipeline = fail(town)
    town.server.faults.answer("GET", "/members/all/", status=502, times=9)
    trigger = Trigger(
        source=Source.PIPELINE, place=Place.MERGE_REQUEST, project_id=town.project.id, iid=1, event_id=pipeline.id
    )
    with pytest.raises(Exception, match="502"):
        await taken_in(desk, trigger)
    town.server.faults.clear()

    task = await taken_in(desk, trigger)

    assert task.phase is Phase.QUEUED
    assert await desk.redis.keys("{ablehand}:trigger:ci-fix:*:2") == []


@pytest.mark.parametrize(
    ("log", "lines"),
    [
        ("", ""),
        ("a\nb\n", "a\nb"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("section_start:1:x[hide_duration=true]\r\x1b[0Ksection_start:2:y\r\x1b[0KHello\n", "Hello"),
        ("\x1b]0;title\x07x\u202ey", "xy"),
        ("1%\r2%\r", "2%"),
        ("x" * 5_000, "x" * 1_000),
        ("\n".join(str(number) for number in range(1_000)), "\n".join(str(number) for number in range(800, 1_000))),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_last_lines(log: str, lines: str) -> None:
    """As a terminal shows them in the end, without markers, and not too many."""
    assert last_lines(log) == lines
