"""The policies of a namespace: Pod Security, quotas, limit ranges, service accounts, classes."""

from typing import Any

import httpx2
import pytest

from simulators.kubernetes.server import KubernetesServer
from tests.simulators.kubernetes.api.conftest import NAMESPACE
from tests.simulators.kubernetes.api.manifests import LOCKED, job, pod, pod_spec

Object = dict[str, Any]

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
MERGE = {"content-type": "application/merge-patch+json"}
SAFE = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
FINDINGS = (
    'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
    '"Localhost")'
)


def _restrict(api: httpx2.Client) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.patch(f"/api/v1/namespaces/{NAMESPACE}", json={"metadata": {"labels": labels}}, headers=MERGE)


def _quota(api: httpx2.Client, **hard: str) -> None:
    limits = {name.replace("__", "/").replace("_", "."): value for name, value in hard.items()}
    manifest = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "agents"}, "spec": {"hard": limits}}
    answer = api.post(f"/api/v1/namespaces/{NAMESPACE}/resourcequotas", json=manifest)
    assert answer.status_code == 201, answer.text


def _sized(name: str = "one", **requests: str) -> Object:
    resources = {"requests": requests, "limits": requests}
    return pod(name, containers=[{"name": "main", "image": "sleep:1", "resources": resources}])


def test_a_restricted_namespace_refuses_an_open_pod(api: httpx2.Client) -> None:
    """The refusal lists all that is missing, in the words of the real one."""
    _restrict(api)

    answer = api.post(PODS, json=pod())

    assert answer.status_code == 403
    expected = f'pods "one" is forbidden: violates PodSecurity "restricted:latest": {FINDINGS}'
    assert answer.json()["message"] == expected


def test_a_restricted_namespace_takes_a_locked_pod(api: httpx2.Client) -> None:
    """What sets everything is accepted."""
    _restrict(api)
    containers = [{"name": "main", "image": "echo:1", "securityContext": LOCKED}]

    assert api.post(PODS, json=pod(securityContext=SAFE, containers=containers)).status_code == 201


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        pytest.param({"hostNetwork": True}, "host namespaces (hostNetwork=true)", id="host network"),
        pytest.param(
            {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
            'restricted volume types (volume "v" uses restricted volume type "hostPath")',
            id="hostPath",
        ),
        pytest.param(
            {"securityContext": {**SAFE, "runAsUser": 0}}, "runAsUser=0 (pod must not set runAsUser=0)", id="root"
        ),
    ],
)
def test_a_restricted_namespace_refuses_each_opening(api: httpx2.Client, changes: Object, finding: str) -> None:
    """A Pod that is locked but for one thing is refused for that thing alone."""
    _restrict(api)
    containers = [{"name": "main", "image": "echo:1", "securityContext": LOCKED}]

    answer = api.post(PODS, json=pod(**{"securityContext": SAFE, "containers": containers, **changes}))

    assert answer.json()["message"].endswith(f'violates PodSecurity "restricted:latest": {finding}')


