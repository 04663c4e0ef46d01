"""The doctor on a cluster: what is wrong is found, each with one mend, and what can't be seen is no fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from operate import cluster_check
from operate.cluster_check import examine_cluster
from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.conftest import executor_of
from tests.kubernetes.requests import IMAGE, NAMESPACE
from tests.kubernetes.roles import grant
from worker.executors.kubernetes.executor import KubernetesExecutor
from worker.executors.kubernetes.rights import RECONCILER, WORKER
from worker.executors.kubernetes.template import parse_template

ENFORCE = "pod-security.kubernetes.io/enforce"
RUNS = "cluster would take a run's Job (nothing was made)"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KubernetesServer]:
    """Give a fresh cluster with the agents' namespace."""
    with KubernetesServer(tmp_path) as server:
        server.world.add_namespace(NAMESPACE, {ENFORCE: "restricted"})
        yield server


def findings(executor: KubernetesExecutor) -> dict[str, str]:
    """Examine; give what was checked and how to mend it."""
    return {finding.what: finding.mend for finding in examine_cluster(executor)}


def quota(server: KubernetesServer, **others: object) -> Callable[[dict[str, str]], None]:
    """Give a function that sets a quota."""

    def apply(hard: dict[str, str]) -> None:
        metadata = {"name": "few", "namespace": NAMESPACE}
        spec = {"hard": hard} | others
        server.world.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec})

    return apply


def test_all_is_well(server: KubernetesServer) -> None:
    """A finding for everything, nothing to mend, and nothing was made."""
    quota(server)({"count/jobs.batch": "50", "requests.memory": "100Gi", "limits.cpu": "200"})

    found = findings(executor_of(server))

    assert set(found.values()) == {""}
    version = next(what for what in found if what.startswith("cluster answers"))
    assert list(found) == [
        f"runtime image {IMAGE} is pinned",
        version,
        "these credentials may do what a worker does",
        "these credentials may do what a reconciler does",
        "namespace agents is there",
        "namespace agents enforces Pod Security restricted",
        "one run fits into the quota few",
        RUNS,
    ]
    assert list(server.world.list("jobs", NAMESPACE)) == []


def test_a_worker_sees_what_a_worker_may(server: KubernetesServer) -> None:
    """The namespace and its quotas are not for it to see, and the reconciler's rights are another's: no fault."""
    grant(server, "worker", WORKER)

    found = findings(executor_of(server, "ablehand/worker"))

    assert set(found.values()) == {""}
    assert "these credentials are a worker's: run `ablehand doctor` as the reconciler too" in found
    assert "namespace agents can't be looked at with these credentials, which is no fault" in found
    assert "quotas can't be looked at with these credentials, which is no fault" in found
    assert RUNS in found


def test_a_reconciler_is_not_told_to_ask_for_more(server: KubernetesServer) -> None:
    """It may not launch runs, and must not: that no Job can be tried is no fault either."""
    grant(server, "reconciler", RECONCILER)

    found = findings(executor_of(server, "ablehand/reconciler"))

    assert set(found.values()) == {""}
    assert "these credentials are a reconciler's: run `ablehand doctor` as the worker too" in found
    assert RUNS not in found


def test_missing_rights_are_named(server: KubernetesServer) -> None:
    """Verb and resource, for each role, in one sentence."""
    lacking = {right for right in WORKER if right.verb in {"patch", "delete"}}
    grant(server, "worker", WORKER - lacking)

    found = findings(executor_of(server, "ablehand/worker"))

    assert found["these credentials may do what a worker does"] == (
        "Grant them in namespace agents, by a Role as in the chart: "
        "delete secrets, delete jobs.batch, patch jobs.batch."
    )
    assert "watch pods" in found["these credentials may do what a reconciler does"]


def test_no_cluster_is_one_finding(server: KubernetesServer) -> None:
    """Nothing else can be said then."""
    server.set_reachable(reachable=False)

    found = findings(executor_of(server))

    (told,) = [mend for what, mend in found.items() if what == "cluster answers"]
    assert told.startswith("Check the network and where KUBECONFIG leads: the cluster does not answer")
    assert len(found) == 2


def test_a_namespace_that_is_missing_is_made_by_one_command(server: KubernetesServer) -> None:
    """And the Job is refused for it."""
    found = findings(executor_of(server, namespace="nowhere"))

    assert found["namespace nowhere is there"] == "Run: kubectl create namespace nowhere"
    assert found[RUNS].startswith("Grant it, by a Role as in the chart: there is no namespace nowhere")


