"""An observer of a simulated cluster, what it has told so far, and the runs that it sees."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from runtime.contract import Step
from simulators.kubernetes.images import Script, Scripted
from simulators.kubernetes.server import KubernetesServer
from worker.executors.kubernetes.cluster_view import Pace
from worker.executors.kubernetes.log_reader import LogPace
from worker.executors.kubernetes.observer import Observer
from worker.executors.kubernetes.stream import ApiStream
from worker.executors.kubernetes.verdicts import Patience
from worker.executors.kubernetes.watch import WatchPace
from worker.executors.protocol import LogLine, RunState, StepPhase

NAMESPACE = "agents"
NAME = "agent-7-a1"
OK = '{"ok": true}'
SECONDS = 60.0
FOREVER = float("inf")
QUICK = Pace(
    listing=0.2,
    look=0.05,
    events=0.3,
    watch=WatchPace(
        watch_least=1, watch_most=1, watch_margin=0.3, quick=0.3, first_pause=0.02, longest_pause=0.2, list_read=20.0
    ),
    log=LogPace(first_pause=0.02, longest_pause=0.1, silence=1.0, settle=0.5, last_read=20.0, patience=30.0),
)


def scripted(*, agent: Script | None = None, prepare: Script | None = None, publish: Script | None = None) -> Scripted:
    """Make an image whose three steps succeed at once, but for those that are given."""
    done = Script(first=["done"], message=OK)
    return Scripted(containers={"prepare": prepare or done, "agent": agent or done, "publish": publish or done})


def job(task: int = 7, *, image: str = "run", spec: Mapping[str, Any] | None = None, **pod: Any) -> dict[str, Any]:
    """Make a run's Job; *spec* goes into the Job's, *pod* into its pod template's."""
    labels = {
        "app.kubernetes.io/managed-by": "ablehand",
        "ablehand/installation": "ablehand",
        "app.kubernetes.io/name": "ablehand-run",
        "ablehand/task": str(task),
    }
    containers = [{"name": step.value, "image": image} for step in Step]
    template = {"restartPolicy": "Never", "initContainers": containers[:2], "containers": containers[2:], **pod}
    rules: list[dict[str, Any]] = [
        {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    rules += [
        {"action": "FailJob", "onExitCodes": {"containerName": step.value, "operator": "NotIn", "values": [0]}}
        for step in Step
    ]
    body = {
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": rules},
        "template": {"metadata": {"labels": labels}, "spec": template},
        **(spec or {}),
    }
    name = f"agent-{task}-a1"
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": body}


class Watched:
    """What one observer told, from `watch` on. *pace* and *patience* are quick enough for tests."""

    def __init__(self, cluster: KubernetesServer, *, patience: Patience | None = None, pace: Pace = QUICK) -> None:
        kubeconfig = cluster.kubeconfig()
        self.observer = Observer(
            lambda: ApiStream(NAMESPACE, kubeconfig=kubeconfig), patience=patience or Patience(), pace=pace
        )
        self.told: list[RunState | frozenset[str]] = []
        self._news = asyncio.Condition()

    def states(self, name: str = NAME) -> list[RunState]:
        """Give every state of one run, in order."""
        return [told for told in self.told if isinstance(told, RunState) and told.name == name]

    def state(self, name: str = NAME) -> RunState | None:
        """Give the run's last state."""
        return next(reversed(self.states(name)), None)

    def listed(self) -> AbstractSet[str] | None:
        """Give the last listing."""
        return next((told for told in reversed(self.told) if isinstance(told, frozenset)), None)

    def at(self, step: Step, phase: StepPhase, name: str = NAME) -> bool:
        """Whether the run's step was last seen in *phase*."""
        state = self.state(name)
        return state is not None and any(item.step is step and item.phase is phase for item in state.steps)

    def began(self, step: Step, name: str = NAME) -> bool:
        """Whether the run's step was last seen at work or done: who looks late may have missed it at work."""
        state = self.state(name)
        return state is not None and any(
            item.step is step and item.phase is not StepPhase.WAITING for item in state.steps
        )

    async def until(self, done: Callable[[], object], seconds: float = SECONDS) -> None:
        """Wait until *done* says so; raise TimeoutError after *seconds*."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: bool(done()))

    async def ended(self, name: str = NAME) -> RunState:
        """Wait for the run's end and give the state that told it."""
        await self.until(lambda: (state := self.state(name)) and state.ended)
        return next(state for state in self.states(name) if state.ended)

    async def read(self, step: Step, after: int = 0, name: str = NAME) -> list[LogLine]:
        """Read a step's log to its end."""
        async with asyncio.timeout(SECONDS):
            return [line async for line in self.observer.read_log(name, step, after)]

    @contextlib.asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Observe for the length of a block; what breaks the observer breaks the block."""
        task = asyncio.create_task(self._observe())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _observe(self) -> None:
        async with contextlib.aclosing(self.observer.observe()) as told:
            async for seen in told:
                async with self._news:
                    self.told.append(seen if isinstance(seen, RunState) else seen.names)
                    self._news.notify_all()


def calls(cluster: KubernetesServer, verb: str, resource: str, *, since: int = 0) -> int:
    """Count the calls that the API has had; *since*: only those behind so many."""
    found = [f"{call.resource}/{call.subresource}".rstrip("/") for call in cluster.calls[since:] if call.verb == verb]
    return found.count(resource)


def texts(lines: Sequence[LogLine]) -> list[str]:
    """Give the lines' texts."""
    return [line.text for line in lines]
