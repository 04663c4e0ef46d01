"""Jobs that are accepted and whose Pods are not: what the Job's events say, and that it goes on when it may."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators.kubernetes.images import Script, Scripted
from simulators.kubernetes.server import KubernetesServer
from tests.simulators.kubernetes.machinery.cluster import Object, job, pod_spec, true_conditions

QUOTA: Object = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "limits"},
    "spec": {"hard": {"pods": "0"}},
}
ACCOUNT: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "agent"}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KubernetesServer]:
    """Run a whole server, since it is its admission that refuses."""
    with KubernetesServer(tmp_path, images={"process": Scripted(script=Script())}) as running:
        yield running


def manifest(**spec: Any) -> Object:
    """Return the product's Job for the API, its Pod's spec changed."""
    made: Object = {"apiVersion": "batch/v1", "kind": "Job"} | job()
    pod_spec(made).update(spec)
    return made


def refusal(server: KubernetesServer) -> str:
    """Wait for the Job's FailedCreate, and return what it says."""
    with_reason: list[str] = []

    def found(_: object) -> bool:
        events = server.world.objects.list("events", "agents", fields="reason=FailedCreate")[0]
        with_reason[:] = [event["message"] for event in events if event["type"] == "Warning"]
        return bool(with_reason)

    server.world.wait("events", "agents", "", found)
    return with_reason[0]


def finish(server: KubernetesServer) -> None:
    """Wait until the Job is complete."""
    server.world.wait("jobs", "agents", "run", lambda found: found is not None and "Complete" in true_conditions(found))


def test_a_quota_keeps_a_jobs_pod_out_until_it_is_lifted(server: KubernetesServer) -> None:
    """The event names the quota and the figures; the Job stays, and its Pod comes when there is room."""
    server.world.add_namespace("agents")
    server.world.apply(QUOTA, "agents")
    server.world.apply(manifest(), "agents")

    message = refusal(server)

    assert message.startswith('Error creating: pods "run-')
    assert message.endswith("is forbidden: exceeded quota: limits, requested: pods=1, used: pods=0, limited: pods=0")
    assert server.world.list("pods", "agents") == []
    server.world.delete("resourcequotas", "agents", "limits")
    finish(server)


def test_a_missing_service_account_keeps_a_jobs_pod_out(server: KubernetesServer) -> None:
    """The event says which one is missing; the Pod comes with it."""
    server.world.add_namespace("agents")
    server.world.apply(manifest(serviceAccountName="agent"), "agents")

    message = refusal(server)

    assert message.endswith('error looking up service account agents/agent: serviceaccount "agent" not found')
    server.world.apply(ACCOUNT, "agents")
    finish(server)


def test_pod_security_keeps_a_jobs_pod_out(server: KubernetesServer) -> None:
    """In a namespace that enforces `restricted` the event says what violates it."""
    server.world.add_namespace("agents", {"pod-security.kubernetes.io/enforce": "restricted"})
    server.world.apply(manifest(), "agents")

    message = refusal(server)

    assert 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false' in message
