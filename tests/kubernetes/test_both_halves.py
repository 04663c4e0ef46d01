"""What one half of the executor launches, the other observes: one run's whole life, and what it costs in calls."""

from __future__ import annotations

import asyncio

import pytest

from runtime.contract import Step, StepResult, encode_result
from simulators.kubernetes.images import Script, Scripted
from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.conftest import executor_of
from tests.kubernetes.requests import IMAGE, run_request
from tests.kubernetes.roles import grant
from tests.kubernetes.test_rights import refused, used
from worker.executors.kubernetes.executor import KubernetesExecutor
from worker.executors.kubernetes.rights import RECONCILER
from worker.executors.protocol import RunState

pytestmark = pytest.mark.anyio
SECONDS = 60
CALLS = 15
"""For one task's whole life, by the issue."""


async def end_of(executor: KubernetesExecutor) -> RunState:
    """Observe until the run has ended."""
    async with asyncio.timeout(SECONDS):
        async for seen in executor.observe():
            if isinstance(seen, RunState) and seen.ended:
                return seen
    pytest.fail("it never ended")


async def test_a_run_is_launched_observed_read_and_removed(server: KubernetesServer) -> None:
    """The reconciler has its own rights and needs no more of them; the calls are few and bounded."""
    done = StepResult(ok=True, commit="c0ffee", branch="agent/12")
    publish = Script(first=["pushed"], message=encode_result(done))
    server.images[IMAGE] = Scripted(script=Script(first=["did it"]), containers={"publish": publish})
    grant(server, "reconciler", RECONCILER)
    reconciler = executor_of(server, "ablehand/reconciler")

    executor_of(server).launch(run_request())
    launched = len(server.calls)
    ended = await end_of(reconciler)
    texts = {step: [line.text async for line in reconciler.read_log(ended.name, step, 0)] for step in Step}
    reconciler.remove(ended.name)

    assert (ended.name, ended.task_id, ended.problem) == ("agent-7-a1", 7, "")
    assert [step.exit_code for step in ended.steps] == [0, 0, 0]
    assert ended.steps[2].result == encode_result(done)
    assert texts == {Step.PREPARE: ["did it"], Step.AGENT: ["did it"], Step.PUBLISH: ["pushed"]}
    assert launched == 3
    assert refused(server) == []
    assert {right for right in used(server) if right.verb not in {"create", "patch"}} <= RECONCILER
    whole = [call for call in server.calls if call.verb != "watch" and not (call.verb == "list" and call.resource)]
    assert len(whole) <= CALLS
