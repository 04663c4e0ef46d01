"""The scheduler: gives each Pod a node that has room for it and that it may have, or says why there is none."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from simulators.kubernetes.changes import Change
from simulators.kubernetes.clock import Delays
from simulators.kubernetes.events import SCHEDULER, Recorder
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.pod_status import set_condition
from simulators.kubernetes.quantities import parse_quantity

Object = dict[str, Any]
Amounts = dict[str, Decimal]

NO_NODES: Final = "no nodes available to schedule pods"
SELECTOR: Final = "node(s) didn't match Pod's node affinity/selector"
UNSCHEDULABLE: Final = "node(s) were unschedulable"
TOO_MANY: Final = "Too many pods"


@dataclass(slots=True)
class _Node:
    labels: Mapping[str, str]
    taints: Sequence[Object]
    capacity: Amounts
    cordoned: bool
    used: Amounts


class Scheduler:
    """The one scheduler of a cluster."""

    def __init__(self, objects: Objects, delays: Delays) -> None:
        self._objects = objects
        self._delays = delays
        self._recorder = Recorder(objects, SCHEDULER)
        self._placed: dict[str, tuple[str, Amounts]] = {}
        self._used: dict[str, Amounts] = {}
        self._pending: dict[str, tuple[str, str]] = {}
        self._retry = asyncio.Event()

    async def work(self) -> None:
        """Follow the Pods and the nodes until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow("pods"))
            group.create_task(self._follow("nodes"))
            group.create_task(self._try_again())

    async def _follow(self, resource: str) -> None:
        with self._objects.subscribe(resource) as changes:
            async for change in changes:
                if resource == "nodes" or self._makes_a_difference(change):
                    self._retry.set()

    async def _try_again(self) -> None:
        while True:
            await self._retry.wait()
            if self._delays.schedule:
                await asyncio.sleep(self._delays.schedule)
            self._retry.clear()
            if not self._pending:
                continue
            nodes = self._nodes()
            for uid, (namespace, name) in list(self._pending.items()):
                pod = self._objects.find("pods", namespace, name)
                if pod is None or pod["metadata"]["uid"] != uid or pod["spec"].get("nodeName"):
                    self._pending.pop(uid, None)
                elif "deletionTimestamp" not in pod["metadata"]:
                    self._place(pod, nodes)

    def _makes_a_difference(self, change: Change) -> bool:
        """Note where the Pod is; whether that gives something to do."""
        pod = change.obj
        meta, node = pod["metadata"], pod["spec"].get("nodeName")
        ended = change.type == "DELETED" or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
        if ended:
            self._pending.pop(meta["uid"], None)
            return self._release(meta["uid"])
        if node and meta["uid"] not in self._placed:
            self._occupy(meta["uid"], node, requests_of(pod))
        if node or meta["uid"] in self._placed or meta["uid"] in self._pending:
            return False
        self._pending[meta["uid"]] = (meta["namespace"], meta["name"])
        return True

    def _place(self, pod: Object, nodes: Mapping[str, _Node]) -> None:
        wanted, meta = requests_of(pod), pod["metadata"]
        problems = {name: _problems(pod, wanted, node) for name, node in nodes.items()}
        fitting = [name for name, found in problems.items() if not found]
        if not fitting:
            self._refuse(pod, _explanation(problems))
            return
        chosen = min(fitting, key=lambda name: nodes[name].used.get("pods", Decimal(0)))
        self._pending.pop(meta["uid"])
        self._occupy(meta["uid"], chosen, wanted)

        def bind(stored: Object) -> None:
            stored["spec"]["nodeName"] = chosen
            set_condition(stored.setdefault("status", {}), "PodScheduled", "True")

        bound = self._objects.change("pods", meta["namespace"], meta["name"], bind)
        message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {chosen}"
        self._recorder.normal(bound, "Scheduled", message)

    def _refuse(self, pod: Object, message: str) -> None:
        meta = pod["metadata"]

        def mark(stored: Object) -> None:
            status = stored.setdefault("status", {"phase": "Pending"})
            known = [one for one in status.get("conditions", []) if one["type"] == "PodScheduled"]
            if not known or known[0].get("message") != message:
                set_condition(status, "PodScheduled", "False", reason="Unschedulable", message=message)

        before = meta["resourceVersion"]
        after = self._objects.change("pods", meta["namespace"], meta["name"], mark)
        if after["metadata"]["resourceVersion"] != before:
            self._recorder.warn(after, "FailedScheduling", message)

    def _nodes(self) -> dict[str, _Node]:
        stored, _ = self._objects.list("nodes", None)
        names = [node["metadata"]["name"] for node in stored]
        return {name: _read(node, self._used.setdefault(name, {})) for name, node in zip(names, stored, strict=True)}

    def _occupy(self, uid: str, node: str, wanted: Amounts) -> None:
        self._placed[uid] = (node, wanted)
        _add(self._used.setdefault(node, {}), wanted)

    def _release(self, uid: str) -> bool:
        """Take away what a Pod that has ended took; whether it took anything."""
        node, amounts = self._placed.pop(uid, ("", {}))
        _add(self._used.setdefault(node, {}), {name: -amount for name, amount in amounts.items()})
        return bool(node)


