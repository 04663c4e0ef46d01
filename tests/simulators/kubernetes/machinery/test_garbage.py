"""What goes with an owner, what waits for it, what is let go, and what a namespace takes with it."""

import pytest

from tests.simulators.kubernetes.machinery.cluster import NAMESPACE, Cluster, Object, job

pytestmark = pytest.mark.anyio


def owned_secret(owner: Object, name: str = "tokens") -> Object:
    """Return a Secret that the Job owns, as the executor makes it."""
    meta = owner["metadata"]
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
    return {"metadata": {"name": name, "ownerReferences": [reference]}, "data": {}}


async def test_a_job_deleted_in_the_background_takes_its_secret_and_pod(cluster: Cluster) -> None:
    """The Job goes at once, then its Secret, and its Pod when its processes have ended."""
    owner = cluster.create("jobs", job(agent="exec sleep 60"))
    cluster.create("secrets", owned_secret(owner))
    await cluster.until_running("agent")

    cluster.delete("jobs", "run", propagation="Background")

    assert cluster.objects.find("jobs", NAMESPACE, "run") is None
    await cluster.until(lambda: cluster.objects.find("secrets", NAMESPACE, "tokens") is None)
    await cluster.until(lambda: not cluster.pods())
    await cluster.until(lambda: not cluster.machinery.kubelet.runs)


async def test_a_job_deleted_in_the_foreground_waits_for_its_pod(cluster: Cluster) -> None:
    """The Job stays, marked, until nothing that it owns is left."""
    cluster.create("jobs", job(agent="exec sleep 60"))
    await cluster.until_running("agent")

    cluster.delete("jobs", "run", propagation="Foreground")

    assert cluster.job()["metadata"]["finalizers"] == ["foregroundDeletion"]
    await cluster.until(lambda: cluster.objects.find("jobs", NAMESPACE, "run") is None)
    assert cluster.pods() == []


async def test_orphans_stay_without_their_owner(cluster: Cluster) -> None:
    """With Orphan the owner goes, and what it owned loses the reference."""
    manifest = job()
    manifest["spec"]["suspend"] = True
    owner = cluster.create("jobs", manifest)
    cluster.create("secrets", owned_secret(owner))
    await cluster.until_job("Suspended")

    cluster.delete("jobs", "run", propagation="Orphan")
    await cluster.until(lambda: cluster.objects.find("jobs", NAMESPACE, "run") is None)

    assert "ownerReferences" not in cluster.objects.get("secrets", NAMESPACE, "tokens")["metadata"]


async def test_an_object_whose_owner_never_was_is_collected(cluster: Cluster) -> None:
    """A Secret that names a Job of another uid does not stay."""
    owner = cluster.create("jobs", job() | {"metadata": {"name": "run"}})
    stranger = {"metadata": {"name": "run", "uid": "0" + owner["metadata"]["uid"][1:] + "f"}}
    cluster.create("secrets", owned_secret(stranger, "stray"))
    cluster.create("secrets", owned_secret(owner, "owned"))

    await cluster.until(lambda: cluster.objects.find("secrets", NAMESPACE, "stray") is None)

    assert cluster.objects.find("secrets", NAMESPACE, "owned") is not None


async def test_a_namespace_takes_all_that_is_in_it(cluster: Cluster) -> None:
    """It stays Terminating until its Jobs, Pods, Secrets and Events are gone, and then goes itself."""
    owner = cluster.create("jobs", job(agent="exec sleep 60"))
    cluster.create("secrets", owned_secret(owner))
    await cluster.until_running("agent")

    cluster.objects.delete("namespaces", "", NAMESPACE)

    assert cluster.objects.get("namespaces", "", NAMESPACE)["status"]["phase"] == "Terminating"
    await cluster.until(lambda: cluster.objects.find("namespaces", "", NAMESPACE) is None)
    left = {name: list(cluster.objects.list(name, NAMESPACE)[0]) for name in ("jobs", "pods", "secrets", "events")}
    assert left == {"jobs": [], "pods": [], "secrets": [], "events": []}


async def test_a_new_namespace_gets_its_service_account(cluster: Cluster) -> None:
    """Pods that name none use `default`, so it is made with the namespace."""
    await cluster.until(lambda: cluster.objects.find("serviceaccounts", NAMESPACE, "default"))
