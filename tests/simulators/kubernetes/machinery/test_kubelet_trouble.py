"""Containers that cannot start, and Pods that are ended from outside: the reasons and words that a kubelet shows."""

from pathlib import Path

import pytest
import uvloop

from simulators.kubernetes import disruptions
from simulators.kubernetes.images import Broken, Image
from simulators.kubernetes.pod_run import Stop
from tests.simulators.kubernetes.machinery.cluster import (
    Cluster,
    Object,
    condition,
    container_of,
    ending,
    job,
    pod_spec,
    states,
    true_conditions,
)

pytestmark = pytest.mark.anyio

FOREVER = "exec sleep 60"


def waiting(cluster: Cluster, container: str) -> tuple[str, str]:
    """Return why the Pod's container waits: reason and message, empty where it does not."""
    found = states(cluster.pod()).get(container, {}).get("waiting", {}) if cluster.pods() else {}
    return found.get("reason", ""), found.get("message", "")


async def test_an_image_that_cannot_be_pulled_is_tried_again_and_again(cluster: Cluster) -> None:
    """ErrImagePull and ImagePullBackOff take turns, and the container starts when the image is there."""
    cluster.create("jobs", job(image="nowhere/none:1"))
    await cluster.until(lambda: waiting(cluster, "prepare")[0] == "ErrImagePull")
    error = waiting(cluster, "prepare")[1]
    await cluster.until(lambda: waiting(cluster, "prepare")[0] == "ImagePullBackOff")

    assert '"nowhere/none:1": not found' in error.replace("nowhere/none:1: not", '"nowhere/none:1": not')
    assert waiting(cluster, "prepare")[1] == f'Back-off pulling image "nowhere/none:1": ErrImagePull: {error}'
    assert cluster.job()["status"]["active"] == 1
    assert ("Warning", f'Failed to pull image "nowhere/none:1": {error}') in cluster.events("Failed")
    assert ("Normal", 'Back-off pulling image "nowhere/none:1"') in cluster.events("BackOff")
    cluster.images["nowhere/none:1"] = Image()
    await cluster.until_job("Complete")


@pytest.mark.parametrize(
    ("image", "reason", "words"),
    [
        (Broken(reason="InvalidImageName"), "InvalidImageName", "invalid reference format"),
        (Broken(reason="CreateContainerError", message="no disk"), "CreateContainerError", "no disk"),
        (Broken(message="denied"), "ErrImagePull", "denied"),
    ],
    ids=["name", "create", "pull"],
)
async def test_a_broken_image_is_shown_by_its_reason(cluster: Cluster, image: Broken, reason: str, words: str) -> None:
    """The container waits with the reason that was declared; the Pod stays Pending without a reason."""
    cluster.images["process"] = image
    cluster.create("jobs", job())
    await cluster.until(lambda: waiting(cluster, "prepare")[0] == reason)

    assert words in waiting(cluster, "prepare")[1]
    assert (cluster.pod()["status"]["phase"], "reason" in cluster.pod()["status"]) == ("Pending", False)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (None, 'secret "model" not found'),
        ({"metadata": {"name": "model"}, "data": {}}, "couldn't find key token in Secret agents/model"),
    ],
    ids=["secret", "key"],
)
async def test_a_variable_without_its_secret_is_a_config_error(
    cluster: Cluster, secret: dict[str, object] | None, words: str
) -> None:
    """The container waits with CreateContainerConfigError, and starts when the Secret is complete."""
    if secret:
        cluster.create("secrets", secret)
    manifest = job()
    reference = {"secretKeyRef": {"name": "model", "key": "token"}}
    container_of(manifest, "agent")["env"] = [{"name": "TOKEN", "valueFrom": reference}]
    cluster.create("jobs", manifest)
    await cluster.until(lambda: waiting(cluster, "agent")[0] == "CreateContainerConfigError")

    assert waiting(cluster, "agent")[1] == words
    assert ("Warning", f"Error: {words}") in cluster.events("Failed")
    if secret:
        cluster.delete("secrets", "model")
    cluster.create("secrets", {"metadata": {"name": "model"}, "data": {"token": "eA=="}})
    await cluster.until_job("Complete")


