"""Failed pipelines of the bot's merge requests, played on the running product by their hooks."""

from __future__ import annotations

import pytest

from simulators.gitlab.ci import Job, Pipeline
from simulators.gitlab.records import MergeRequest, Note
from tests.product.stack import Stack


def opened(stack: Stack, text: str = "") -> MergeRequest:
    """Let the agent open a merge request in a project of its own, with *text* as its file."""
    issue = stack.issue(stack.project(files={"README.md": "# Web\n", ".ablehand.yml": text}))
    stack.ask(issue, "/agent Do it DO edit")
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()
    (request,) = stack.merge_requests(issue.project)
    return request


def fail(stack: Stack, request: MergeRequest, kind: str = "merge request", reason: str = "script_failure") -> Pipeline:
    """Let a pipeline of the merge request's head fail."""
    jobs = [Job(name="test", status="failed", failure_reason=reason, trace=b"FAIL\n")]
    world = stack.gitlab.world
    if kind == "merged result":
        return world.run_merged_pipeline(request, jobs, user=stack.bot)
    on = request if kind == "merge request" else None
    return world.run_pipeline(request.project, request.source_branch, jobs, user=stack.bot, request=on)


def replies(stack: Stack, request: MergeRequest) -> list[Note]:
    """List the closing replies on the merge request."""
    notes = stack.gitlab.world.notes(request)
    return [note for note in notes if note.author is stack.bot and "ablehand:final" in note.body]


def settle(stack: Stack, request: MergeRequest) -> str:
    """Wait until all that was told is worked off; give the head."""
    stack.gitlab.wait_for_hooks()
    stack.wait_until_quiet()
    return str(request.project.repository.branch_sha(request.source_branch))


@pytest.mark.parametrize("kind", ["branch", "merge request", "merged result"])
def test_a_failed_pipeline_is_followed_up(stack: Stack, kind: str) -> None:
    """By a commit on its branch and one reply that says so to who asked; a branch's pipeline names no merge request."""
    request = opened(stack)
    before = request.project.repository.branch_sha(request.source_branch)

    pipeline = fail(stack, request, kind)

    reply = stack.wait(lambda: replies(stack, request), "a reply on the merge request")[0].body
    head = settle(stack, request)
    assert reply.startswith(f"@alice The [pipeline {pipeline.id}](")
    assert "failed, and I pushed a change that should mend it" in reply
    assert request.project.repository.commit(head).parents == (before,)
    assert len(stack.merge_requests(request.project)) == 1
    assert len([note for note in stack.gitlab.world.notes(request) if note.author is stack.bot]) == 2


def test_it_gives_up_and_says_so_once(stack: Stack) -> None:
    """After as many tries as the project lets it have."""
    request = opened(stack, "ci_fix: 1\n")
    for count in (1, 2):
        fail(stack, request)
        stack.wait(lambda count=count: len(replies(stack, request)) == count, "a reply")  # type: ignore[misc]
        settle(stack, request)

    fail(stack, request)
    settle(stack, request)

    assert [("I leave it to you" in note.body) for note in replies(stack, request)] == [False, True]


@pytest.mark.parametrize("why", ["a runner failed", "a person pushed", "switched off", "another's merge request"])
def test_what_is_left_alone(stack: Stack, why: str) -> None:
    """No commit, and not a word."""
    request = opened(stack, "ci_fix: 0\n" if why == "switched off" else "")
    if why == "a person pushed":
        stack.gitlab.world.commit_files(request.project, files={"a": "b"}, branch=request.source_branch)
    if why == "another's merge request":
        request.author = stack.alice
    before = request.project.repository.branch_sha(request.source_branch)

    fail(stack, request, reason="runner_system_failure" if why == "a runner failed" else "script_failure")

    assert settle(stack, request) == before
    assert [note for note in stack.gitlab.world.notes(request) if note.author is stack.bot] == []
