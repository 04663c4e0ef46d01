"""Every named point, before and after: a process dies there, starts anew, and nothing is lost or done twice.

`POINTS` is written down so that each is a test of its own; a last test holds it against what the processes really pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.task import Phase
from simulators.gitlab.records import Issue
from tests.product.conftest import short_folder
from tests.product.stack import Stack, run_stack

POINTS = (
    "bot store.accept",
    "bot ring.intake",
    "worker gitlab.project",
    "worker gitlab.issue",
    "worker gitlab.note",
    "worker gitlab.me",
    "worker gitlab.user",
    "worker gitlab.access",
    "worker gitlab.notes",
    "worker gitlab.award",
    "worker gitlab.branch",
    "worker gitlab.discussions",
    "worker gitlab.linked_issues",
    "worker gitlab.related",
    "worker gitlab.tokens",
    "worker gitlab.create_token",
    "worker gitlab.revoke_token",
    "worker gitlab.label_events",
    "worker gitlab.create_note",
    "worker gitlab.edit_note",
    "worker gitlab.change_labels",
    "worker gitlab.merge_requests",
    "worker gitlab.create_merge_request",
    "worker store.claim",
    "worker store.enter_thread",
    "worker store.queued",
    "worker store.launching",
    "worker store.starting",
    "worker store.update",
    "worker store.completed",
    "worker store.told",
    "worker ring.launch",
    "worker ring.report",
    "worker executor.launch",
    "reconciler store.preparing",
    "reconciler store.working",
    "reconciler store.publishing",
    "reconciler store.finishing",
    "reconciler store.update",
    "reconciler log.append",
    "reconciler ring.finish",
    "reconciler ring.report",
    "reconciler executor.remove",
    "reconciler gitlab.memberships",
    "reconciler gitlab.me",
    "reconciler gitlab.issues",
    "reconciler gitlab.merge_requests",
    "reconciler gitlab.own_merge_requests",
    "reconciler gitlab.todos",
    "reconciler gitlab.notes",
)
SOMETIMES = frozenset(
    {
        # What is passed only when another was slow, or by the sweep when it is first.
        "reconciler store.accept",
        "reconciler ring.intake",
        "reconciler ring.launch",
        "reconciler store.starting",
        "reconciler store.completed",
        "worker store.rejected",
        "worker ring.cancel",  # the reconciler saw the run before its launch was noted
        "reconciler sweep",
        "worker gitlab.file",  # there is none in these stories, so that nobody comes behind it
        # Where a merge request of ours is open.
        "reconciler gitlab.failed_pipelines",
        # Once in five minutes.
        "reconciler gitlab.hook_owners",
        "reconciler gitlab.hooks",
        "reconciler gitlab.tokens",
    }
)
FLEETING = frozenset({"reconciler store.preparing", "reconciler store.working", "reconciler store.publishing"})
"""What a reconciler passes only if it looks while the step is under way: one that starts anew may come too late."""
STORIES, STORIES_OF_FLEETING = 2, 20
HASTY = {"sweep_seconds": "1", "gitlab_timeout_seconds": "1", "leader_lease_seconds": "1", "max_runs": "2"}
"""How soon the living notice that somebody has died."""
BY_LABEL = frozenset({"worker gitlab.label_events", "worker gitlab.change_labels", "worker store.claim"})


@pytest.fixture(scope="module")
def fragile() -> Iterator[Stack]:
    """Give a stack whose processes die where a plan says."""
    with short_folder() as folder:
        (folder / "crash").mkdir()
        with run_stack(folder, crash=str(folder / "crash"), **HASTY) as running:
            yield running


@pytest.mark.parametrize("point", POINTS)
def test_deaths_lose_and_repeat_nothing(fragile: Stack, point: str) -> None:
    """One final state, branch, merge request, progress comment, closing reply; nothing left over.

    Both deaths strike the same story where the point is passed again after the first, else one story each; for a
    fleeting one, stories are played until it was passed.
    """
    die_at(fragile, point)


def die_at(stack: Stack, point: str, settle: Callable[[], None] = lambda: None) -> None:
    """Play stories until somebody has died before and after *point*; hold the invariants for each.

    *settle* waits until a story is over also where the stack does not look.
    """
    plans = [stack.folder / "crash" / f"{point} {moment}" for moment in ("before", "after")]
    for plan in plans:
        plan.touch()

    issues: list[Issue] = []
    most = STORIES_OF_FLEETING if point in FLEETING else STORIES
    while any(plan.exists() for plan in plans):
        assert len(issues) < most, f"nobody died at {point}"
        issues.append(one_story(stack, point))
        settle()

    for issue in issues:
        assert_done_once(stack, issue)


def one_story(stack: Stack, point: str) -> Issue:
    """Ask, and wait until everything is over."""
    stack.wait_until_ready()
    issue = stack.issue()
    if point in BY_LABEL:
        stack.gitlab.world.label(issue, stack.alice, add=("agent-ready",))
    else:
        stack.ask(issue, "/agent Do it DO edit")
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()
    return issue


def assert_done_once(stack: Stack, issue: Issue) -> None:
    """Hold the invariants for an issue whose one task succeeded."""
    assert stack.task(issue).phase is Phase.COMPLETED
    kinds = [note.body.rpartition("ablehand:")[2].split()[0] for note in stack.replies(issue)]
    assert sorted(kinds) == ["final", "progress"]
    requests = stack.merge_requests(issue.project)
    branches = [name for name in stack.gitlab.world.branches(issue.project) if name.startswith("agent/")]
    assert [request.source_branch for request in requests] == branches
    assert len(branches) == 1
    stack.wait(lambda: not stack.push_tokens(issue.project), "the task's tokens to be revoked")


def test_the_points_are_all_there_are(fragile: Stack) -> None:
    """What the processes passed in two stories is what is tested here, and nothing on the list is passed by nobody."""
    trace = fragile.folder / "crash" / "trace"
    trace.unlink(missing_ok=True)
    first, second = fragile.issue(), fragile.issue()
    fragile.ask(first, "/agent Do it DO edit")
    fragile.gitlab.world.label(second, fragile.alice, add=("agent-ready",))
    for issue in (first, second):
        fragile.wait_for_closing(issue)
    fragile.wait_until_quiet()

    passed = {line.rpartition(" ")[0] for line in trace.read_text("ascii").splitlines()}

    assert passed - SOMETIMES - FLEETING == set(POINTS) - SOMETIMES - FLEETING
