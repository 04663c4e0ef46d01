"""Asked on a merge request: where the work is pushed to, and each refusal with its sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.reasons import Reason
from core.task import Phase
from simulators.gitlab.access import DEVELOPER, MAINTAINER
from simulators.gitlab.records import MergeRequest, Project
from tests.table.changes import ask, on_line, open_change
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import moved, now, taken_in
from tests.worker.town import Town
from worker.steps.finish import finish
from worker.steps.launch import launch
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


def fork_of(town: Town) -> Project:
    """Give a stranger's fork of the project, which is public now."""
    town.project.visibility = "public"
    return town.world.fork(town.project, "stranger", town.world.add_user("stranger"))


def from_fork(town: Town, *, shared: bool = False, members: bool = False) -> MergeRequest:
    """Open a merge request from a fork."""
    fork = fork_of(town)
    for member in (town.alice, town.bot) if members else ():
        town.world.add_member(fork, member, DEVELOPER)
    return open_change(town, fork=fork, allow_collaboration=shared)


def from_own(town: Town, **protection: int) -> MergeRequest:
    """Open a merge request from the project's own branch, protected where a role is given."""
    request = open_change(town)
    for level in protection.values():
        town.world.protect_branch(town.project, "work", push_level=level)
    return request


def with_role(town: Town, **levels: int) -> MergeRequest:
    """Protect the branch for Maintainers, and give alice or the bot a role."""
    request = from_own(town, push=MAINTAINER)
    for name, level in levels.items():
        town.world.add_member(town.project, getattr(town, name), level)
    return request


def ended(town: Town, state: str) -> MergeRequest:
    """Open a merge request and close or merge it."""
    request = open_change(town)
    request.state = state
    return request


def without_branch(town: Town) -> MergeRequest:
    """Open a merge request whose branch is deleted."""
    request = open_change(town)
    town.project.repository.delete_branch("work")
    return request


def from_default(town: Town) -> MergeRequest:
    """Open a merge request from the default branch into another."""
    town.world.commit_files(town.project, files={"a": "b"}, branch="release")
    town.world.commit_files(town.project, files={"c": "d"}, branch="main")
    return town.world.add_merge_request(
        town.project, author=town.alice, title="Back", branches={"source_branch": "main", "target_branch": "release"}
    )


TAKEN: dict[str, Callable[[Town], MergeRequest]] = {
    "own-branch": from_own,
    "protected-for-developers": lambda town: from_own(town, push=DEVELOPER),
    "protected-asked-by-a-maintainer": lambda town: with_role(town, alice=MAINTAINER),
    "fork-that-is-shared": lambda town: from_fork(town, shared=True),
    "fork-that-both-are-members-of": lambda town: from_fork(town, members=True),
}
REFUSED: dict[str, tuple[Callable[[Town], MergeRequest], Reason, str]] = {
    "protected-asked-by-a-developer": (with_role, Reason.PROTECTED, "is protected"),
    "protected-from-the-bot": (
        lambda town: with_role(town, alice=MAINTAINER, bot=DEVELOPER),
        Reason.PROTECTED,
        "is pr",
    ),
    "protected-from-all": (lambda town: from_own(town, push=0), Reason.PROTECTED, "ask for the same on an issue"),
    "default-branch": (from_default, Reason.PROTECTED, "is protected"),
    "fork": (from_fork, Reason.FORK, "a fork that I can't push to: ask for the same on an issue here"),
    "closed": (lambda town: ended(town, "closed"), Reason.CLOSED, "closed or merged"),
    "merged": (lambda town: ended(town, "merged"), Reason.CLOSED, "closed or merged"),
    "branch-gone": (without_branch, Reason.BRANCH, "no such branch"),
}


@pytest.mark.parametrize("arrange", TAKEN.values(), ids=TAKEN.keys())
async def test_is_pushed_to_the_source_branch(
    desk: Desk, town: Town, executor: HandExecutor, arrange: Callable[[Town], MergeRequest]
) -> None:
    """With a lease on what it is at, in the project where it lies."""
    request = arrange(town)
    task = await taken_in(desk, ask(town, request, "/agent count on"))

    await launch(desk, task)

    [run] = executor.launched
    head = request.source.repository.branch_sha("work")
    fork_url = f"{town.server.url}/{request.fork.path_with_namespace}.git" if request.fork else ""
    assert (run.order.push_branch, run.order.push_expected, run.order.base_commit) == ("work", head, head)
    assert (run.order.push_url, run.order.clone_url) == (fork_url, f"{town.server.url}/shop/web.git")
    assert run.order.compare_commit == request.base_sha


