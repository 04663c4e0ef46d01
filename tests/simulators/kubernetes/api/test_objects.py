"""Storing, changing and listing, over raw HTTP and the official client: versions, conflicts, selectors, patches."""

from collections.abc import Iterator
from typing import Any

import httpx2
import kubernetes
import pytest
from kubernetes.client import ApiException, BatchV1Api, CoreV1Api, V1ConfigMap, V1ObjectMeta
from kubernetes.config import load_kube_config

from simulators.kubernetes.deletion import Deletion
from simulators.kubernetes.server import KubernetesServer
from tests.simulators.kubernetes.api.conftest import NAMESPACE
from tests.simulators.kubernetes.api.manifests import config_map, has_completed, is_running, job, pod

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture
def client(cluster: KubernetesServer) -> Iterator[kubernetes.client.ApiClient]:
    """Return the official client, set up by a kubeconfig file."""
    configuration = kubernetes.client.Configuration()
    load_kube_config(str(cluster.kubeconfig()), client_configuration=configuration)  # type: ignore[no-untyped-call]
    with kubernetes.client.ApiClient(configuration) as found:
        yield found


def _names(answer: httpx2.Response) -> list[str]:
    return [item["metadata"]["name"] for item in answer.json()["items"]]


def test_create_fills_in_what_the_server_gives(api: httpx2.Client) -> None:
    """A new object has a uid, a version, a time and its generation; a Job its selector and its labels."""
    answer = api.post(JOBS, json=job())

    made = answer.json()
    uid = made["metadata"]["uid"]
    assert answer.status_code == 201
    assert made["metadata"]["generation"] == 1
    assert made["metadata"]["resourceVersion"].isdigit()
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "one",
        "controller-uid": uid,
        "job-name": "one",
    }
    assert (made["spec"]["completionMode"], made["spec"]["podReplacementPolicy"]) == (
        "NonIndexed",
        "TerminatingOrFailed",
    )


def test_a_second_create_is_a_conflict(api: httpx2.Client) -> None:
    """The Status of the second create is word for word the real one."""
    api.post(JOBS, json=job())

    answer = api.post(JOBS, json=job())

    assert answer.status_code == 409
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'jobs.batch "one" already exists',
        "reason": "AlreadyExists",
        "details": {"name": "one", "group": "batch", "kind": "jobs"},
        "code": 409,
    }


def test_a_stale_replace_is_a_conflict(client: kubernetes.client.ApiClient) -> None:
    """Of two writers with one version, the second is refused, by the official client too."""
    core = CoreV1Api(client)
    core.create_namespaced_config_map(NAMESPACE, V1ConfigMap(metadata=V1ObjectMeta(name="one"), data={"a": "1"}))
    first = core.read_namespaced_config_map("one", NAMESPACE)
    second = core.read_namespaced_config_map("one", NAMESPACE)
    first.data, second.data = {"a": "2"}, {"a": "3"}

    core.replace_namespaced_config_map("one", NAMESPACE, first)
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("one", NAMESPACE, second)

    assert refused.value.status == 409
    assert "the object has been modified; please apply your changes to the latest version" in str(refused.value.body)
    assert core.read_namespaced_config_map("one", NAMESPACE).data == {"a": "2"}


