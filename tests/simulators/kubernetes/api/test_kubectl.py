"""The real kubectl against the simulated API: what people do by hand works."""

import json
import re

from simulators.kubernetes.server import KubernetesServer
from tests.simulators.kubernetes.api.conftest import NAMESPACE, Kubectl
from tests.simulators.kubernetes.api.manifests import config_map, job, pod, pod_spec

THREE = pod_spec(
    initContainers=[{"name": "prepare", "image": "echo:1"}, {"name": "agent", "image": "sleep:1"}],
    containers=[{"name": "publish", "image": "echo:1"}],
)
READER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [pods/log], verbs: [get]}
- {apiGroups: [batch], resources: [jobs], verbs: [create], resourceNames: []}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: follower, namespace: agents}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: follower}
"""


def _rows(output: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]


def _until_running(cluster: KubernetesServer, container: str) -> str:
    cluster.world.apply(job("three", template=THREE, suspend=False), NAMESPACE)
    cluster.world.wait("jobs", NAMESPACE, "three", lambda found: bool(found and found["status"].get("active")))
    name = str(cluster.world.list("pods", NAMESPACE)[0]["metadata"]["name"])
    cluster.world.wait("pods", NAMESPACE, name, lambda found: _runs(found, container))
    return name


def _runs(found: dict[str, object] | None, container: str) -> bool:
    return bool(found) and f'"name": "{container}", "state": {{"running"' in json.dumps(_states(found or {}))


def _states(found: dict[str, object]) -> list[dict[str, object]]:
    status = found.get("status")
    if not isinstance(status, dict):
        return []
    states = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return [{"name": one["name"], "state": one.get("state")} for one in states]


def test_get_shows_the_columns_of_a_real_cluster(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """`get jobs` and `get pods` show what a real API server's tables show, while an init container runs."""
    name = _until_running(cluster, "agent")

    jobs, pods = kubectl("get", "jobs"), kubectl("get", "pods")

    header, row = _rows(jobs.stdout)
    assert header == ["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"]
    assert row[:3] == ["three", "Running", "0/1"]
    header, row = _rows(pods.stdout)
    assert header == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row[:4] == [name, "0/1", "Init:1/2", "0"]


