"""The nodes of the simulated cluster: what they are made of, and what happens when one is drained, lost or removed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simulators.kubernetes.clock import Delays, moment
from simulators.kubernetes.deletion import Deletion
from simulators.kubernetes.disruptions import disrupt, evict
from simulators.kubernetes.events import TAINT_EVICTION, Recorder
from simulators.kubernetes.kubelet import Kubelet
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.pod_status import HOST_ADDRESS, set_condition

Object = dict[str, Any]

UNREACHABLE: Final = "node.kubernetes.io/unreachable"
USUAL_TOLERATION_SECONDS: Final = 300
_ROOMY: Final = {"cpu": "10000", "memory": "100Ti", "ephemeral-storage": "1000Ti", "pods": "10000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node; by default with room for anything."""

    name: str = "node-1"
    capacity: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, str]] = ()

    def to_object(self) -> Object:
        """Return it as the API has it."""
        capacity = _ROOMY | dict(self.capacity)
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux"} | dict(self.labels)
        node: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": labels}}
        node["spec"] = {"taints": [dict(taint) for taint in self.taints]} if self.taints else {}
        node["status"] = {
            "capacity": capacity,
            "allocatable": capacity,
            "addresses": [{"type": "InternalIP", "address": HOST_ADDRESS}, {"type": "Hostname", "address": self.name}],
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": "kubelet is posting ready status",
                    "lastHeartbeatTime": moment(),
                    "lastTransitionTime": moment(),
                }
            ],
        }
        return node


class Nodes:
    """What may be done to the nodes. Every call comes from the server's loop."""

    def __init__(self, objects: Objects, kubelet: Kubelet, delays: Delays) -> None:
        self._objects = objects
        self._kubelet = kubelet
        self._delays = delays
        self._recorder = Recorder(objects, TAINT_EVICTION)

    def add(self, node: Node) -> None:
        """Let a node join."""
        self._objects.create("nodes", node.to_object())

    def drain(self, name: str) -> None:
        """Let no more Pods in, and evict those that are there through the eviction API."""
        self._objects.change("nodes", "", name, lambda node: node["spec"].update(unschedulable=True))
        for pod in self._pods(name):
            evict(self._objects, pod["metadata"]["namespace"], pod["metadata"]["name"])

    def lose(self, name: str) -> None:
        """Let the machine be gone: what runs there dies unseen; its Pods go when they tolerate it no more."""
        self._kubelet.lose(name)
        self._objects.change("nodes", "", name, _taint)
        for pod in self._pods(name):
            self._objects.change("pods", pod["metadata"]["namespace"], pod["metadata"]["name"], _mark_not_ready)
            seconds = _toleration_seconds(pod) if self._delays.toleration_seconds is None else None
            wait = self._delays.toleration_seconds if seconds is None else seconds
            asyncio.get_running_loop().call_later(wait or 0.0, self._evict_by_taint, pod)

    def remove(self, name: str) -> None:
        """Take the node out of the cluster for good: its Pods are declared Failed and deleted."""
        self._kubelet.lose(name)
        self._objects.delete("nodes", "", name)
        for pod in self._pods(name):
            namespace, pod_name = pod["metadata"]["namespace"], pod["metadata"]["name"]

            def fail(stored: Object) -> None:
                stored["status"]["phase"] = "Failed"
                message = "PodGC: node no longer exists"
                set_condition(stored["status"], "DisruptionTarget", "True", reason="DeletionByPodGC", message=message)

            self._objects.change("pods", namespace, pod_name, fail)
            self._objects.delete("pods", namespace, pod_name, Deletion(grace_seconds=0))

    def _evict_by_taint(self, pod: Object) -> None:
        meta = pod["metadata"]
        found = self._objects.find("pods", meta["namespace"], meta["name"])
        if found is None or found["metadata"]["uid"] != meta["uid"] or "deletionTimestamp" in found["metadata"]:
            return
        message = f"Marking for deletion Pod {meta['namespace']}/{meta['name']}"
        self._recorder.normal(found, "TaintManagerEviction", message)
        why = "Taint manager: deleting due to NoExecute taint"
        disrupt(self._objects, found, reason="DeletionByTaintManager", message=why)

    def _pods(self, node: str) -> list[Object]:
        pods, _ = self._objects.list("pods", None, fields=f"spec.nodeName={node}")
        return [pod for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]


def _taint(node: Object) -> None:
    taint = {"key": UNREACHABLE, "effect": "NoExecute", "timeAdded": moment()}
    node["spec"].setdefault("taints", []).append(taint)
    for condition in node["status"]["conditions"]:
        condition |= {"status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": moment()}
        condition["message"] = "Kubelet stopped posting node status."


def _mark_not_ready(pod: Object) -> None:
    set_condition(pod["status"], "Ready", "False")


def _toleration_seconds(pod: Object) -> float:
    for toleration in pod["spec"].get("tolerations") or []:
        if toleration.get("key") == UNREACHABLE and toleration.get("effect") in (None, "NoExecute"):
            return float(toleration.get("tolerationSeconds", USUAL_TOLERATION_SECONDS))
    return USUAL_TOLERATION_SECONDS