def test_a_change_that_changes_nothing_makes_no_version(api: httpx2.Client) -> None:
    """A replace with the same content keeps the resourceVersion, as in etcd."""
    made = api.post(MAPS, json=config_map(a="1")).json()

    replaced = api.put(f"{MAPS}/one", json=made).json()

    assert replaced["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_pages_show_one_version(api: httpx2.Client) -> None:
    """The second page does not know what was stored and deleted after the first."""
    for name in ("a", "b", "c", "d"):
        api.post(MAPS, json=config_map(name))
    first = api.get(MAPS, params={"limit": 2})
    api.delete(f"{MAPS}/c")
    api.post(MAPS, json=config_map("e"))

    meta = first.json()["metadata"]
    second = api.get(MAPS, params={"limit": 2, "continue": meta["continue"]})

    assert (_names(first), meta["remainingItemCount"]) == (["a", "b"], 2)
    assert _names(second) == ["c", "d"]
    assert "continue" not in second.json()["metadata"]
    assert second.json()["metadata"]["resourceVersion"] == meta["resourceVersion"]


def test_a_page_of_a_forgotten_version_is_expired(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """After a compaction, a continue token gets a 410 with the reason Expired."""
    for name in ("a", "b", "c"):
        api.post(MAPS, json=config_map(name))
    token = api.get(MAPS, params={"limit": 1}).json()["metadata"]["continue"]
    api.post(MAPS, json=config_map("d"))
    cluster.world.forget_history()

    answer = api.get(MAPS, params={"limit": 1, "continue": token})

    assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param("tier=web", ["a", "b"], id="equal"),
        pytest.param("tier==web,env=dev", ["a"], id="both"),
        pytest.param("tier!=web", ["c", "d"], id="not equal takes what has no such label"),
        pytest.param("env in (dev, test)", ["a", "c"], id="in"),
        pytest.param("env notin (dev,test)", ["b", "d"], id="not in"),
        pytest.param("env", ["a", "b", "c"], id="exists"),
        pytest.param("!env", ["d"], id="does not exist"),
        pytest.param("example.com/x=1", ["d"], id="prefixed key"),
    ],
)
def test_label_selectors_choose(api: httpx2.Client, selector: str, expected: list[str]) -> None:
    """Each form of a label selector chooses what a real API server's chooses."""
    labels = {
        "a": {"tier": "web", "env": "dev"},
        "b": {"tier": "web", "env": "prod"},
        "c": {"tier": "db", "env": "test"},
        "d": {"example.com/x": "1"},
    }
    for name, given in labels.items():
        api.post(MAPS, json=config_map(name, labels=given))

    assert _names(api.get(MAPS, params={"labelSelector": selector})) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param("metadata.name=b", ["b"], id="name"),
        pytest.param("metadata.name!=b", ["a"], id="not name"),
        pytest.param("status.phase=Running", ["a", "b"], id="phase"),
        pytest.param("spec.nodeName=node-1,metadata.name=a", ["a"], id="both"),
        pytest.param("spec.nodeName=elsewhere", [], id="none"),
    ],
)
def test_field_selectors_choose(
    cluster: KubernetesServer, api: httpx2.Client, selector: str, expected: list[str]
) -> None:
    """Fields of Pods choose them."""
    for name in ("a", "b"):
        api.post(PODS, json=pod(name, containers=[{"name": "main", "image": "sleep:1"}]))
        cluster.world.wait("pods", NAMESPACE, name, is_running)

    assert _names(api.get(PODS, params={"fieldSelector": selector})) == expected


def test_an_unknown_field_selector_is_refused(api: httpx2.Client) -> None:
    """A field that a resource cannot be chosen by is a 400 in the real words."""
    answer = api.get(PODS, params={"fieldSelector": "spec.image=x"})

    assert (answer.status_code, answer.json()["message"]) == (400, 'field label not supported: "spec.image"')


@pytest.mark.parametrize(
    ("kind", "patch", "expected"),
    [
        pytest.param("merge-patch", {"data": {"a": None, "c": "3"}}, {"b": "2", "c": "3"}, id="merge"),
        pytest.param("strategic-merge-patch", {"data": {"a": "9"}}, {"a": "9", "b": "2"}, id="strategic"),
        pytest.param(
            "json-patch",
            [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "move", "from": "/data/a", "path": "/data/z"}],
            {"b": "2", "z": "1"},
            id="json",
        ),
    ],
)
def test_patches_change_what_they_name(api: httpx2.Client, kind: str, patch: Any, expected: dict[str, str]) -> None:
    """Each kind of patch does what its standard says."""
    api.post(MAPS, json=config_map(a="1", b="2"))

    answer = api.patch(f"{MAPS}/one", json=patch, headers={"content-type": f"application/{kind}+json"})

    assert (answer.status_code, answer.json()["data"]) == (200, expected)


