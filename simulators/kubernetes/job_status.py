"""A Job's status and its Pods, in the words of the real controller. Pure."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulators.kubernetes.clock import moment
from simulators.kubernetes.pod_status import condition_is

Object = dict[str, Any]

TRACKING: Final = "batch.kubernetes.io/job-tracking"
ENDED: Final = ("Succeeded", "Failed")
DEADLINE: Final = ("DeadlineExceeded", "Job was active longer than specified deadline")
BACK_OFF: Final = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
COMPLETED: Final = ("CompletionsReached", "Reached expected number of succeeded pods")
SUSPENDED: Final = ("JobSuspended", "Job suspended")
RESUMED: Final = ("JobResumed", "Job resumed")


@dataclass(frozen=True, slots=True)
class PodCounts:
    """A Job's Pods now: *uncounted* have ended and still carry the Job's finalizer."""

    active: Sequence[Object]
    terminating: Sequence[Object]
    uncounted: Sequence[Object]

    @property
    def ready(self) -> int:
        """How many are ready."""
        return sum(condition_is(pod, "Ready") for pod in self.active)

    @property
    def all_ended(self) -> bool:
        """Whether nothing of the Job is alive."""
        return not self.active and not self.terminating


def count(pods: Sequence[Object]) -> PodCounts:
    """Sort the Pods of a Job."""
    alive = [pod for pod in pods if pod.get("status", {}).get("phase") not in ENDED]
    return PodCounts(
        active=[pod for pod in alive if "deletionTimestamp" not in pod["metadata"]],
        terminating=[pod for pod in alive if "deletionTimestamp" in pod["metadata"]],
        uncounted=[pod for pod in pods if pod not in alive and TRACKING in (pod["metadata"].get("finalizers") or [])],
    )


def is_finished(job: Object) -> bool:
    """Whether the Job is Complete or Failed."""
    return condition_is(job, "Complete") or condition_is(job, "Failed")


def target(job: Object) -> tuple[str, str] | None:
    """Return reason and message of a failure that is decided while Pods may still be ending; None for none."""
    for condition in job.get("status", {}).get("conditions") or []:
        if condition["type"] == "FailureTarget" and condition["status"] == "True":
            return condition["reason"], condition["message"]
    return None


def set_job_condition(status: Object, kind: str, words: tuple[str, str], value: str = "True") -> None:
    """Set one condition; a Job's are replaced only where their value changes."""
    conditions = status.setdefault("conditions", [])
    if any(one["type"] == kind and one["status"] == value for one in conditions):
        return
    now, (reason, message) = moment(), words
    condition = {"type": kind, "status": value, "lastProbeTime": now, "lastTransitionTime": now}
    status["conditions"] = [one for one in conditions if one["type"] != kind]
    status["conditions"].append(condition | {"reason": reason, "message": message})


def write_counts(status: Object, counts: PodCounts) -> None:
    """Put the counts into the status; like the real one, zeros that mean nothing are left out."""
    status.pop("active", None)
    if counts.active:
        status["active"] = len(counts.active)
    status |= {"ready": counts.ready, "terminating": len(counts.terminating), "uncountedTerminatedPods": {}}


def pod_of(job: Object) -> Object:
    """Return a new Pod of the Job's template; its name is for the API server to make."""
    template, meta = copy.deepcopy(job["spec"]["template"]), job["metadata"]
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    given = template.get("metadata") or {}
    metadata: Object = {key: given[key] for key in ("labels", "annotations") if given.get(key)}
    metadata |= {
        "generateName": f"{meta['name']}-",
        "namespace": meta["namespace"],
        "finalizers": [TRACKING],
        "ownerReferences": [owner],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def wanted(job: Object, counts: PodCounts) -> int:
    """Return how many Pods are to be created now."""
    spec, succeeded = job["spec"], job.get("status", {}).get("succeeded", 0)
    parallelism = spec.get("parallelism", 1)
    completions = spec.get("completions")
    most: int = parallelism if completions is None else min(parallelism, completions - succeeded)
    if completions is None and succeeded:
        most = 0
    replaces_early = spec.get("podReplacementPolicy", "TerminatingOrFailed") == "TerminatingOrFailed"
    alive = len(counts.active) + (0 if replaces_early else len(counts.terminating))
    return max(0, most - alive)
