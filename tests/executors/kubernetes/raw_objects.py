"""Jobs and Pods as the API tells them, in the few words that a test cares for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from worker.executors.kubernetes.prune import read_job, read_pod
from worker.executors.kubernetes.verdicts import Sight

NOW = 1_793_700_000.0
NAME = "agent-7-a1"
RESULT = '{"ok": false, "failure": "agent", "detail": "it gave up"}'
LABELS = {
    "app.kubernetes.io/managed-by": "ablehand",
    "ablehand/installation": "ablehand",
    "app.kubernetes.io/name": "ablehand-run",
    "ablehand/task": "7",
    "ablehand/run": "0123456789abcdef",
    "ablehand/attempt": "1",
    "ablehand/project": "4711",
}


def ago(seconds: float) -> str:
    """Write the time *seconds* before `NOW` as the API does."""
    return datetime.fromtimestamp(NOW - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(
    kind: str, *, status: str = "True", reason: str = "", message: str = "", age: float = 5
) -> dict[str, Any]:
    """Make a condition of a Job or Pod."""
    at = ago(age)
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at}


def job(*conditions: dict[str, Any], age: float = 30, name: str = NAME, **fields: Any) -> dict[str, Any]:
    """Make a Job that was created and released *age* seconds ago; *fields* go into its metadata."""
    return {
        "metadata": {"name": name, "uid": f"job-{name}", "labels": LABELS, "creationTimestamp": ago(age), **fields},
        "spec": {"suspend": False},
        "status": {"startTime": ago(age), "conditions": list(conditions)},
    }


def failed(message: str = "", *, reason: str = "PodFailurePolicy") -> dict[str, Any]:
    """Make the condition of a Job that has failed."""
    return condition("Failed", reason=reason, message=message)


def exit_137(container: str) -> dict[str, Any]:
    """Make the condition that a Job has whether a container was killed, evicted or too old."""
    return failed(f"Container {container} for pod agents/x failed with exit code 137 matching FailJob rule at index 1")


def waiting(name: str, reason: str = "PodInitializing", message: str = "") -> dict[str, Any]:
    """Make the status of a container that has not begun."""
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def running(name: str, *, age: float = 10) -> dict[str, Any]:
    """Make the status of a container at work."""
    return {"name": name, "state": {"running": {"startedAt": ago(age)}}}


def ended(name: str, code: int = 0, *, reason: str = "", message: str = "", age: float = 5) -> dict[str, Any]:
    """Make the status of a container that has ended with *code*, *age* seconds ago."""
    state = {
        "exitCode": code,
        "reason": reason or ("Error" if code else "Completed"),
        "message": message,
        "startedAt": ago(age + 1),
        "finishedAt": ago(age),
        "containerID": f"containerd://{name}",
    }
    return {"name": name, "state": {"terminated": state}}


def pod(*containers: dict[str, Any], phase: str = "Running", age: float = 28, **status: Any) -> dict[str, Any]:
    """Make the Pod of `job`, scheduled at once; *status* adds to its status or replaces a part of it."""
    inits = [item for item in containers if item["name"] != "publish"]
    return {
        "metadata": {
            "name": f"{NAME}-x1",
            "uid": "pod-1",
            "labels": LABELS,
            "creationTimestamp": ago(age),
            "ownerReferences": [{"kind": "Job", "name": NAME, "uid": f"job-{NAME}", "controller": True}],
        },
        "status": {
            "phase": phase,
            "conditions": [condition("PodScheduled", age=age)],
            "initContainerStatuses": inits,
            "containerStatuses": [item for item in containers if item["name"] == "publish"],
            **status,
        },
    }


def deleted(raw: dict[str, Any], *, asked: float, grace: int = 10) -> dict[str, Any]:
    """Give *raw* as it is once its deletion was asked for, *asked* seconds ago."""
    times = {"deletionTimestamp": ago(asked - grace), "deletionGracePeriodSeconds": grace}
    return raw | {"metadata": raw["metadata"] | times}


def sight(raw_job: dict[str, Any], raw_pod: dict[str, Any] | None = None, **more: Any) -> Sight:
    """See *raw_job* and *raw_pod* as the watch does."""
    seen = read_job(raw_job)
    assert seen is not None
    return Sight(job=seen, pod=read_pod(raw_pod), **({"is_confirmed": True} | more))
