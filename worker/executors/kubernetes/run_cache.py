"""What is known of every run right now: filled by the two watches, asked by the observer and by the log readers.

Holds what was pruned and nothing else; one thread, one event loop. A Pod that is gone is remembered for as long as
its Job is there, because the Job alone does not say how it ended.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from runtime.contract import Step
from worker.executors.kubernetes.pod_delays import stuck_container
from worker.executors.kubernetes.prune import SeenJob, SeenPod
from worker.executors.kubernetes.states import StepSight, step_sight
from worker.executors.kubernetes.verdicts import Sight, Trouble
from worker.executors.kubernetes.watch import Change, Kind


@dataclass(slots=True)
class _Run:
    """What is known of one Job, by its uid. A Pod may be seen before its Job is."""

    job: SeenJob | None = None
    pods: dict[str, SeenPod] = field(default_factory=dict)
    remembered: SeenPod | None = None
    stuck: tuple[str, Step] | None = None
    stuck_since: float = 0.0
    trouble: tuple[str, Trouble] | None = None
    """With the uid of the object whose events told it."""
    is_confirmed: bool = False


class RunCache:
    """Every run by its name. *now* gives the time by the cluster's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._runs: defaultdict[str, _Run] = defaultdict(_Run)
        self._uids: dict[str, str] = {}
        self._listeners: defaultdict[str, set[Callable[[str], None]]] = defaultdict(set)
        self._listed: set[str] = set()
        self.filled = asyncio.Event()
        """Set once both kinds have been listed."""

    def take_jobs(self, change: Change[SeenJob]) -> None:
        """Take over what the watch of Jobs tells."""
        if change.kind is Kind.ALL:
            there = {job.uid for job in change.items}
            for run in [run for uid, run in self._runs.items() if uid not in there]:
                if run.job is not None:
                    self._drop_job(run.job)
        for job in change.items:
            if change.kind is Kind.GONE:
                self._drop_job(job)
            else:
                self._put_job(job)
        self._mark_listed("jobs", change.kind)

    def take_pods(self, change: Change[SeenPod]) -> None:
        """Take over what the watch of Pods tells."""
        if change.kind is Kind.ALL:
            there = {pod.uid for pod in change.items}
            for pod in [pod for run in self._runs.values() for pod in run.pods.values() if pod.uid not in there]:
                self._drop_pod(pod)
        for pod in change.items:
            if change.kind is Kind.GONE:
                self._drop_pod(pod)
            else:
                self._put_pod(pod)
        self._mark_listed("pods", change.kind)

    def take_trouble(self, name: str, uid: str, trouble: Trouble | None) -> None:
        """Remember what the events of the run's object *uid* said; None: nothing, or nothing any more."""
        run = self._runs.get(self._uids.get(name, ""))
        if run is not None:
            run.trouble = (uid, trouble) if trouble else None
            self._tell(run)

    def take_answer(self, name: str, pods: list[SeenPod]) -> None:
        """Take over what the cluster answered when it was asked for the pods of an ended run: there are no others."""
        run = self._runs.get(self._uids.get(name, ""))
        if run is None or run.job is None:
            return
        ours = {pod.uid: pod for pod in pods if pod.job_uid == run.job.uid}
        for pod in ours.values():
            self._put_pod(pod)
        for pod in [pod for uid, pod in run.pods.items() if uid not in ours]:
            self._drop_pod(pod)
        run.is_confirmed = True
        self._tell(run)

    def names(self) -> frozenset[str]:
        """Give the names of all runs that exist; one that is being deleted does until its Job is gone."""
        return frozenset(self._uids)

    def sight(self, name: str) -> Sight | None:
        """Give what was seen last of the run; None where there is no such run."""
        run = self._runs.get(self._uids.get(name, ""))
        if run is None or run.job is None:
            return None
        # A Job may have two for a moment; it goes on with the younger one.
        pod = max(run.pods.values(), key=lambda item: (item.created_at, item.name), default=None)
        known = pod or run.remembered
        told_of, trouble = run.trouble or ("", None)
        return Sight(
            job=run.job,
            pod=known,
            is_pod_gone=known is not None and pod is None,
            stuck_since=run.stuck_since if known and run.stuck and run.stuck[0] == known.uid else 0.0,
            is_confirmed=run.is_confirmed,
            trouble=trouble if told_of == (known.uid if known else run.job.uid) else None,
        )

    def step(self, name: str, step: Step) -> StepSight:
        """Give what a reader of the step's log has to know."""
        return step_sight(self.sight(name), step)

    def listen(self, name: str, listener: Callable[[str], None]) -> Callable[[], None]:
        """Have *listener* called with the name of the run each time it changes; an empty *name*: of any run.

        Returns what ends it.
        """
        self._listeners[name].add(listener)

        def end() -> None:
            self._listeners[name].discard(listener)
            if not self._listeners[name]:
                del self._listeners[name]

        return end

    async def change(self, name: str) -> None:
        """Wait for the run's next change, for as long as it takes."""
        changed = asyncio.Event()
        end = self.listen(name, lambda _name: changed.set())
        try:
            await changed.wait()
        finally:
            end()

    def _put_job(self, job: SeenJob) -> None:
        run = self._runs[job.uid]
        self._uids[job.name] = job.uid
        if run.job != job:
            run.job = job
            self._tell(run)

    def _drop_job(self, job: SeenJob) -> None:
        run = self._runs[job.uid]
        if self._uids.get(job.name) == job.uid:
            del self._uids[job.name]
        run.job = job
        self._tell(run)
        run.job = None
        self._forget(job.uid)

    def _put_pod(self, pod: SeenPod) -> None:
        run = self._runs[pod.job_uid]
        known = run.pods.get(pod.uid)
        if known != pod:
            run.pods[pod.uid] = run.remembered = pod
            self._mark_stuck(run, pod, seen_before=known is not None)
            self._tell(run)

    def _drop_pod(self, pod: SeenPod) -> None:
        run = self._runs[pod.job_uid]
        run.pods.pop(pod.uid, None)
        run.remembered = pod
        self._tell(run)
        self._forget(pod.job_uid)

    def _forget(self, uid: str) -> None:
        run = self._runs[uid]
        if run.job is None and not run.pods:
            del self._runs[uid]

    def _mark_stuck(self, run: _Run, pod: SeenPod, *, seen_before: bool) -> None:
        """Remember since when the pod's container waits for what may never come: its status does not say."""
        container = stuck_container(pod)
        stuck = (pod.uid, container.step) if container else None
        if stuck is not None and stuck != run.stuck:
            # Who sees it for the first time so goes by the last thing that went well.
            went_well = max(pod.scheduled_at, pod.created_at, *(item.ended_at for item in pod.containers))
            run.stuck_since = self._now() if seen_before else went_well
        run.stuck = stuck

    def _tell(self, run: _Run) -> None:
        if run.job is None:
            return
        for listener in [*self._listeners.get(run.job.name, ()), *self._listeners.get("", ())]:
            listener(run.job.name)

    def _mark_listed(self, what: str, kind: Kind) -> None:
        if kind is Kind.ALL:
            self._listed.add(what)
            if self._listed == {"jobs", "pods"}:
                self.filled.set()
