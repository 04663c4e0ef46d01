"""Parts of ours restart, or are upgraded, in the middle of a run: it neither stops nor is it repeated."""

from __future__ import annotations

import pytest

from tests.cluster.gitlab import GitLab
from tests.cluster.installation import RELEASE, ROOMS, Installation


@pytest.mark.parametrize("rooms", [*[(room,) for room in ROOMS], ROOMS], ids=",".join)
def test_a_running_agent_goes_on_while_ours_restart(
    installation: Installation, gitlab: GitLab, rooms: tuple[str, ...]
) -> None:
    """``kubectl rollout restart`` while the agent works: it ends once, in the same Job, with one merge request."""
    gate = gitlab.gate()
    issue = gitlab.ask(f"Do it DO wait={gate.address} edit={gate.name}.txt")
    gate.wait_for_agents()
    before = {job["metadata"]["uid"] for job in installation.jobs()}

    installation.restart(*rooms)
    gate.open()
    gitlab.wait_for_closing(issue)

    assert {job["metadata"]["uid"] for job in installation.jobs()} <= before
    assert gate.arrivals == 1
    assert len(gitlab.merge_requests(issue)) == 1
    assert len(gitlab.replies(issue)) == 2
    installation.wait_until_idle()


def test_a_comment_during_a_restart_is_not_lost(installation: Installation, gitlab: GitLab) -> None:
    """A comment that comes while everything of ours restarts is worked on, once."""
    rooms = [f"deployment/{RELEASE}-{room}" for room in ROOMS]
    installation.cluster.kubectl("rollout", "restart", "--namespace", installation.namespace, *rooms)

    issue = gitlab.ask("Do it DO edit=during.txt")
    gitlab.wait_for_closing(issue)

    assert len(gitlab.merge_requests(issue)) == 1
    installation.restart(*ROOMS)
    installation.wait_until_idle()


def test_an_upgrade_leaves_a_running_agent_alone_and_brings_a_deadline(
    installation: Installation, gitlab: GitLab
) -> None:
    """``helm upgrade`` with a short deadline while the agent works: the run goes on, the next one ends in time."""
    gate = gitlab.gate()
    issue = gitlab.ask(f"Do it DO wait={gate.address} edit={gate.name}.txt")
    gate.wait_for_agents()

    with installation.changed({"settings": {"agent_timeout_seconds": 7}}):
        gate.open()
        gitlab.wait_for_closing(issue)
        short = gitlab.ask("Never end DO hang")
        closing = gitlab.wait_for_closing(short)

    assert "took longer than it may" in closing
    assert "not done after 7 s" in closing
    assert gate.arrivals == 1
    assert len(gitlab.merge_requests(issue)) == 1
    installation.wait_until_idle()