def requests_of(pod: Object) -> Amounts:
    """Return what a Pod takes of its node: the most that its containers ask for at any one time, and one Pod."""
    total: Amounts = {}
    for container in pod["spec"]["containers"]:
        _add(total, _requests(container))
    for container in pod["spec"].get("initContainers") or []:
        for name, amount in _requests(container).items():
            total[name] = max(total.get(name, Decimal(0)), amount)
    _add(total, {name: parse_quantity(str(value)) for name, value in (pod["spec"].get("overhead") or {}).items()})
    return total | {"pods": Decimal(1)}


def tolerates(pod: Object, taint: Object) -> bool:
    """Whether one of the Pod's tolerations covers the taint."""
    return any(_covers(toleration, taint) for toleration in pod["spec"].get("tolerations") or [])


def _covers(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def _requests(container: Object) -> Amounts:
    asked = container.get("resources", {}).get("requests") or {}
    return {name: parse_quantity(str(value)) for name, value in asked.items()}


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Decimal(0)) + amount


def _read(node: Object, used: Amounts) -> _Node:
    spec, status = node.get("spec", {}), node.get("status", {})
    capacity = {name: parse_quantity(str(value)) for name, value in (status.get("allocatable") or {}).items()}
    labels = node["metadata"].get("labels") or {}
    return _Node(labels, spec.get("taints") or [], capacity, bool(spec.get("unschedulable")), used)


def _problems(pod: Object, wanted: Amounts, node: _Node) -> list[str]:
    """Return why the Pod cannot go there; as the real one, the first plugin that refuses is the one that is told."""
    if node.cordoned:
        return [UNSCHEDULABLE]
    for taint in node.taints:
        if taint["effect"] != "PreferNoSchedule" and not tolerates(pod, taint):
            return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
    if any(node.labels.get(key) != value for key, value in (pod["spec"].get("nodeSelector") or {}).items()):
        return [SELECTOR]
    short = []
    for name, amount in wanted.items():
        if amount and amount > node.capacity.get(name, Decimal(0)) - node.used.get(name, Decimal(0)):
            short.append(TOO_MANY if name == "pods" else f"Insufficient {name}")
    return short


def _explanation(problems: Mapping[str, Sequence[str]]) -> str:
    if not problems:
        return NO_NODES
    reasons = Counter(reason for found in problems.values() for reason in found)
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    helpless = sum(not any(map(_is_shortage, found)) for found in problems.values())
    victims = Counter(
        {
            "No preemption victims found for incoming pod": len(problems) - helpless,
            "Preemption is not helpful for scheduling": helpless,
        }
    )
    preemption = ", ".join(f"{count} {reason}" for reason, count in sorted(victims.items()) if count)
    nodes = f"0/{len(problems)} nodes are available"
    return f"{nodes}: {told}. preemption: {nodes}: {preemption}."


def _is_shortage(reason: str) -> bool:
    return reason.startswith("Insufficient") or reason == TOO_MANY
