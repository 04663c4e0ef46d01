"""Who may ask, and by which ways."""

from __future__ import annotations

import pytest

from core.task import Phase
from tests.product.stack import Stack

REPORTER = 20


def test_a_reporter_is_refused(stack: Stack) -> None:
    """The refusal is one reply with the reason; nothing runs."""
    project = stack.project()
    bob = stack.gitlab.world.add_user(f"bob{project.id}", name="Bob")
    stack.gitlab.world.add_member(project, bob, access_level=REPORTER)
    issue = stack.issue(project)

    stack.ask(issue, "/agent do it", author=bob)
    closing = stack.wait_for_closing(issue)
    stack.wait_until_quiet()

    assert closing.startswith(f"@bob{project.id} Only people with the Developer role")
    assert stack.task(issue).phase is Phase.REJECTED
    assert len(stack.replies(issue)) == 1


def test_a_label_becomes_a_merge_request(stack: Stack) -> None:
    """agent-ready becomes agent-running, then agent-done."""
    issue = stack.issue()

    stack.gitlab.world.label(issue, stack.alice, add=("bug", "agent-ready"))
    stack.wait(lambda: "agent-running" in stack.gitlab.world.labels(issue), "the label agent-running")
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()

    assert sorted(stack.gitlab.world.labels(issue)) == ["agent-done", "bug"]
    assert len(stack.merge_requests(issue.project)) == 1


def test_a_label_becomes_agent_failed(stack: Stack) -> None:
    """A task that fails says so by its label too."""
    issue = stack.issue(description="Do it DO fail=1")

    stack.gitlab.world.label(issue, stack.alice, add=("agent-ready",))
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()

    assert stack.gitlab.world.labels(issue) == ["agent-failed"]


def test_a_label_counts_for_who_set_it(stack: Stack) -> None:
    """A Developer may hand a stranger's issue to the agent; a Reporter may not hand over a Developer's."""
    project = stack.project()
    bob = stack.gitlab.world.add_user(f"rob{project.id}", name="Rob")
    stack.gitlab.world.add_member(project, bob, access_level=REPORTER)
    theirs, ours = stack.issue(project, author=bob), stack.issue(project)

    stack.gitlab.world.label(theirs, stack.alice, add=("agent-ready",))
    stack.gitlab.world.label(ours, bob, add=("agent-ready",))

    assert "@alice Done" in stack.wait_for_closing(theirs)
    assert "Only people with the Developer role" in stack.wait_for_closing(ours)


@pytest.mark.parametrize("fault", ["double", "twin", "swap"])
def test_deliveries_that_come_twice_count_once(stack: Stack, fault: str) -> None:
    """Retries, project and group hooks at once, and deliveries out of order make one task."""
    setattr(stack.gitlab.faults.hooks, fault, True)
    try:
        issue = stack.issue()
        stack.ask(issue, "/agent Do it DO edit")
        stack.wait_for_closing(issue)
    finally:
        stack.gitlab.faults.clear()
    stack.wait_until_quiet()

    assert len(stack.merge_requests(issue.project)) == 1
    assert len(stack.replies(issue)) == 2


def test_a_lost_delivery_is_found(stack: Stack) -> None:
    """GitLab sends a delivery once; the sweep finds what we never heard of."""
    stack.gitlab.faults.hooks.lose = True
    try:
        issue = stack.issue()
        stack.ask(issue, "/agent Do it DO edit")
        stack.wait_for_closing(issue)
    finally:
        stack.gitlab.faults.clear()

    assert len(stack.merge_requests(issue.project)) == 1