@pytest.mark.parametrize(
    ("security", "words"),
    [
        ({"runAsNonRoot": True}, "container has runAsNonRoot and image will run as root (pod: "),
        ({"runAsNonRoot": True, "runAsUser": 0}, "container's runAsUser breaks non-root policy (pod: "),
    ],
    ids=["image", "number"],
)
async def test_a_container_that_would_be_root_is_not_configured(
    cluster: Cluster, security: dict[str, object], words: str
) -> None:
    """With runAsNonRoot a root user is a CreateContainerConfigError, as a kubelet finds it at the start."""
    manifest = job()
    container_of(manifest, "agent")["securityContext"] = security
    cluster.create("jobs", manifest)
    await cluster.until(lambda: waiting(cluster, "agent")[0] == "CreateContainerConfigError")

    assert waiting(cluster, "agent")[1].startswith(words)


async def test_a_container_with_a_user_of_its_own_may_be_non_root(cluster: Cluster) -> None:
    """A runAsUser, or an image's own user, is all that runAsNonRoot asks for."""
    cluster.images["ours"] = Image(user=10_001)
    manifest = job()
    pod_spec(manifest)["securityContext"] = {"runAsNonRoot": True, "runAsUser": 10_001}
    container_of(manifest, "agent")["image"] = "ours"
    cluster.create("jobs", manifest)

    await cluster.until_job("Complete")


async def test_a_command_that_is_not_there_is_a_start_error(cluster: Cluster) -> None:
    """The container ends with 128 and StartError, says which command, and logs nothing."""
    manifest = job()
    container_of(manifest, "agent")["command"] = ["no-such-program"]
    cluster.create("jobs", manifest)
    await cluster.until_job("Failed")

    assert ending(cluster.pod(), "agent") == (128, "StartError")
    assert "no-such-program" in states(cluster.pod())["agent"]["terminated"]["message"]
    assert await cluster.log("agent") == ""


@pytest.mark.parametrize(
    ("act", "reason", "message"),
    [
        ("evict", "EvictionByEvictionAPI", "Eviction API: evicting"),
        ("preempt", "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"),
        ("drain", "EvictionByEvictionAPI", "Eviction API: evicting"),
    ],
)
async def test_a_disruption_is_a_condition_and_the_first_rule_matches(
    cluster: Cluster, act: str, reason: str, message: str
) -> None:
    """The Pod gets DisruptionTarget and is deleted; the Job's message names the condition, not an exit code."""
    cluster.create("jobs", job(agent=FOREVER))
    name = (await cluster.until_running("agent"))["metadata"]["name"]
    last = cluster.pod()
    with cluster.objects.subscribe("pods") as changes:
        if act == "drain":
            cluster.machinery.nodes.drain("node-1")
        else:
            getattr(disruptions, act)(cluster.objects, "agents", name)
        async for change in changes:
            last = change.obj
            if change.type == "DELETED":
                break
    failed = await cluster.until_job("Failed")

    assert condition(last, "DisruptionTarget") == (reason, message)
    words = f"Pod agents/{name} has condition DisruptionTarget matching FailJob rule at index 0"
    assert condition(failed, "Failed") == ("PodFailurePolicy", words)


@pytest.mark.parametrize(
    ("act", "reason", "words"),
    [("evict_under_pressure", "Evicted", "low on resource: memory"), ("shut_down", "Terminated", "node shutdown")],
)
async def test_a_kubelet_s_own_eviction_leaves_the_pod(cluster: Cluster, act: str, reason: str, words: str) -> None:
    """The Pod stays, Failed, with its reason and DisruptionTarget by TerminationByKubelet."""
    cluster.machinery.delays.housekeeping = 60
    manifest = job(agent="trap 'exit 137' TERM; echo ready; while :; do sleep 0.02; done")
    cluster.create("jobs", manifest)
    name = (await cluster.until_running("agent"))["metadata"]["name"]
    await cluster.until(lambda: cluster.printed("agent"))

    getattr(disruptions, act)(cluster.machinery.kubelet, "agents", name)
    failed = await cluster.until_job("Failed")

    status = cluster.pod()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", reason)
    assert words in status["message"]
    assert condition(cluster.pod(), "DisruptionTarget")[0] == "TerminationByKubelet"
    assert "DisruptionTarget matching FailJob rule at index 0" in condition(failed, "Failed")[1]