def test_a_job_that_violates_is_accepted_with_a_warning(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """The Job is stored and its client warned; its Pod is refused, which an event of the Job tells."""
    _restrict(api)

    answer = api.post(JOBS, json=job(suspend=False))

    warning = f'would violate PodSecurity "restricted:latest": {FINDINGS}'.replace('"', '\\"')
    assert (answer.status_code, answer.headers["warning"]) == (201, f'299 - "{warning}"')
    events = _await_event(cluster, "FailedCreate")
    assert f'is forbidden: violates PodSecurity "restricted:latest": {FINDINGS}' in events["message"]
    assert cluster.world.list("pods", NAMESPACE) == []


def _await_event(cluster: KubernetesServer, reason: str) -> Any:
    def told() -> Any:
        found = cluster.world.objects.list("events", NAMESPACE, "", f"reason={reason}")[0]
        return found[0] if found else None

    return cluster.world.wait_for("events", told)


def test_a_quota_refuses_what_it_has_no_room_for(api: httpx2.Client) -> None:
    """The refusal says what was requested, what is used, and the limit."""
    _quota(api, pods="5", requests_cpu="1", limits_memory="1Gi")
    api.post(PODS, json=_sized("one", cpu="600m", memory="256Mi"))

    answer = api.post(PODS, json=_sized("two", cpu="500m", memory="256Mi"))

    why = "exceeded quota: agents, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1"
    assert (answer.status_code, answer.json()["message"]) == (403, f'pods "two" is forbidden: {why}')


def test_a_quota_demands_that_amounts_are_said(api: httpx2.Client) -> None:
    """Under a quota for memory, a Pod without a memory limit is refused."""
    _quota(api, limits_memory="1Gi", requests_cpu="1")

    answer = api.post(PODS, json=pod())

    why = "failed quota: agents: must specify limits.memory for: main; requests.cpu for: main"
    assert answer.json()["message"] == f'pods "one" is forbidden: {why}'


def test_a_quota_counts_jobs(api: httpx2.Client) -> None:
    """`count/jobs.batch` bounds Jobs."""
    _quota(api, count__jobs_batch="1")
    api.post(JOBS, json=job("one"))

    answer = api.post(JOBS, json=job("two"))

    assert answer.json()["message"] == (
        'jobs.batch "two" is forbidden: exceeded quota: agents, requested: count/jobs.batch=1, '
        "used: count/jobs.batch=1, limited: count/jobs.batch=1"
    )


def test_a_quota_shows_what_is_used(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """Its status follows the Pods, soon."""
    _quota(api, pods="5", requests_cpu="2")
    api.post(PODS, json=_sized("one", cpu="600m"))

    cluster.world.wait(
        "resourcequotas",
        NAMESPACE,
        "agents",
        lambda found: (found or {}).get("status", {}).get("used") == {"pods": "1", "requests.cpu": "600m"},
    )


def test_a_limit_range_fills_in_and_bounds(api: httpx2.Client) -> None:
    """Containers that name no amounts get the defaults; one that asks for too much is refused."""
    limit = {"type": "Container", "default": {"memory": "1Gi"}, "defaultRequest": {"memory": "256Mi"}}
    spec = {"limits": [limit | {"max": {"memory": "2Gi"}}]}
    manifest = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "agents"}, "spec": spec}
    api.post(f"/api/v1/namespaces/{NAMESPACE}/limitranges", json=manifest)

    filled = api.post(PODS, json=pod("one")).json()["spec"]["containers"][0]["resources"]
    refused = api.post(PODS, json=_sized("two", memory="3Gi")).json()["message"]

    assert filled == {"requests": {"memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    assert refused == 'pods "two" is forbidden: maximum memory usage per Container is 2Gi, but limit is 3Gi'


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"serviceAccountName": "nobody"},
            f'pods "one" is forbidden: error looking up service account {NAMESPACE}/nobody: '
            'serviceaccount "nobody" not found',
            id="service account",
        ),
        pytest.param(
            {"priorityClassName": "high"},
            'pods "one" is forbidden: no PriorityClass with name high was found',
            id="priority class",
        ),
        pytest.param(
            {"runtimeClassName": "gvisor"},
            'pods "one" is forbidden: pod rejected: RuntimeClass "gvisor" not found',
            id="runtime class",
        ),
    ],
)
def test_a_pod_that_names_what_is_not_there_is_refused(api: httpx2.Client, changes: Object, message: str) -> None:
    """A Pod's service account and classes must exist."""
    answer = api.post(PODS, json=pod(**changes))

    assert (answer.status_code, answer.json()["message"]) == (403, message)


def test_a_pod_gets_the_usual_fields(api: httpx2.Client) -> None:
    """Account, tolerations, priority and the defaults of containers are filled in."""
    spec = api.post(PODS, json=pod()).json()["spec"]

    assert pod_spec().items() <= {**spec, "containers": pod_spec()["containers"]}.items()
    assert (spec["serviceAccountName"], spec["priority"], spec["dnsPolicy"]) == ("default", 0, "ClusterFirst")
    assert [one["tolerationSeconds"] for one in spec["tolerations"]] == [300, 300]
    assert spec["containers"][0]["terminationMessagePath"] == "/dev/termination-log"
