"""What befalls a Pod from outside: eviction, preemption, a node under pressure, a log that is rotated."""

from typing import Any, Final

from simulators.kubernetes.events import KUBELET, SCHEDULER, Recorder
from simulators.kubernetes.kubelet import Kubelet
from simulators.kubernetes.logs import AtRotation
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.pod_run import Stop
from simulators.kubernetes.pod_status import set_condition

Object = dict[str, Any]

LOW_MEMORY: Final = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "


def disrupt(objects: Objects, pod: Object, *, reason: str, message: str) -> None:
    """Give the Pod a DisruptionTarget condition, and delete it."""
    meta = pod["metadata"]

    def mark(stored: Object) -> None:
        status = stored.setdefault("status", {})
        set_condition(status, "DisruptionTarget", "True", reason=reason, message=message)

    objects.change("pods", meta["namespace"], meta["name"], mark)
    objects.delete("pods", meta["namespace"], meta["name"])


def evict(objects: Objects, namespace: str, name: str) -> None:
    """Do what the eviction subresource does; refuse with 404 a Pod that is not there."""
    pod = objects.get("pods", namespace, name)
    disrupt(objects, pod, reason="EvictionByEvictionAPI", message="Eviction API: evicting")


def preempt(objects: Objects, namespace: str, name: str) -> None:
    """Make room for a Pod that matters more, as the scheduler does."""
    pod = objects.get("pods", namespace, name)
    node = pod["spec"].get("nodeName", "")
    Recorder(objects, SCHEDULER).normal(pod, "Preempted", f"Preempted by pod {pod['metadata']['uid']} on node {node}")
    message = "default-scheduler: preempting to accommodate a higher priority pod"
    disrupt(objects, pod, reason="PreemptionByScheduler", message=message)


def evict_under_pressure(kubelet: Kubelet, namespace: str, name: str, message: str = LOW_MEMORY) -> None:
    """End a Pod as a kubelet whose node runs short: it stays, Failed and Evicted."""
    run = kubelet.run_of(namespace, name)
    Recorder(kubelet.services.objects, KUBELET).warn(run.pod, "Evicted", message)
    run.stop(Stop(grace_seconds=0, reason="Evicted", message=message, disruption=message))


def shut_down(kubelet: Kubelet, namespace: str, name: str) -> None:
    """End a Pod as a kubelet whose node is being shut down in good order."""
    run = kubelet.run_of(namespace, name)
    message = "Pod was terminated in response to imminent node shutdown."
    run.stop(Stop(grace_seconds=10, reason="Terminated", message=message, disruption=message))


def forget_container(objects: Objects, namespace: str, name: str, container: str) -> None:
    """Tell of a container that has ended as a kubelet does whose runtime had lost it by then: without its id."""

    def forget(pod: Object) -> None:
        statuses = pod["status"]["initContainerStatuses"] + pod["status"]["containerStatuses"]
        status = next(status for status in statuses if status["name"] == container)
        message = "The container could not be located when the pod was terminated"
        times = dict.fromkeys(("startedAt", "finishedAt"))
        ended = {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": message, **times}
        status |= {"containerID": "", "state": {"terminated": ended}}

    objects.change("pods", namespace, name, forget)


def out_of_memory(kubelet: Kubelet, namespace: str, name: str, container: str) -> None:
    """Kill a container as the kernel does at its memory limit; raise a LookupError where it is not there."""
    for found in kubelet.run_of(namespace, name).containers:
        if found.container["name"] == container and found.alive is not None:
            found.kill(out_of_memory=True)
            return
    raise LookupError(f"container {container} of pod {namespace}/{name} does not run")


def rotate_log(kubelet: Kubelet, pod: Object, container: str, *, at_rotation: AtRotation = AtRotation.GOES_ON) -> None:
    """Begin a new part of a container's log, as at its size limit; *at_rotation* is what its followers then meet."""
    log = kubelet.services.logs[pod["metadata"]["uid"]][container]
    log.at_rotation = at_rotation
    log.rotate()