@pytest.mark.parametrize("level", ["", "baseline"], ids=["none", "baseline"])
def test_a_namespace_that_enforces_too_little_is_told(server: KubernetesServer, level: str) -> None:
    """With the command."""
    server.world.add_namespace("loose", {ENFORCE: level} if level else {})

    found = findings(executor_of(server, namespace="loose"))

    assert found["namespace loose enforces Pod Security restricted"] == (
        f"Run: kubectl label namespace loose {ENFORCE}=restricted --overwrite"
    )


QUOTAS = {
    "zero-jobs": ({"count/jobs.batch": "0"}, "count/jobs.batch is 0, and a run needs 1"),
    "zero-pods": ({"pods": "0"}, "pods is 0, and a run needs 1"),
    "memory": ({"limits.memory": "4Gi"}, "limits.memory is 4Gi, and a run needs 8Gi"),
    "short-name": ({"cpu": "100m"}, "cpu is 100m, and a run needs 0.5"),
    "disk": ({"requests.ephemeral-storage": "1Gi"}, "requests.ephemeral-storage is 1Gi, and a run needs 4Gi"),
    "two": ({"pods": "0", "memory": "1Gi"}, "memory is 1Gi, and a run needs 2Gi; pods is 0, and a run needs 1"),
}


@pytest.mark.parametrize(("hard", "problem"), QUOTAS.values(), ids=QUOTAS.keys())
def test_a_quota_that_no_run_fits_into_is_told(server: KubernetesServer, hard: dict[str, str], problem: str) -> None:
    """What it allows, and what a run needs."""
    quota(server)(hard)

    found = findings(executor_of(server))

    told = found["one run fits into the quota few"]
    assert told.startswith("Raise it, or have the pod template ask for less: ")
    assert set(told.removeprefix("Raise it, or have the pod template ask for less: ").rstrip(".").split("; ")) == set(
        problem.split("; ")
    )


def test_a_quota_for_some_pods_is_not_judged(server: KubernetesServer) -> None:
    """Whether a run is among them depends on the cluster's priority classes."""
    quota(server, scopes=["BestEffort"])({"pods": "0"})

    assert "quota few is for some pods only and was not checked" in findings(executor_of(server))


def test_a_limit_that_the_template_took_away_meets_its_quota(server: KubernetesServer) -> None:
    """The cluster would refuse every pod."""
    quota(server)({"limits.cpu": "100"})
    executor = executor_of(server)
    template = parse_template("spec: {initContainers: [{name: agent, resources: {limits: {cpu: null}}}]}")

    found = findings(replace(executor, placement=replace(executor.placement, template=template)))

    assert (
        "limits.cpu is bounded, and the pod template takes the run's own limit away"
        in (found["one run fits into the quota few"])
    )


def test_a_template_that_the_cluster_finds_wrong_is_told(server: KubernetesServer) -> None:
    """By the server's own words, before the first task."""
    executor = executor_of(server)
    template = parse_template("spec: {tolerations: [{key: a, effect: Sometimes}]}")

    found = findings(replace(executor, placement=replace(executor.placement, template=template)))

    assert found[RUNS].startswith("Look at the pod template (ABLEHAND_POD_TEMPLATE): create jobs ablehand-doctor in")
    assert "effect" in found[RUNS]


IMAGES = {
    "tag": ("ghcr.example/runtime:1.2.3", ""),
    "digest": ("ghcr.example:5000/runtime@sha256:" + "0" * 64, ""),
    "tag-and-digest": ("runtime:latest@sha256:" + "0" * 64, ""),
    "none": ("ghcr.example:5000/runtime", "a tag or a digest"),
    "latest": ("runtime:latest", "another tag than latest"),
}


@pytest.mark.parametrize(("image", "mend"), IMAGES.values(), ids=IMAGES.keys())
def test_an_image_that_changes_is_told(server: KubernetesServer, image: str, mend: str) -> None:
    """Every node of every day must run the same."""
    executor = executor_of(server)

    found = findings(replace(executor, placement=replace(executor.placement, runtime_image=image)))

    told = found[f"runtime image {image} is pinned"]
    assert mend in told
    assert bool(mend) == bool(told)


def test_an_old_cluster_is_told(server: KubernetesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Jobs can't do all that is asked of them."""
    monkeypatch.setattr(cluster_check, "OLDEST", (9, 0))

    found = findings(executor_of(server))

    (told,) = [mend for what, mend in found.items() if what.startswith("cluster answers (Kubernetes v1.")]
    assert told == "Use a cluster of Kubernetes 9.0 or newer."
