"""The main job on a cluster: a comment becomes a Job, the Job becomes a merge request, and nothing is left of it."""

from __future__ import annotations

import json

from tests.cluster.gitlab import RUN_SECONDS, GitLab
from tests.cluster.installation import Installation


def test_a_comment_becomes_a_merge_request(installation: Installation, gitlab: GitLab) -> None:
    """One progress comment, one closing reply, one merge request with the agent's change, and no Job afterwards."""
    issue = gitlab.ask("Add a file DO edit=new.txt")

    closing = gitlab.wait_for_closing(issue)

    [request] = gitlab.merge_requests(issue)
    assert f"!{request['iid']}" in closing
    assert request["source_branch"].startswith(f"agent/{issue.iid}-")
    assert gitlab.file(issue, "new.txt", branch=request["source_branch"]) == "changed\n"
    assert len(gitlab.replies(issue)) == 2
    installation.wait_until_idle()


def test_three_run_at_once_and_the_fourth_waits(installation: Installation, gitlab: GitLab) -> None:
    """No more Jobs than agents.maxRuns; what waits is done all the same."""
    gates = [gitlab.gate() for _ in range(4)]
    issues = [gitlab.ask(f"Wait DO wait={gate.address} edit=file{number}.txt") for number, gate in enumerate(gates)]
    installation.cluster.wait(
        lambda: sum(gate.arrivals for gate in gates) == 3, "three agents at work", seconds=RUN_SECONDS
    )

    assert len(installation.jobs()) == 3
    for gate in gates:
        gate.open()
    for issue in issues:
        gitlab.wait_for_closing(issue)

    assert [len(gitlab.merge_requests(issue)) for issue in issues] == [1, 1, 1, 1]
    assert [gate.arrivals for gate in gates] == [1, 1, 1, 1]
    installation.wait_until_idle()


def test_the_agent_is_locked_in(installation: Installation) -> None:
    """In its container it is nobody, without privileges, without a token of the cluster's or of GitLab's."""
    log = installation.agent_log("look")

    line = next(line for line in log.splitlines() if line.startswith("SEEN "))
    seen = json.loads(line.removeprefix("SEEN "))
    status = dict(part.split(":", 1) for part in seen["status"] if ":" in part)
    assert seen["user"] > 0
    assert (seen["token"], seen["root is writable"]) == (False, False)
    assert {name: status[name].strip() for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")} == {
        "CapEff": "0000000000000000",
        "CapBnd": "0000000000000000",
        "NoNewPrivs": "1",
        "Seccomp": "2",
    }
    assert not [name for name in seen["variables"] if "TOKEN" in name or name.startswith("KUBERNETES_")]