def test_describe_tells_of_the_events(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """`describe` of a Job and of its Pod list their events."""
    name = _until_running(cluster, "agent")

    told_job, told_pod = kubectl("describe", "job", "three").stdout, kubectl("describe", "pod", name).stdout

    assert f"Created pod: {name}" in told_job
    assert re.search(r"Pods Statuses:\s+1 Active", told_job)
    assert f"Successfully assigned {NAMESPACE}/{name}" in told_pod
    assert re.search(r"Controlled By:\s+Job/three", told_pod)


def test_logs_follow_a_job_of_processes_to_its_end(kubectl: Kubectl) -> None:
    """`create job`, which sends protobuf, starts a process; `logs -f` ends with it and has every line."""
    created = kubectl(
        "create", "job", "talk", "--image=debian:12", "--", "sh", "-c", "for n in 1 2 3; do echo $n; done"
    )
    waited = kubectl("wait", "--for=condition=Complete", "job/talk", "--timeout=90s")
    followed = kubectl("logs", "-f", "job/talk", "--timestamps")

    assert (created.returncode, waited.returncode) == (0, 0), created.stderr + waited.stderr
    assert re.fullmatch(r"(\S+Z \d\n){3}", followed.stdout)
    assert [line.split()[1] for line in followed.stdout.splitlines()] == ["1", "2", "3"]


def test_logs_of_a_container_that_waits_are_refused_in_the_real_words(
    cluster: KubernetesServer, kubectl: Kubectl
) -> None:
    """A container after the one that runs has no log yet, and the refusal says why."""
    name = _until_running(cluster, "agent")

    refused = kubectl("logs", name, "-c", "publish")

    assert refused.returncode == 1
    expected = f'container "publish" in pod "{name}" is waiting to start: PodInitializing'
    assert f"Error from server (BadRequest): {expected}" in refused.stderr


def test_delete_waits_until_the_pod_is_gone(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """`delete pod` returns when the Pod's process has ended, which it sees by a watch."""
    cluster.world.apply(pod(containers=[{"name": "main", "image": "stubborn:1"}]), NAMESPACE)
    cluster.world.wait("pods", NAMESPACE, "one", lambda found: _runs(found, "main"))

    deleted = kubectl("delete", "pod", "one", "--grace-period=1", "--timeout=20s")

    assert deleted.returncode == 0, deleted.stderr
    assert cluster.world.list("pods", NAMESPACE) == []
    assert any((call.verb, call.resource) == ("watch", "pods") for call in cluster.calls)


def test_delete_job_takes_its_pods_away(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """`delete job` deletes in the background: the Pod goes by the garbage collector."""
    name = _until_running(cluster, "agent")

    deleted = kubectl("delete", "job", "three")

    assert deleted.returncode == 0, deleted.stderr
    cluster.world.wait("pods", NAMESPACE, name, lambda found: found is None)


def test_apply_creates_changes_and_removes_fields(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """`apply` sends what differs from the last time, also a key that is gone."""
    first = kubectl("apply", "-f", "-", stdin=json.dumps(config_map(a="1", b="2")))
    again = kubectl("apply", "-f", "-", stdin=json.dumps(config_map(a="1", b="2")))
    changed = kubectl("apply", "-f", "-", stdin=json.dumps(config_map(a="3")))

    shown = [result.stdout.strip() for result in (first, again, changed)]
    assert shown == ["configmap/one created", "configmap/one unchanged", "configmap/one configured"]
    assert cluster.world.get("configmaps", NAMESPACE, "one")["data"] == {"a": "3"}


def test_server_side_apply_takes_away_what_is_left_out(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """`apply --server-side` removes a field that the manager applied before and now does not."""
    for manifest in (config_map(a="1", b="2"), config_map(a="3")):
        kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))

    assert cluster.world.get("configmaps", NAMESPACE, "one")["data"] == {"a": "3"}


def test_apply_refuses_an_unknown_field(kubectl: Kubectl) -> None:
    """A typing error in a manifest is told as a real API server tells it."""
    refused = kubectl("apply", "-f", "-", stdin=json.dumps(job(activeDeadlineSecond=5)))

    assert refused.returncode == 1
    assert 'strict decoding error: unknown field "spec.activeDeadlineSecond"' in refused.stderr


def test_can_i_answers_by_the_roles(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """`auth can-i` with a ServiceAccount's kubeconfig says what its Role allows, also by `--list`."""
    kubectl("apply", "-f", "-", stdin=READER)
    config = cluster.kubeconfig(f"{NAMESPACE}/follower")
    asked = (["watch", "pods"], ["get", "pods", "--subresource=log"], ["create", "jobs"], ["delete", "pods"])

    answers = [kubectl("auth", "can-i", *words, config=config).stdout.strip() for words in asked]
    listed = kubectl("auth", "can-i", "--list", config=config).stdout

    assert answers == ["yes", "yes", "yes", "no"]
    assert re.search(r"pods/log\s+\[\]\s+\[\]\s+\[get\]", listed)


def test_a_service_account_is_refused_in_the_real_words(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """What no Role allows is a 403 that names user, verb, resource, group and namespace."""
    refused = kubectl("get", "secrets", config=cluster.kubeconfig(f"{NAMESPACE}/default"))

    assert refused.stderr.strip() == (
        'Error from server (Forbidden): secrets is forbidden: User "system:serviceaccount:agents:default" '
        'cannot list resource "secrets" in API group "" in the namespace "agents"'
    )


def test_a_namespace_is_deleted_with_all_that_is_in_it(cluster: KubernetesServer, kubectl: Kubectl) -> None:
    """`delete namespace` waits until it is empty and gone."""
    _until_running(cluster, "agent")
    cluster.world.delete("jobs", NAMESPACE, "three")

    deleted = kubectl("delete", "namespace", NAMESPACE, "--timeout=20s")

    assert deleted.returncode == 0, deleted.stderr
    assert "agents" not in kubectl("get", "namespaces").stdout
