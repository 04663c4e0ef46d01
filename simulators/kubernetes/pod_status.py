"""A Pod's status as a kubelet writes it, from what is known of its containers. Pure; nothing here runs anything."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from simulators.kubernetes.clock import moment

Object = dict[str, Any]

HOST_ADDRESS: Final = "127.0.0.1"
OWN_CONDITIONS: Final = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


@dataclass(slots=True)
class ContainerRecord:
    """One container: its `state` in the API's words, and how often it was started again."""

    name: str
    image: str
    state: Object
    last_state: Object = field(default_factory=dict)
    restarts: int = 0
    identity: str = ""

    def wait(self, reason: str, message: str = "") -> None:
        """Note that it waits, for this reason."""
        self.state = {"waiting": {"reason": reason} | ({"message": message} if message else {})}

    def run(self) -> None:
        """Note that it has been started."""
        self.identity = f"containerd://{uuid4().hex}{uuid4().hex}"
        self.state = {"running": {"startedAt": moment()}}

    def end(self, code: int, reason: str, message: str = "") -> None:
        """Note that it has ended, with this exit code."""
        started = self.state.get("running", {}).get("startedAt", moment())
        terminated = {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": moment()}
        if message:
            terminated["message"] = message
        if self.identity:
            terminated["containerID"] = self.identity
        self.state = {"terminated": terminated}

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None where it has not ended."""
        code: int | None = self.state.get("terminated", {}).get("exitCode")
        return code

    @property
    def is_running(self) -> bool:
        """Whether it runs now."""
        return "running" in self.state


@dataclass(slots=True)
class PodRecord:
    """What a kubelet knows of one Pod. *reason* and *message* are the Pod's own, such as Evicted."""

    init: list[ContainerRecord]
    main: list[ContainerRecord]
    sandbox: bool = False
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    started_at: str = field(default_factory=moment)

    def find(self, name: str) -> ContainerRecord:
        """Return the record of the container of this name."""
        return next(record for record in (*self.init, *self.main) if record.name == name)


def new_record(pod: Object) -> PodRecord:
    """Return the record of a Pod none of whose containers was started."""
    spec = pod["spec"]
    waiting = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"

    def records(key: str) -> list[ContainerRecord]:
        return [
            ContainerRecord(container["name"], container["image"], {"waiting": {"reason": waiting}})
            for container in spec.get(key) or []
        ]

    return PodRecord(records("initContainers"), records("containers"))


def write_status(pod: Object, record: PodRecord) -> None:
    """Put the record into the Pod's status; the conditions of others (scheduler, evictions) stay."""
    status = pod.setdefault("status", {})
    status |= {
        "phase": record.phase,
        "startTime": record.started_at,
        "hostIP": HOST_ADDRESS,
        "hostIPs": [{"ip": HOST_ADDRESS}],
    }
    if record.sandbox:
        status |= {"podIP": HOST_ADDRESS, "podIPs": [{"ip": HOST_ADDRESS}]}
    for key in ("reason", "message"):
        status.pop(key, None)
        if value := getattr(record, key):
            status[key] = value
    if record.init:
        status["initContainerStatuses"] = [_container_status(one, init=True) for one in record.init]
    status["containerStatuses"] = [_container_status(one, init=False) for one in record.main]
    for kind, (value, reason, message) in _conditions(record).items():
        set_condition(status, kind, value, reason=reason, message=message)


def set_condition(status: Object, kind: str, value: str, *, reason: str = "", message: str = "") -> None:
    """Set one condition of a Pod or a Job; its transition time changes with its value alone."""
    conditions = status.setdefault("conditions", [])
    condition = {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": moment()}
    condition |= {key: text for key, text in (("reason", reason), ("message", message)) if text}
    for index, old in enumerate(conditions):
        if old["type"] == kind:
            if old["status"] == value:
                condition["lastTransitionTime"] = old["lastTransitionTime"]
            conditions[index] = condition
            return
    conditions.append(condition)


def condition_is(obj: Object, kind: str, value: str = "True") -> bool:
    """Whether a Pod or a Job has this condition with this value."""
    conditions = obj.get("status", {}).get("conditions") or []
    return any(one["type"] == kind and one["status"] == value for one in conditions)


def _container_status(record: ContainerRecord, *, init: bool) -> Object:
    ready = record.exit_code == 0 if init else record.is_running
    status: Object = {
        "name": record.name,
        "state": record.state,
        "lastState": record.last_state,
        "ready": ready,
        "restartCount": record.restarts,
        "image": record.image,
        # Without an image's content there is no digest; one that is none would mislead.
        "imageID": record.image if record.identity else "",
        "started": record.is_running,
    }
    if record.identity:
        status["containerID"] = record.identity
    return status


def _conditions(record: PodRecord) -> dict[str, tuple[str, str, str]]:
    ended = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(record.phase, "")
    unready = [one.name for one in record.main if not one.is_running]
    waits = f"containers with unready status: [{' '.join(unready)}]"
    not_ready = {
        "Succeeded": ("False", "PodCompleted", ""),
        "Failed": ("False", "PodFailed", ""),
    }.get(record.phase, ("False", "ContainersNotReady", waits))
    ready = ("True", "", "") if not unready and not ended else not_ready
    values = ("True" if record.sandbox and not ended else "False", "", ""), _initialized(record), ready, ready
    return dict(zip(OWN_CONDITIONS, values, strict=True))


def _initialized(record: PodRecord) -> tuple[str, str, str]:
    if record.phase == "Succeeded":
        return "True", "PodCompleted", ""
    incomplete = [one.name for one in record.init if one.exit_code != 0]
    if incomplete:
        return "False", "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]"
    return "True", "", ""
