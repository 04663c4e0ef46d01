"""`ablehand doctor`'s view of a cluster: whether runs can be started there, and followed, and how to mend it if not.

Asks with the credentials that it runs with. What these may not see (the namespace, its quotas) is said and is no fault:
worker and reconciler do not need it. Nothing is made: the one Job that is sent is only judged by the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from core.errors import ExecutorError
from operate.finding import Finding
from operate.quota_check import examine_quotas
from runtime.contract import Order
from worker.executors.kubernetes import manifest
from worker.executors.kubernetes.connection import JOBS, Cluster, Object, Resource
from worker.executors.kubernetes.executor import KubernetesExecutor
from worker.executors.kubernetes.manifest import Placement
from worker.executors.kubernetes.refusals import NamespaceMissing, NotAllowed
from worker.executors.kubernetes.rights import RECONCILER, WORKER, Right
from worker.executors.protocol import Executor, RunRequest

OLDEST: Final = (1, 31)
"""The first server whose Jobs do all that we ask for."""
ENFORCED: Final = "pod-security.kubernetes.io/enforce"
_ROLES: Final = {"worker": WORKER, "reconciler": RECONCILER}
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_QUOTAS: Final = Resource("", "resourcequotas")
_TAGGED: Final = re.compile(r".+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]*)")


def examine_cluster(executor: Executor) -> Iterator[Finding]:
    """Check the image, the server, the rights, the namespace and its quotas, and have one Job judged."""
    if not isinstance(executor, KubernetesExecutor):
        return
    cluster, placement = executor.cluster, executor.placement
    yield _image(placement.runtime_image)
    try:
        version = cluster.call("get the version", "GET", "/version")
    except ExecutorError as error:
        yield Finding("cluster answers", f"Check the network and where KUBECONFIG leads: {error}.")
        return
    yield _version(version)
    try:
        yield from _rights(cluster)
        yield from _namespace(cluster)
        yield from _quotas(cluster, placement)
        yield from _dry_run(cluster, placement)
    except ExecutorError as error:
        yield Finding("cluster answers all questions", f"Look at this and ask again: {error}.")


def only_follows(executor: Executor) -> bool:
    """Say whether these credentials are a reconciler's, which may watch runs and not start any."""
    if not isinstance(executor, KubernetesExecutor):
        return False
    start, watch = (Right("batch", "jobs", "", verb) for verb in ("create", "watch"))
    return _is_granted(executor.cluster, watch) and not _is_granted(executor.cluster, start)


def _image(image: str) -> Finding:
    what = f"runtime image {image} is pinned"
    # The last part alone: a registry's port is no tag.
    last = image.rpartition("/")[2]
    if not _TAGGED.fullmatch(last):
        return Finding(what, "Give ABLEHAND_RUNTIME_IMAGE a tag or a digest: without one, each node runs what it has.")
    if last.endswith(":latest"):
        return Finding(what, "Give ABLEHAND_RUNTIME_IMAGE another tag than latest: it changes under running tasks.")
    return Finding(what)


def _version(told: Object) -> Finding:
    what = f"cluster answers (Kubernetes {str(told.get('gitVersion'))[:40]})"
    found = re.match(r"v(\d+)\.(\d+)", str(told.get("gitVersion")))
    is_old = found is not None and (int(found.group(1)), int(found.group(2))) < OLDEST
    return Finding(what, f"Use a cluster of Kubernetes {OLDEST[0]}.{OLDEST[1]} or newer." if is_old else "")


def _rights(cluster: Cluster) -> Iterator[Finding]:
    wanted = sorted(WORKER | RECONCILER)
    granted = {right for right in wanted if _is_granted(cluster, right)}
    missing = {role: sorted(rights - granted) for role, rights in _ROLES.items()}
    complete = [role for role, lacking in missing.items() if not lacking]
    for role, lacking in missing.items():
        what = f"these credentials may do what a {role} does"
        if lacking and complete:
            yield Finding(f"these credentials are a {complete[0]}'s: run `ablehand doctor` as the {role} too")
        elif lacking:
            names = ", ".join(map(str, lacking))
            yield Finding(what, f"Grant them in namespace {cluster.namespace}, by a Role as in the chart: {names}.")
        else:
            yield Finding(what)


def _is_granted(cluster: Cluster, right: Right) -> bool:
    attributes = {"namespace": cluster.namespace, **right._asdict()}
    body: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {name: value for name, value in attributes.items() if value}},
    }
    answer = cluster.call(f"ask for the right to {right}", "POST", _REVIEWS, body=body)
    status = answer.get("status")
    return isinstance(status, dict) and status.get("allowed") is True


def _namespace(cluster: Cluster) -> Iterator[Finding]:
    name = cluster.namespace
    try:
        found = cluster.call(f"get namespaces {name}", "GET", f"/api/v1/namespaces/{name}")
    except NamespaceMissing:
        yield Finding(f"namespace {name} is there", f"Run: kubectl create namespace {name}")
        return
    except NotAllowed:
        yield Finding(f"namespace {name} can't be looked at with these credentials, which is no fault")
        return
    yield Finding(f"namespace {name} is there")
    level = ((found.get("metadata") or {}).get("labels") or {}).get(ENFORCED)
    mend = "" if level == "restricted" else f"Run: kubectl label namespace {name} {ENFORCED}=restricted --overwrite"
    yield Finding(f"namespace {name} enforces Pod Security restricted", mend)


def _quotas(cluster: Cluster, placement: Placement) -> Iterator[Finding]:
    try:
        quotas = cluster.list(_QUOTAS)
    except NotAllowed:
        yield Finding("quotas can't be looked at with these credentials, which is no fault")
        return
    pod: dict[str, Any] = manifest.job(_trial(), placement)["spec"]["template"]["spec"]
    yield from examine_quotas(quotas.get("items") or [], pod)


def _dry_run(cluster: Cluster, placement: Placement) -> Iterator[Finding]:
    what = "cluster would take a run's Job (nothing was made)"
    try:
        cluster.create(JOBS, manifest.job(_trial(), placement), dry_run=True)
    except ExecutorError as error:
        if isinstance(error, NotAllowed) and not isinstance(error, NamespaceMissing):
            # Where that is a fault, the rights have been told already; a reconciler must not have this one.
            yield Finding("a run's Job can't be tried with these credentials, which is no fault")
            return
        advice = {
            "admission": "Have that rule changed, or the pod template (ABLEHAND_POD_TEMPLATE) follow it",
            "quota": "Raise that quota",
            "rights": "Grant it, by a Role as in the chart",
        }.get(error.reason, "Look at the pod template (ABLEHAND_POD_TEMPLATE)")
        yield Finding(what, f"{advice}: {error}.")
        return
    yield Finding(what)


def _trial() -> RunRequest:
    order = Order(
        task_id=1,
        clone_url="",
        default_branch="",
        base_branch="",
        base_commit="",
        push_branch="",
        commit_message="",
        author_name="",
        author_email="",
        commit_time=0,
        prompt="",
    )
    return RunRequest(
        name="ablehand-doctor",
        task_id=1,
        unique_id="doctor",
        attempt=1,
        project_id=1,
        order=order,
        deadline_seconds=3600,
        read_token="",
        write_token="",
        agent_variables={},
    )
