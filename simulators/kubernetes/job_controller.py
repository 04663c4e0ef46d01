"""The Job controller: looks at one Job and its Pods at a time, and does the next thing.

Level-triggered, like the real one: a change of a Job or of one of its Pods puts the Job into a queue, once; `_sync`
looks at what is stored then.
"""

import asyncio
import copy
from typing import Any

from simulators.kubernetes.changes import Change
from simulators.kubernetes.clock import Delays, moment, seconds_since
from simulators.kubernetes.deletion import Deletion
from simulators.kubernetes.events import JOB_CONTROLLER, Recorder
from simulators.kubernetes.failure_policy import judge
from simulators.kubernetes.job_status import (
    BACK_OFF,
    COMPLETED,
    DEADLINE,
    RESUMED,
    SUSPENDED,
    TRACKING,
    PodCounts,
    count,
    is_finished,
    pod_of,
    set_job_condition,
    target,
    wanted,
    write_counts,
)
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.pod_status import condition_is
from simulators.kubernetes.refusals import Refusal

Object = dict[str, Any]
Key = tuple[str, str]


class JobController:
    """The one Job controller of a cluster."""

    def __init__(self, objects: Objects, delays: Delays) -> None:
        self._objects = objects
        self._delays = delays
        self._recorder = Recorder(objects, JOB_CONTROLLER)
        self._pods: dict[str, set[Key]] = {}
        self._queue: asyncio.Queue[Key] = asyncio.Queue()
        self._queued: set[Key] = set()
        self._refused: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    async def work(self) -> None:
        """Follow Jobs and Pods until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow("jobs"))
            group.create_task(self._follow("pods"))
            group.create_task(self._sync_all())

    async def _follow(self, resource: str) -> None:
        with self._objects.subscribe(resource) as changes:
            async for change in changes:
                if resource == "jobs":
                    self._enqueue((change.obj["metadata"]["namespace"], change.obj["metadata"]["name"]))
                else:
                    self._note_pod(change)

    def _note_pod(self, change: Change) -> None:
        meta = change.obj["metadata"]
        owner = next((one for one in meta.get("ownerReferences") or [] if one.get("controller")), None)
        if owner is None or owner["kind"] != "Job":
            return
        pods = self._pods.setdefault(owner["uid"], set())
        (pods.discard if change.type == "DELETED" else pods.add)((meta["namespace"], meta["name"]))
        if not pods:
            del self._pods[owner["uid"]]
        job = self._objects.find("jobs", meta["namespace"], owner["name"])
        if job is None or job["metadata"]["uid"] != owner["uid"]:
            self._let_go(change.obj)
        self._enqueue((meta["namespace"], owner["name"]))

    def _enqueue(self, key: Key) -> None:
        if key not in self._queued:
            self._queued.add(key)
            self._queue.put_nowait(key)

    def _enqueue_in(self, seconds: float, key: Key) -> None:
        asyncio.get_running_loop().call_later(max(0.0, seconds), self._enqueue, key)

    async def _sync_all(self) -> None:
        while True:
            key = await self._queue.get()
            if self._delays.job_sync:
                await asyncio.sleep(self._delays.job_sync)
            self._queued.discard(key)
            job = self._objects.find("jobs", *key)
            if job is not None:
                self._sync(key, job | {"status": copy.deepcopy(job.get("status", {}))})

    def _sync(self, key: Key, job: Object) -> None:
        """Do all that is to be done for *job*, whose status is a copy that is stored at the end."""
        pods = self._pods_of(job)
        if "deletionTimestamp" in job["metadata"] or is_finished(job):
            for pod in pods:
                self._let_go(pod)
            self._expire(key, job)
            return
        counts, status = count(pods), job["status"]
        self._count_ended(key, job, counts)
        was_decided = _is_decided(job)
        self._decide(key, job)
        if _is_decided(job):
            # What it has come to is written first, so that whoever watches sees it before the end.
            self._wind_up(job, counts, may_end=was_decided)
            if not was_decided:
                self._enqueue(key)
        elif job["spec"].get("suspend"):
            self._suspend(job, counts)
        else:
            self._resume(key, job)
            self._create_pods(key, job, counts)
        write_counts(status, count(self._pods_of(job)))
        self._store(key, job)

    def _count_ended(self, key: Key, job: Object, counts: PodCounts) -> None:
        status = job["status"]
        for pod in counts.uncounted:
            self._let_go(pod)
            if pod["status"]["phase"] == "Succeeded":
                status["succeeded"] = status.get("succeeded", 0) + 1
                continue
            verdict = judge(job["spec"].get("podFailurePolicy"), pod)
            if verdict is not None and verdict.action == "Ignore":
                continue
            status["failed"] = status.get("failed", 0) + 1
            wait = self._delays.job_back_off * 2 ** (status["failed"] - 1)
            self._not_before[job["metadata"]["uid"]] = asyncio.get_running_loop().time() + wait
            self._enqueue_in(wait, key)
            if verdict is not None and verdict.action == "FailJob" and target(job) is None:
                set_job_condition(status, "FailureTarget", ("PodFailurePolicy", verdict.message))

    def _decide(self, key: Key, job: Object) -> None:
        """Say what the Job has come to, where that is clear now."""
        spec, status = job["spec"], job["status"]
        if _is_decided(job):
            return
        if status.get("failed", 0) > spec.get("backoffLimit", 6):
            set_job_condition(status, "FailureTarget", BACK_OFF)
        elif spec.get("completions") is not None and status.get("succeeded", 0) >= spec["completions"]:
            set_job_condition(status, "SuccessCriteriaMet", COMPLETED)
        elif "activeDeadlineSeconds" in spec and "startTime" in status and not spec.get("suspend"):
            left = spec["activeDeadlineSeconds"] - seconds_since(status["startTime"])
            if left <= 0:
                set_job_condition(status, "FailureTarget", DEADLINE)
            else:
                self._enqueue_in(left, key)

    def _wind_up(self, job: Object, counts: PodCounts, *, may_end: bool) -> None:
        """End what is still alive; the last condition comes when nothing is."""
        self._delete_active(job, counts)
        if not may_end or not count(self._pods_of(job)).all_ended:
            return
        status, failure = job["status"], target(job)
        if failure is not None:
            set_job_condition(status, "Failed", failure)
            self._recorder.warn(job, *failure)
        else:
            set_job_condition(status, "Complete", COMPLETED)
            status["completionTime"] = moment()
            self._recorder.normal(job, "Completed", "Job completed")

    def _suspend(self, job: Object, counts: PodCounts) -> None:
        self._delete_active(job, counts)
        if not condition_is(job, "Suspended"):
            set_job_condition(job["status"], "Suspended", SUSPENDED)
            self._recorder.normal(job, "Suspended", "Job suspended")
        job["status"].pop("startTime", None)

    def _resume(self, key: Key, job: Object) -> None:
        status = job["status"]
        if condition_is(job, "Suspended"):
            set_job_condition(status, "Suspended", RESUMED, "False")
            self._recorder.normal(job, "Resumed", "Job resumed")
        if "startTime" not in status:
            status["startTime"] = moment()
            if "activeDeadlineSeconds" in job["spec"]:
                self._enqueue_in(job["spec"]["activeDeadlineSeconds"], key)

    def _create_pods(self, key: Key, job: Object, counts: PodCounts) -> None:
        uid = job["metadata"]["uid"]
        early = self._not_before.get(uid, 0.0) - asyncio.get_running_loop().time()
        if early > 0:
            # A timer may fire a little before its time, and nothing else may ever come.
            self._enqueue_in(early, key)
            return
        for _ in range(wanted(job, counts)):
            try:
                pod = self._objects.create("pods", pod_of(job))
            except Refusal as refusal:
                self._recorder.warn(job, "FailedCreate", f"Error creating: {refusal.message}")
                tries = self._refused[uid] = self._refused.get(uid, 0) + 1
                wait = min(self._delays.retry * 2**tries, self._delays.retry_most)
                self._not_before[uid] = asyncio.get_running_loop().time() + wait
                self._enqueue_in(wait, key)
                return
            meta = pod["metadata"]
            # Known at once, not when its change comes round: otherwise the next look would create another.
            self._pods.setdefault(uid, set()).add((meta["namespace"], meta["name"]))
            self._recorder.normal(job, "SuccessfulCreate", f"Created pod: {meta['name']}")

    def _delete_active(self, job: Object, counts: PodCounts) -> None:
        for pod in counts.active:
            self._objects.delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"], Deletion())
            self._recorder.normal(job, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

    def _expire(self, key: Key, job: Object) -> None:
        """Delete a finished Job, with its Pods, when its time to live is over."""
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is None or "deletionTimestamp" in job["metadata"]:
            return
        ends = [one for one in job["status"]["conditions"] if one["type"] in ("Complete", "Failed")]
        left = seconds - seconds_since(ends[0]["lastTransitionTime"])
        if left > 0:
            self._enqueue_in(left, key)
        else:
            self._objects.delete("jobs", *key, Deletion(propagation="Foreground"))

    def _pods_of(self, job: Object) -> list[Object]:
        keys = sorted(self._pods.get(job["metadata"]["uid"], ()))
        return [pod for key in keys if (pod := self._objects.find("pods", *key)) is not None]

    def _let_go(self, pod: Object) -> None:
        """Take the Job's finalizer off a Pod that is counted, or whose Job is gone."""
        meta = pod["metadata"]
        stored = self._objects.find("pods", meta["namespace"], meta["name"])
        if stored is None or TRACKING not in (stored["metadata"].get("finalizers") or []):
            return

        def strip(edited: Object) -> None:
            left = [name for name in edited["metadata"].pop("finalizers") if name != TRACKING]
            if left:
                edited["metadata"]["finalizers"] = left

        self._objects.change("pods", meta["namespace"], meta["name"], strip)

    def _store(self, key: Key, job: Object) -> None:
        def edit(stored: Object) -> None:
            stored["status"] = job["status"]

        if self._objects.find("jobs", *key) is not None:
            self._objects.change("jobs", *key, edit)


def _is_decided(job: Object) -> bool:
    return target(job) is not None or condition_is(job, "SuccessCriteriaMet")
