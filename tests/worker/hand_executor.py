"""An executor that a test moves by hand: the outer edge of the worker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from core.errors import ExecutorError
from runtime.contract import Step, StepResult, encode_result
from worker.executors.protocol import Listing, LogLine, RunRequest, RunState, StepPhase, StepState


@dataclass
class HandExecutor:
    """Keeps what it is asked for; tells what the test puts into it."""

    launched: list[RunRequest] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    asked: int = 0
    """How often `exists` was asked."""
    cancel_gate: threading.Event | None = None
    """Where it is set, `cancel` waits for it."""
    read: list[tuple[Step, int]] = field(default_factory=list)
    cancel_refusal: ExecutorError | None = None
    """Where it is set, no run can be cancelled."""
    refusal: ExecutorError | None = None
    """Where it is set, no run can be launched."""
    seen: asyncio.Queue[RunState | Listing] = field(default_factory=asyncio.Queue)
    """What `observe` yields next."""
    logs: dict[Step, list[LogLine]] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Until it is set, a log that was read to its end is waited for."""

    def launch(self, request: RunRequest) -> None:
        """Keep the request."""
        self.launched.append(request)
        if self.refusal is not None:
            raise self.refusal

    def cancel(self, name: str) -> None:
        """Keep the name."""
        self.cancelled.append(name)
        if self.cancel_refusal is not None:
            raise self.cancel_refusal
        if self.cancel_gate is not None:
            self.cancel_gate.wait(timeout=60)

    def remove(self, name: str) -> None:
        """Keep the name."""
        self.removed.append(name)

    def exists(self, name: str) -> bool:
        """Tell whether it was launched and is not in `gone`."""
        self.asked += 1
        return name not in self.gone

    async def observe(self) -> AsyncIterator[RunState | Listing]:
        """Yield what the test puts into `seen`."""
        while True:
            yield await self.seen.get()

    async def read_log(self, name: str, step: Step, after: int) -> AsyncIterator[LogLine]:  # noqa: ARG002
        """Yield the step's lines behind *after*, then wait for `ended`."""
        self.read.append((step, after))
        for line in self.logs.get(step, []):
            if line.position > after:
                yield line
        await self.ended.wait()


def run_state(
    name: str, *steps: StepState, ended: bool = False, problem: str = "", detail: str = "", task_id: int = 1
) -> RunState:
    """Make a run's state; steps that are not given wait."""
    given = {step.step: step for step in steps}
    whole = tuple(given.get(step, StepState(step=step)) for step in Step)
    return RunState(name=name, task_id=task_id, steps=whole, ended=ended, problem=problem, detail=detail)


def running(step: Step, *, since: float = 100.0) -> StepState:
    """Make a step that runs."""
    return StepState(step=step, phase=StepPhase.RUNNING, started_at=since)


def over(step: Step, result: StepResult | None = None, *, exit_code: int = 0, text: str = "") -> StepState:
    """Make a step that has ended, with its result or the text of one."""
    told = encode_result(result) if result else text
    return StepState(
        step=step, phase=StepPhase.ENDED, started_at=100.0, ended_at=110.0, exit_code=exit_code, result=told
    )