def test_a_strategic_patch_merges_containers_by_name(api: httpx2.Client) -> None:
    """A patch of one container leaves the others, and `$patch: delete` takes one away."""
    containers = [
        {"name": name, "image": f"{name}:1", "env": [{"name": "A", "value": "1"}]} for name in ("x", "y", "z")
    ]
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
    api.post(path, json={"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "one"}, "spec": spec})
    changes = [
        {"name": "y", "image": "y:2", "env": [{"name": "B", "value": "2"}]},
        {"name": "z", "$patch": "delete"},
    ]

    answer = api.patch(
        f"{path}/one",
        json={"spec": {"template": {"spec": {"containers": changes}}}},
        headers={"content-type": "application/strategic-merge-patch+json"},
    )

    found = answer.json()["spec"]["template"]["spec"]["containers"]
    assert [(one["name"], one["image"]) for one in found] == [("x", "x:1"), ("y", "y:2")]
    assert found[1]["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


def test_the_status_subresource_changes_the_status_alone(api: httpx2.Client) -> None:
    """A write to /status leaves the spec, and a write to the object leaves the status."""
    made = api.post(JOBS, json=job()).json()
    merge = {"content-type": "application/merge-patch+json"}

    both = {"status": {"failed": 3}, "spec": {"parallelism": 7}}
    after_status = api.patch(f"{JOBS}/one/status", json=both, headers=merge).json()
    after_spec = api.patch(
        f"{JOBS}/one", json={"status": {"failed": 9}, "spec": {"parallelism": 2}}, headers=merge
    ).json()

    assert (after_status["status"]["failed"], after_status["spec"]["parallelism"]) == (3, made["spec"]["parallelism"])
    assert (after_spec["status"]["failed"], after_spec["spec"]["parallelism"]) == (3, 2)
    assert after_spec["metadata"]["generation"] == made["metadata"]["generation"] + 1


def test_a_dry_run_stores_nothing(api: httpx2.Client) -> None:
    """`dryRun=All` answers as if it were stored."""
    answer = api.post(MAPS, json=config_map(a="1"), params={"dryRun": "All"})

    assert answer.status_code == 201
    assert api.get(f"{MAPS}/one").status_code == 404


def test_items_of_a_list_have_no_kind(api: httpx2.Client) -> None:
    """As in a real API server, only the list itself says what it lists."""
    api.post(MAPS, json=config_map(a="1"))

    listed = api.get(MAPS).json()

    assert (listed["kind"], listed["apiVersion"]) == ("ConfigMapList", "v1")
    assert [sorted(item) for item in listed["items"]] == [["data", "metadata"]]


def test_a_job_is_orphaned_by_default_with_a_warning(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """A batch/v1 Job that is deleted without a policy leaves its Pods, and the client is warned."""
    api.post(JOBS, json=job(suspend=False))
    cluster.world.wait("jobs", NAMESPACE, "one", has_completed)

    answer = api.delete(f"{JOBS}/one")

    assert answer.headers["warning"].startswith('299 - "child pods are preserved by default when jobs are deleted; ')
    cluster.world.wait("jobs", NAMESPACE, "one", lambda found: found is None)
    pods = cluster.world.list("pods", NAMESPACE)
    assert [found["metadata"].get("ownerReferences") for found in pods] == [None]


def test_a_precondition_guards_a_delete(api: httpx2.Client) -> None:
    """A delete of another object of the same name is a conflict, and nothing happens."""
    api.post(MAPS, json=config_map(a="1"))

    answer = api.request("DELETE", f"{MAPS}/one", json={"preconditions": {"uid": "another"}})

    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: another" in answer.json()["message"]
    assert api.get(f"{MAPS}/one").status_code == 200


def test_a_finalizer_keeps_an_object(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """An object with a finalizer is only marked, and goes when the finalizer does."""
    manifest = config_map(a="1")
    manifest["metadata"]["finalizers"] = ["example.com/mine"]
    api.post(MAPS, json=manifest)

    cluster.world.delete("configmaps", NAMESPACE, "one", Deletion())
    marked = api.get(f"{MAPS}/one").json()
    merge = {"content-type": "application/merge-patch+json"}
    api.patch(f"{MAPS}/one", json={"metadata": {"finalizers": None}}, headers=merge)

    assert "deletionTimestamp" in marked["metadata"]
    assert api.get(f"{MAPS}/one").status_code == 404


def test_a_collection_is_deleted_by_selector(api: httpx2.Client) -> None:
    """`deletecollection` takes what a selector chooses, and nothing else."""
    for name, tier in (("a", "web"), ("b", "db"), ("c", "web")):
        api.post(MAPS, json=config_map(name, labels={"tier": tier}))

    api.request("DELETE", MAPS, params={"labelSelector": "tier=web"})

    assert _names(api.get(MAPS)) == ["b"]


def test_the_official_client_reads_jobs_and_logs(
    cluster: KubernetesServer, client: kubernetes.client.ApiClient
) -> None:
    """Typed models of the official client accept what the server sends; a log comes with its stamps."""
    cluster.world.apply(job(suspend=False), NAMESPACE)
    cluster.world.wait("jobs", NAMESPACE, "one", has_completed)
    jobs = BatchV1Api(client).list_namespaced_job(NAMESPACE).items
    pods = CoreV1Api(client).list_namespaced_pod(NAMESPACE, label_selector="batch.kubernetes.io/job-name=one").items
    name = str(pods[0].to_dict()["metadata"]["name"])

    log = CoreV1Api(client).read_namespaced_pod_log(name, NAMESPACE, container="main", timestamps=True)

    assert [one.to_dict()["status"]["succeeded"] for one in jobs] == [1]
    assert [one.to_dict()["status"]["phase"] for one in pods] == ["Succeeded"]
    assert log.endswith("Z hello\n")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"k8s\x00\x0a\x07\x0a\x02v1\x12\x01X\x12\x00", 415, id="unknown message"),
        pytest.param(b"k8s\x00\xff\xff", 415, id="cut off"),
        pytest.param(b"no magic", 400, id="no protobuf"),
    ],
)
def test_protobuf_that_is_not_known_is_refused(api: httpx2.Client, body: bytes, status: int) -> None:
    """Nothing is stored of what is not understood whole."""
    answer = api.post(MAPS, content=body, headers={"content-type": "application/vnd.kubernetes.protobuf"})

    assert answer.status_code == status
    assert api.get(MAPS).json()["items"] == []
