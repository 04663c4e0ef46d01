"""Who may do what: tokens, Roles and their bindings, and what is open to all."""

import httpx2
import pytest

from simulators.kubernetes.server import KubernetesServer
from tests.simulators.kubernetes.api.conftest import NAMESPACE
from tests.simulators.kubernetes.api.manifests import config_map, pod

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
USER = "system:serviceaccount:agents:worker"
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: worker}
rules:
- {apiGroups: [""], resources: [configmaps], resourceNames: [mine], verbs: [get]}
- {apiGroups: [""], resources: [configmaps], verbs: [create]}
- {apiGroups: [""], resources: [pods], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: worker}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: worker}
subjects: [{kind: ServiceAccount, name: worker, namespace: agents}]
"""


@pytest.fixture
def worker(cluster: KubernetesServer) -> httpx2.Client:
    """Return a client of the ServiceAccount `worker`, which has the Role above."""
    cluster.world.apply(ROLE, NAMESPACE)
    token = cluster.access.token_of(NAMESPACE, "worker")
    return httpx2.Client(base_url=cluster.url, headers={"authorization": f"Bearer {token}"})


def test_a_role_allows_what_it_names(worker: httpx2.Client) -> None:
    """Verbs, resources and names of the Role count, each."""
    with worker:
        made = worker.post(MAPS, json=config_map("mine"))
        other = worker.post(MAPS, json=config_map("other"))
        statuses = [worker.get(path).status_code for path in (f"{MAPS}/mine", f"{MAPS}/other", MAPS)]

    assert (made.status_code, other.status_code, statuses) == (201, 201, [200, 403, 403])


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        pytest.param(
            "GET",
            f"{MAPS}/other",
            f'configmaps "other" is forbidden: User "{USER}" cannot get resource "configmaps" in API group "" '
            'in the namespace "agents"',
            id="one object",
        ),
        pytest.param(
            "GET",
            f"/api/v1/namespaces/{NAMESPACE}/pods/x/log",
            f'pods "x" is forbidden: User "{USER}" cannot get resource "pods/log" in API group "" '
            'in the namespace "agents"',
            id="subresource",
        ),
        pytest.param(
            "GET",
            "/apis/batch/v1/jobs",
            f'jobs.batch is forbidden: User "{USER}" cannot list resource "jobs" in API group "batch" '
            "at the cluster scope",
            id="all namespaces",
        ),
        pytest.param(
            "DELETE",
            f"/api/v1/namespaces/{NAMESPACE}/secrets",
            f'secrets is forbidden: User "{USER}" cannot deletecollection resource "secrets" in API group "" '
            'in the namespace "agents"',
            id="collection",
        ),
    ],
)
def test_what_no_role_allows_is_forbidden(worker: httpx2.Client, method: str, path: str, message: str) -> None:
    """A refusal names user, verb, resource, group and place."""
    with worker:
        answer = worker.request(method, path)

    assert (answer.status_code, answer.json()["reason"], answer.json()["message"]) == (403, "Forbidden", message)


def test_a_deleted_binding_takes_the_rights_away(cluster: KubernetesServer, worker: httpx2.Client) -> None:
    """Rights are read at each request."""
    cluster.world.delete("rolebindings", NAMESPACE, "worker")

    with worker:
        assert worker.post(MAPS, json=config_map("mine")).status_code == 403


def test_an_unknown_token_is_unauthorized(cluster: KubernetesServer) -> None:
    """A wrong token is a 401, none is the anonymous user, who may ask for health and version alone."""
    with httpx2.Client(base_url=cluster.url) as client:
        wrong = client.get(MAPS, headers={"authorization": "Bearer wrong"})
        nobody = client.get(MAPS)
        health = client.get("/healthz")

    assert (wrong.status_code, wrong.json()["message"]) == (401, "Unauthorized")
    assert nobody.json()["message"].startswith('configmaps is forbidden: User "system:anonymous" cannot list')
    assert (health.status_code, health.text) == (200, "ok")


def test_calls_are_recorded_with_their_user(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """A test can count what was asked: verb, resource, subresource, user and status of each request."""
    api.post(f"/api/v1/namespaces/{NAMESPACE}/pods", json=pod())
    api.get(f"/api/v1/namespaces/{NAMESPACE}/pods/one/log", params={"container": "nothing"})

    recorded = [(call.verb, call.resource, call.subresource, call.user, call.status) for call in cluster.calls]
    assert recorded == [
        ("create", "pods", "", "kubernetes-admin", 201),
        ("get", "pods", "log", "kubernetes-admin", 400),
    ]
