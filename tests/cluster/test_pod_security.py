"""Everything runs under Pod Security "restricted", and is spread and probed as the chart says."""

from __future__ import annotations

from tests.cluster.installation import Installation

LEVEL = "pod-security.kubernetes.io/enforce"


def test_both_namespaces_enforce_restricted(installation: Installation) -> None:
    """The suite has put the label on the release's namespace, the chart on the agents'."""
    for namespace in (installation.namespace, installation.agents):
        [found] = installation.cluster.get("namespaces", namespace, "--field-selector", f"metadata.name={namespace}")
        assert found["metadata"]["labels"][LEVEL] == "restricted"


def test_all_of_ours_is_running_and_ready(installation: Installation) -> None:
    """Two of each room and one Redis; no liveness probe has failed."""
    pods = installation.cluster.get("pods", installation.namespace)
    running = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    rooms = sorted(pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in running)

    assert rooms == ["bot", "bot", "reconciler", "reconciler", "redis", "worker", "worker"]
    for pod in running:
        [container] = pod["status"]["containerStatuses"]
        name = pod["metadata"]["name"]
        assert (name, pod["status"]["phase"], container["ready"]) == (name, "Running", True)
    events = installation.cluster.get("events", installation.namespace)
    assert not [event["message"] for event in events if "Liveness probe" in event["message"]]


def test_no_pod_of_ours_holds_a_token_that_it_does_not_need(installation: Installation) -> None:
    """Bot and Redis can't talk to the cluster at all."""
    for room, has_token in {"bot": False, "redis": False, "worker": True, "reconciler": True}.items():
        for pod in installation.pods(room):
            mounts = [mount["mountPath"] for part in pod["spec"]["containers"] for mount in part["volumeMounts"]]
            assert ("/var/run/secrets/kubernetes.io/serviceaccount" in mounts) == has_token, room


def test_the_bot_is_ready_by_its_service(installation: Installation) -> None:
    """The Service leads to it, and Redis answers behind it."""
    service = f"{installation.namespace}/ablehand-bot:http"

    assert installation.gitlab.proxy.call("GET", service, "/readyz")
