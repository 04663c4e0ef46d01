"""The cells of Pods and Jobs in a Table: STATUS tells a Pod's story as the real API server tells it. Pure."""

from typing import Any

from simulators.kubernetes.durations import age, between, since

Object = dict[str, Any]

_JOB_STATES = (
    ("Complete", "Complete"),
    ("Failed", "Failed"),
    ("", "Terminating"),
    ("Suspended", "Suspended"),
    ("FailureTarget", "FailureTarget"),
    ("SuccessCriteriaMet", "SuccessCriteriaMet"),
)


def job_cells(job: Object) -> list[Any]:
    """Return NAME STATUS COMPLETIONS DURATION AGE, and what `-o wide` adds."""
    spec, status = job["spec"], job.get("status", {})
    containers = spec["template"]["spec"]["containers"]
    start, end = status.get("startTime"), status.get("completionTime")
    duration = "" if not start else between(start, end) if end else since(start)
    labels = spec.get("selector", {}).get("matchLabels", {})
    return [
        job["metadata"]["name"],
        _job_state(job),
        f"{status.get('succeeded', 0)}/{spec.get('completions', 1)}",
        duration,
        age(job),
        ",".join(one["name"] for one in containers),
        ",".join(one.get("image", "") for one in containers),
        ",".join(f"{key}={value}" for key, value in labels.items()) or "<none>",
    ]


def _job_state(job: Object) -> str:
    conditions = job.get("status", {}).get("conditions") or []
    true = {one["type"] for one in conditions if one["status"] == "True"}
    if "deletionTimestamp" in job["metadata"]:
        true.add("")
    return next((shown for condition, shown in _JOB_STATES if condition in true), "Running")


def pod_cells(pod: Object) -> list[Any]:
    """Return NAME READY STATUS RESTARTS AGE, and what `-o wide` adds."""
    spec, status = pod["spec"], pod.get("status", {})
    containers = status.get("containerStatuses") or []
    ready = sum(1 for one in containers if one.get("ready") and "running" in one.get("state", {}))
    restarts = sum(one.get("restartCount", 0) for one in containers)
    return [
        pod["metadata"]["name"],
        f"{ready}/{len(spec['containers'])}",
        _pod_state(pod),
        str(restarts),
        age(pod),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        "<none>",
        "<none>",
    ]


def _pod_state(pod: Object) -> str:
    status = pod.get("status", {})
    phase = status.get("phase", "Pending")
    if "deletionTimestamp" in pod["metadata"]:
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if phase not in ("Succeeded", "Failed"):
            return "Terminating"
    return _init_state(pod) or _main_state(status, status.get("reason") or phase)


def _init_state(pod: Object) -> str:
    total = len(pod["spec"].get("initContainers") or [])
    for index, one in enumerate(pod.get("status", {}).get("initContainerStatuses") or []):
        state = one.get("state", {})
        if "terminated" in state:
            if state["terminated"]["exitCode"] == 0:
                continue
            return "Init:" + _ended(state["terminated"])
        waiting = state.get("waiting", {}).get("reason", "")
        return f"Init:{waiting}" if waiting not in ("", "PodInitializing") else f"Init:{index}/{total}"
    return ""


def _main_state(status: Object, reason: str) -> str:
    running = False
    for one in reversed(status.get("containerStatuses") or []):
        state = one.get("state", {})
        if state.get("waiting", {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif "terminated" in state:
            reason = _ended(state["terminated"])
        elif "running" in state and one.get("ready"):
            running = True
    if reason == "Completed" and running:
        return "Running"
    return reason


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated['exitCode']}"
