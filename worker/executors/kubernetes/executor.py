"""The executor for a cluster: launches, cancels and removes runs as Jobs; observing them is the asynchronous half's.

Chosen by ``ABLEHAND_EXECUTOR=kubernetes``. Nothing of a run hangs on us: its name is its task's and attempt's, every
write is done under that name, and what became of a write whose answer was lost is looked up by it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.crash import point
from core.errors import ExecutorError, ExecutorUnavailable
from core.reasons import Reason
from runtime.contract import Step
from worker.executors.kubernetes import manifest
from worker.executors.kubernetes.connection import JOBS, SECRETS, Cluster, Object
from worker.executors.kubernetes.labels import INSTALLATION, KIND, MANAGED_BY, RUN
from worker.executors.kubernetes.manifest import Placement
from worker.executors.kubernetes.refusals import Conflict, Invalid, NotFound, Throttled
from worker.executors.kubernetes.template import PodTemplate
from worker.executors.protocol import Listing, LogLine, RunRequest, RunState

if TYPE_CHECKING:
    from worker.executors.kubernetes.observer import Observer

CANCEL_SECONDS: Final = 25.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 4.0
_TRIES: Final = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class KubernetesExecutor:
    """Runs on one cluster, in one namespace. Holds no connection before its first call, and survives a fork."""

    cluster: Cluster
    placement: Placement
    cancel_seconds: float = CANCEL_SECONDS
    """How long `cancel` waits until nothing is alive."""
    observer: Observer | None = None
    """None where the process only launches: what observing needs costs it 60 MiB."""

    def launch(self, request: RunRequest) -> None:
        """Start the run, or attach: see `worker.executors.protocol.Executor.launch`.

        Three calls where nothing goes wrong: the Job, suspended; its Secret, which goes when the Job goes; and the Job
        is let go. Whoever dies in between leaves a Job that does nothing, and the next launch goes on from there.

        Raises:
            ExecutorUnavailable: Not known how far it got; to be called again with the same request.
            ExecutorError: The cluster refuses, or a Job of that name is not ours; with its `Reason`.
        """
        found = self._create_job(request)
        if not found["spec"].get("suspend"):
            log.info("attached to a run", extra={"run": request.name})
            return
        uid = str(found["metadata"]["uid"])
        self._create_secret(request, uid)
        self._let_go(request.name, uid)

    def cancel(self, name: str) -> None:
        """End the run: see `worker.executors.protocol.Executor.cancel`. A Job that is not ours is left alone.

        Raises:
            ExecutorUnavailable: Its pod has not ended within *cancel_seconds*, or the cluster does not answer.
        """
        found = self._find(name)
        if found is None or not _is_a_run(found, self.placement):
            return
        uid = str(found["metadata"]["uid"])
        try:
            with point("cluster.delete-job"):
                self.cluster.delete(JOBS, name, uid=uid, foreground=True)
        except NotFound:
            return
        except Conflict:
            raise ExecutorUnavailable(f"cancel {name}: another Job took its name", Reason.CLUSTER) from None
        for _ in self._moments():
            # In the foreground: the Job stays until its pod is gone, so one object tells of both.
            left = self._find(name)
            if left is None or left["metadata"]["uid"] != uid:
                return
        seconds = f"{self.cancel_seconds:.0f} s"
        raise ExecutorUnavailable(f"cancel {name}: its pod has not ended within {seconds}", Reason.CLUSTER)

    def remove(self, name: str) -> None:
        """Delete an ended run's Job, its pod and Secret with it: see `worker.executors.protocol.Executor.remove`."""
        with suppress(NotFound), point("cluster.remove-job"):
            self.cluster.delete(JOBS, name)

    def exists(self, name: str) -> bool:
        """Ask the cluster, which answers from its ledger: see `worker.executors.protocol.Executor.exists`."""
        found = self._find(name)
        return found is not None and _is_a_run(found, self.placement)

    def observe(self) -> AsyncIterator[RunState | Listing]:
        """Yield states, a listing, changes: see `worker.executors.protocol.Executor.observe`."""
        return self._observing().observe()

    def read_log(self, name: str, step: Step, after: int) -> AsyncIterator[LogLine]:
        """Yield the step's lines: see `worker.executors.protocol.Executor.read_log`."""
        return self._observing().read_log(name, step, after)

    def _observing(self) -> Observer:
        if self.observer is None:
            raise ExecutorError("observe runs: this process was made to launch them only")
        return self.observer

    def _create_job(self, request: RunRequest) -> Object:
        wanted = manifest.job(request, self.placement)
        try:
            with point("cluster.create-job"):
                return self.cluster.create(JOBS, wanted)
        except Throttled:
            raise
        except Invalid as error:
            raise ExecutorError(str(error), self._reason_of_invalid()) from error
        except (Conflict, ExecutorUnavailable) as error:
            found = self._find(request.name)
            if found is None:
                raise ExecutorUnavailable(str(error), Reason.CLUSTER) from error
            return self._checked(found, request)

    def _checked(self, found: Object, request: RunRequest) -> Object:
        where = f"the Job {request.name} in namespace {self.placement.namespace}"
        if not _is_a_run(found, self.placement) or _labels(found).get(RUN) != request.unique_id:
            raise ExecutorError(f"{where} is not this task's: it was left alone", Reason.NAME_TAKEN)
        if found["metadata"].get("deletionTimestamp"):
            raise ExecutorUnavailable(f"{where} is still being deleted", Reason.CLUSTER)
        return found

    def _create_secret(self, request: RunRequest, job_uid: str) -> None:
        wanted = manifest.secret(request, job_uid, self.placement.namespace)
        for _ in range(_TRIES):
            try:
                with point("cluster.create-secret"):
                    self.cluster.create(SECRETS, wanted)
            except Conflict:
                # A launch before this one made it, or it is an earlier Job's and about to go: we may not read which.
                with suppress(NotFound), point("cluster.delete-secret"):
                    self.cluster.delete(SECRETS, request.name)
            else:
                return
        raise ExecutorUnavailable(f"the Secret {request.name} can't be replaced", Reason.CLUSTER)

    def _let_go(self, name: str, uid: str) -> None:
        try:
            with point("cluster.start-job"):
                self.cluster.patch(JOBS, name, {"metadata": {"uid": uid}, "spec": {"suspend": False}})
        except (NotFound, Conflict, Invalid) as error:
            raise ExecutorUnavailable(f"the Job {name} was deleted meanwhile ({error})", Reason.CLUSTER) from error

    def _find(self, name: str) -> Object | None:
        try:
            return self.cluster.read(JOBS, name)
        except NotFound:
            return None

    def _moments(self) -> Iterator[None]:
        """Yield from time to time until *cancel_seconds* have passed: often at first, and few times in all."""
        end, pause = time.monotonic() + self.cancel_seconds, _FIRST_PAUSE_SECONDS
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(pause, left))
            yield
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _reason_of_invalid(self) -> Reason:
        """Name whose the fault is: a manifest of ours alone was tested."""
        return Reason.INFRASTRUCTURE if self.placement.template == PodTemplate() else Reason.POD_TEMPLATE


def _labels(found: Object) -> dict[str, Any]:
    labels = found["metadata"].get("labels")
    return labels if isinstance(labels, dict) else {}


def _is_a_run(found: Object, placement: Placement) -> bool:
    labels = _labels(found)
    return labels.get(MANAGED_BY) == KIND[MANAGED_BY] and labels.get(INSTALLATION) == placement.installation