async def test_a_container_marked_out_of_memory_ends_as_one(cluster: Cluster) -> None:
    """A test need not fill any memory."""
    cluster.create("jobs", job(agent=FOREVER))
    name = (await cluster.until_running("agent"))["metadata"]["name"]

    disruptions.out_of_memory(cluster.machinery.kubelet, "agents", name, "agent")
    await cluster.until_job("Failed")

    assert ending(cluster.pod(), "agent") == (137, "OOMKilled")


async def test_a_lost_node_keeps_its_pod_terminating(cluster: Cluster) -> None:
    """Its Pods are marked by the taint manager and stay Terminating until the node is removed: no kubelet lets go."""
    cluster.machinery.delays.toleration_seconds = 0
    cluster.create("jobs", job(agent=FOREVER))
    await cluster.until_running("agent")

    cluster.machinery.nodes.lose("node-1")
    await cluster.until(lambda: "deletionTimestamp" in cluster.pod()["metadata"])

    why = ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
    assert condition(cluster.pod(), "DisruptionTarget") == why
    assert "Failed" not in true_conditions(cluster.job())
    await cluster.until(lambda: cluster.job()["status"]["terminating"] == 1)
    cluster.machinery.nodes.remove("node-1")
    await cluster.until_job("Failed")
    await cluster.until(lambda: not cluster.pods())


async def test_a_removed_node_s_pods_are_declared_failed(cluster: Cluster) -> None:
    """Pod garbage collection marks them with DisruptionTarget, so that the Job fails by its first rule."""
    cluster.create("jobs", job(agent=FOREVER))
    await cluster.until_running("agent")

    cluster.machinery.nodes.remove("node-1")
    failed = await cluster.until_job("Failed")

    assert "DisruptionTarget matching FailJob rule at index 0" in condition(failed, "Failed")[1]
    await cluster.until(lambda: not cluster.pods())


async def test_a_pod_deleted_by_force_is_gone_with_its_processes(cluster: Cluster) -> None:
    """Without a grace the object goes at once, and the kubelet ends what ran."""
    cluster.create("pods", {"metadata": {"name": "bare"}, "spec": bare_spec()})
    await cluster.until_running("main")
    kubelet = cluster.machinery.kubelet

    cluster.delete("pods", "bare", grace_seconds=0)

    assert cluster.pods() == []
    await cluster.until(lambda: not kubelet.runs)


def test_a_pod_without_a_grace_may_be_stopped_twice(tmp_path: Path) -> None:
    """Its deletion and its node may both end it in one moment; on the server's event loop, too."""

    async def play() -> None:
        """Stop a Pod twice, and see it end."""
        cluster = Cluster(tmp_path)
        await cluster.start()
        cluster.create("pods", {"metadata": {"name": "bare"}, "spec": bare_spec()})
        await cluster.until_running("main")
        kubelet = cluster.machinery.kubelet
        for _ in range(2):
            kubelet.run_of("agents", "bare").stop(Stop(grace_seconds=0))
        await cluster.until(lambda: not kubelet.runs)
        await cluster.machinery.end()

    uvloop.run(play())


async def test_a_failing_container_of_a_pod_that_restarts_backs_off(cluster: Cluster) -> None:
    """With restartPolicy OnFailure the container waits with CrashLoopBackOff and is counted."""
    spec = bare_spec("exit 6") | {"restartPolicy": "OnFailure"}
    cluster.create("pods", {"metadata": {"name": "bare"}, "spec": spec})
    await cluster.until(lambda: waiting(cluster, "main")[0] == "CrashLoopBackOff")

    status = cluster.pod()["status"]["containerStatuses"][0]
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 6


def bare_spec(script: str = FOREVER) -> Object:
    """Return the spec of a Pod with one container, `main`."""
    return {"containers": [{"name": "main", "image": "process", "command": ["sh", "-c", script]}]}
