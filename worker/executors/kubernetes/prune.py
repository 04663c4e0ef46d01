"""What of a Job and of its Pod we keep: the few fields that verdicts and states are made from.

Called with every object of a list or watch. Whoever may write in the namespace wrote it, and a container chose its own
termination message: nothing here is believed to have a type or a size until it was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from runtime.contract import RESULT_LIMIT_BYTES, Step
from worker.executors.kubernetes import labels
from worker.executors.protocol import StepPhase

TEXT_LIMIT: Final = 1000
"""Characters kept of a message of the cluster's; a container's own may have the size of a result."""
_CONTAINER_NAMES: Final = {step.value: step for step in Step}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition that is true (or, where its name says so, false) since *at*."""

    reason: str = ""
    message: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJob:
    """A Job of ours. Times are Unix seconds by the cluster's clock, 0 where not yet."""

    name: str
    uid: str
    task_id: int
    created_at: float = 0.0
    started_at: float = 0.0
    is_suspended: bool = False
    is_deleting: bool = False
    is_complete: bool = False
    failed: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenContainer:
    """One of a Pod's three containers. *message* of an ended one is its result, hostile.

    *is_forgotten*: it has ended, and its node had lost it by then; its log can't be read.
    """

    step: Step
    phase: StepPhase = StepPhase.WAITING
    reason: str = ""
    message: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0
    exit_code: int = 0
    is_forgotten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPod:
    """A Pod of one of our Jobs. *phase*, *reason* and *message* are its status's own."""

    name: str
    uid: str
    job_uid: str
    created_at: float = 0.0
    deletion_asked_at: float = 0.0
    deletion_due_at: float = 0.0
    """When its grace has run out, by the deletion's own reckoning."""
    phase: str = ""
    reason: str = ""
    message: str = ""
    scheduled_at: float = 0.0
    unscheduled: Condition | None = None
    disruption: Condition | None = None
    containers: tuple[SeenContainer, ...] = ()

    @property
    def is_terminal(self) -> bool:
        """Whether none of its containers will run again."""
        return self.phase in {"Succeeded", "Failed"}

    def container(self, step: Step) -> SeenContainer:
        """Give the container of *step*; one that waits where the status does not know it yet."""
        return next((item for item in self.containers if item.step is step), SeenContainer(step=step))


def read_job(raw: object) -> SeenJob | None:
    """Read a Job as the API tells it; None where it is not a run of ours."""
    metadata, spec, status = (_member(raw, key) for key in ("metadata", "spec", "status"))
    task_id = labels.task_id(_member(metadata, "labels"))
    name, uid = _text(metadata.get("name")), _text(metadata.get("uid"))
    if task_id is None or not name or not uid:
        return None
    conditions = _conditions(status, wanted="True")
    return SeenJob(
        name=name,
        uid=uid,
        task_id=task_id,
        created_at=_time(metadata.get("creationTimestamp")),
        started_at=_time(status.get("startTime")),
        is_suspended=spec.get("suspend") is True,
        is_deleting=bool(metadata.get("deletionTimestamp")),
        is_complete="Complete" in conditions,
        failed=conditions.get("Failed"),
    )


def read_pod(raw: object) -> SeenPod | None:
    """Read a Pod as the API tells it; None where it is not one of a run of ours."""
    metadata, status = _member(raw, "metadata"), _member(raw, "status")
    name, uid, job_uid = _text(metadata.get("name")), _text(metadata.get("uid")), _owner_uid(metadata)
    if labels.task_id(_member(metadata, "labels")) is None or not name or not uid or not job_uid:
        return None
    true, false = _conditions(status, wanted="True"), _conditions(status, wanted="False")
    due_at = _time(metadata.get("deletionTimestamp"))
    return SeenPod(
        name=name,
        uid=uid,
        job_uid=job_uid,
        created_at=_time(metadata.get("creationTimestamp")),
        deletion_asked_at=due_at - _number(metadata.get("deletionGracePeriodSeconds")),
        deletion_due_at=due_at,
        phase=_text(status.get("phase")),
        reason=_text(status.get("reason")),
        message=_text(status.get("message")),
        scheduled_at=true.get("PodScheduled", Condition()).at,
        unscheduled=false.get("PodScheduled"),
        disruption=true.get("DisruptionTarget"),
        containers=_containers(status),
    )


def _owner_uid(metadata: dict[str, Any]) -> str:
    for owner in _items(metadata.get("ownerReferences")):
        if owner.get("kind") == "Job" and owner.get("controller") is True:
            return _text(owner.get("uid"))
    return ""


def _conditions(status: dict[str, Any], *, wanted: str) -> dict[str, Condition]:
    return {
        _text(item.get("type")): Condition(
            reason=_text(item.get("reason")),
            message=_text(item.get("message")),
            at=_time(item.get("lastTransitionTime")),
        )
        for item in _items(status.get("conditions"))
        if item.get("status") == wanted
    }


def _containers(status: dict[str, Any]) -> tuple[SeenContainer, ...]:
    found: dict[Step, SeenContainer] = {}
    for item in _items(status.get("initContainerStatuses")) + _items(status.get("containerStatuses")):
        step = _CONTAINER_NAMES.get(_text(item.get("name")))
        if step is not None:
            found[step] = _container(step, _member(item, "state"))
    return tuple(found[step] for step in Step if step in found)


def _container(step: Step, state: dict[str, Any]) -> SeenContainer:
    if ended := _member(state, "terminated"):
        return SeenContainer(
            step=step,
            phase=StepPhase.ENDED,
            reason=_text(ended.get("reason")),
            message=_text(ended.get("message"), RESULT_LIMIT_BYTES + 1),
            started_at=_time(ended.get("startedAt")),
            ended_at=_time(ended.get("finishedAt")),
            exit_code=_number(ended.get("exitCode")),
            is_forgotten=not _text(ended.get("containerID")),
        )
    if isinstance(state.get("running"), dict):
        began = _time(_member(state, "running").get("startedAt"))
        return SeenContainer(step=step, phase=StepPhase.RUNNING, started_at=began)
    waiting = _member(state, "waiting")
    return SeenContainer(step=step, reason=_text(waiting.get("reason")), message=_text(waiting.get("message")))


def _member(value: object, key: str) -> dict[str, Any]:
    member = value.get(key) if isinstance(value, dict) else None
    return member if isinstance(member, dict) else {}


def _items(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object, limit: int = TEXT_LIMIT) -> str:
    # A lone surrogate is legal JSON and illegal UTF-8: whoever stored or showed it would fall over.
    return value[:limit].encode(errors="replace").decode() if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if type(value) is int else 0


def _time(value: object) -> float:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else 0.0
    except (ValueError, OverflowError):
        return 0.0