@pytest.mark.parametrize(("arrange", "reason", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_is_refused_with_a_sentence(
    desk: Desk, town: Town, arrange: Callable[[Town], MergeRequest], reason: Reason, words: str
) -> None:
    """In the thread that it was asked in; nothing is queued."""
    request = arrange(town)
    note = town.world.comment(request, author=town.alice, body="Hm.", threaded=True)

    task = await taken_in(desk, ask(town, request, "/agent count on", reply_to=note.discussion_id))
    await report(desk, task)

    assert (task.phase, task.reason) == (Phase.REJECTED, reason)
    answer = town.world.notes(request)[-1]
    assert answer.author is town.bot
    assert answer.discussion_id == note.discussion_id
    assert words in answer.body


@pytest.mark.parametrize("change", ["protect", "close"])
async def test_the_rules_are_held_again_at_launch(desk: Desk, town: Town, executor: HandExecutor, change: str) -> None:
    """Time has passed in the queue."""
    request = open_change(town)
    task = await taken_in(desk, ask(town, request, "/agent count on"))
    if change == "protect":
        town.world.protect_branch(town.project, "work", push_level=MAINTAINER)
    else:
        request.state = "closed"

    await launch(desk, task)

    after = await now(desk, task)
    expected = Reason.PROTECTED if change == "protect" else Reason.CLOSED
    assert (after.phase, after.reason, executor.launched) == (Phase.REJECTED, expected, [])


async def test_a_lone_comment_is_answered_alone(desk: Desk, town: Town) -> None:
    """A comment that is in no thread gets answers that are in none."""
    request = open_change(town)

    task = await taken_in(desk, ask(town, request, "/agent count on"))
    await report(desk, task)

    mine = [note for note in town.world.notes(request) if note.author is town.bot]
    assert (task.discussion, [note.type for note in mine]) == ("", [None])


async def test_a_line_is_answered_in_its_thread(desk: Desk, town: Town) -> None:
    """Also where the command is a reply further down."""
    request = open_change(town)
    first = town.world.comment(request, author=town.alice, body="Why?", position=on_line(request, 2))

    task = await taken_in(desk, ask(town, request, "/agent count on", reply_to=first.discussion_id))
    await report(desk, task)

    assert task.discussion == first.discussion_id
    assert [note.author for note in town.world.discussion(request, first.discussion_id)][-1] is town.bot


async def test_a_lost_run_that_pushed_nothing_is_tried_again(desk: Desk, town: Town) -> None:
    """The branch was there before: at the commit that the work started from, nothing has come to it."""
    request = open_change(town)
    task = await taken_in(desk, ask(town, request, "/agent count on"))
    fields: dict[str, Any] = {"reason": Reason.NODE_LOST, "base_commit": request.sha}
    phases = (Phase.LAUNCHING, Phase.STARTING, Phase.PUBLISHING, Phase.FINISHING)

    await finish(desk, await moved(desk, task, *phases, **fields))

    after = await now(desk, task)
    assert (after.phase, after.attempt) == (Phase.QUEUED, 2)


async def test_a_lost_run_over_which_somebody_pushed_is_not(desk: Desk, town: Town) -> None:
    """What is there is not ours, and is left alone."""
    request = open_change(town)
    task = await taken_in(desk, ask(town, request, "/agent count on"))
    fields: dict[str, Any] = {"reason": Reason.NODE_LOST, "base_commit": request.sha}
    phases = (Phase.LAUNCHING, Phase.STARTING, Phase.PUBLISHING, Phase.FINISHING)
    task = await moved(desk, task, *phases, **fields)
    town.world.commit_files(town.project, files={"by-hand.txt": "x"}, branch="work")

    await finish(desk, task)

    assert (await now(desk, task)).phase is Phase.FAILED
