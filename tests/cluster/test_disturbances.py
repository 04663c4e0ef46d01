"""Somebody meddles with a run from outside: deletes its pod, deletes its Job, cancels it."""

from __future__ import annotations

import time

from tests.cluster.gitlab import Gate, GitLab, Issue
from tests.cluster.installation import Installation

CANCEL_SECONDS = 30
CANCEL = """
from core import settings
from worker.wiring import choose_executor
choose_executor(settings.load()).cancel({name!r})
"""


def at_the_gate(installation: Installation, gitlab: GitLab) -> tuple[Issue, Gate, str]:
    """Ask for work that waits at a gate; give it with the name of its Job when the agent stands there."""
    installation.wait_until_idle()
    gate = gitlab.gate()
    issue = gitlab.ask(f"Do it DO wait={gate.address} edit=new{gate.name}.txt")
    gate.wait_for_agents()
    [job] = installation.jobs()
    return issue, gate, str(job["metadata"]["name"])


def test_a_deleted_pod_is_told_and_not_repeated(installation: Installation, gitlab: GitLab) -> None:
    """It was somebody's will: the task fails with a sentence that says so, and no second agent starts."""
    issue, gate, job = at_the_gate(installation, gitlab)

    installation.cluster.delete("pod", installation.agents, installation.run_pod(job))
    closing = gitlab.wait_for_closing(issue)
    gate.open()

    assert "Somebody deleted the run's pod" in closing
    assert gate.arrivals == 1
    assert gitlab.merge_requests(issue) == []
    installation.wait_until_idle()


def test_a_deleted_job_is_made_again(installation: Installation, gitlab: GitLab) -> None:
    """Nothing was pushed, so a run that vanished is tried once more, as an attempt of its own."""
    issue, gate, job = at_the_gate(installation, gitlab)

    installation.cluster.delete("job", installation.agents, job)
    gate.wait_for_agents(2)
    [second] = installation.jobs()
    gate.open()
    gitlab.wait_for_closing(issue)

    assert second["metadata"]["name"] == job.removesuffix("a1") + "a2"
    assert len(gitlab.merge_requests(issue)) == 1
    assert gate.arrivals == 2
    installation.wait_until_idle()


def test_a_cancel_ends_the_run_in_time(installation: Installation, gitlab: GitLab) -> None:
    """Cancelled by the executor, in the worker, with the worker's rights: Job, pod and Secret are gone in 30 s."""
    issue, gate, job = at_the_gate(installation, gitlab)
    pod = installation.run_pod(job)
    began = time.monotonic()

    installation.python(CANCEL.format(name=job))
    took = time.monotonic() - began

    left = installation.cluster.get("jobs,pods,secrets", installation.agents)
    assert not {job, pod} & {found["metadata"]["name"] for found in left}
    assert took < CANCEL_SECONDS
    gate.open()
    gitlab.wait_for_closing(issue)
    installation.wait_until_idle()
