"""What the steps and the reconciler know of an executor, whichever it is.

A *run* is one attempt at a task, known by its name (``agent-<task id>-a<attempt>``). `Executor.launch` and
`Executor.cancel` are called by RQ steps and block; `Executor.observe` and `Executor.read_log` are the reconciler's
and asynchronous. None of them keeps state of ours: any process may call any of them at any time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from runtime.contract import Order, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What `launch` needs: the order, and the secrets, each for one step alone."""

    name: str
    task_id: int
    unique_id: str
    """The task's: tells a run of ours from one of the same name that another installation started."""
    attempt: int
    project_id: int
    installation: str = "ablehand"
    """Whose run it is, where several installations share a place for runs."""
    order: Order
    image: str = ""
    """Image of the agent step, where the executor has images; empty: the operator's."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What the executor keeps with the run so that people find out where it came from; no prompt, no secret."""
    deadline_seconds: int
    """From the launch on; then the whole run is ended."""
    read_token: str = field(repr=False)
    write_token: str = field(repr=False)
    agent_variables: Mapping[str, str] = field(repr=False)
    """Environment of the agent step alone: the model's credential, its base URL."""
    mcp_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The same, for the order's MCP servers: the agent's own environment does not have them."""


class StepPhase(StrEnum):
    """Where one step of a run is."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """One step as the executor sees it. Times are Unix seconds, 0 where not yet."""

    step: Step
    phase: StepPhase = StepPhase.WAITING
    started_at: float = 0.0
    ended_at: float = 0.0
    exit_code: int = 0
    result: str = ""
    """The text of its result file, undecoded; hostile for the agent step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """One run as the executor sees it now.

    *ended*: nothing of it is alive and nothing will change. *problem* is a `core.reasons.Reason` that the executor
    itself gives ("timeout" past the deadline, "lost" where the supervisor vanished, "cancelled"), empty where the
    steps' own results tell the story. A problem of a run that has not ended says that waiting is in vain: end it.
    """

    name: str
    task_id: int
    steps: tuple[StepState, ...]
    launched: bool = True
    """Whether its launch is complete: where it died halfway, it has to be launched again."""
    ended: bool = False
    problem: str = ""
    detail: str = ""
    waiting: str = ""
    """Why it has not begun yet, in words for people; empty while that is nothing unusual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Every run that exists at this moment; what is missing here is gone."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a step's log, without its newline.

    *position* grows from line to line within a step; it is what `read_log` takes to go on behind this line.
    """

    position: int
    text: str
    at: float
    is_cut: bool = False
    """The line is longer; the rest is left out."""


class Executor(Protocol):
    """Where runs live."""

    def launch(self, request: RunRequest) -> None:
        """Start the run, or attach: a run of that name that exists is left as it is. Blocks until it is safe to forget.

        Raises:
            ExecutorError: It can't be started; the message says why.
        """

    def cancel(self, name: str) -> None:
        """End the run and everything that it started; return when nothing of it is alive. Unknown names are fine."""

    def remove(self, name: str) -> None:
        """Forget an ended run and delete what it left (work tree, log, results). Unknown names are fine."""

    def exists(self, name: str) -> bool:
        """Ask whether there is a run of that name, from the source itself. Blocks.

        Raises:
            ExecutorError: Nobody answered.
        """

    def observe(self) -> AsyncIterator[RunState | Listing]:
        """Yield every run's state, then a `Listing`, then each change; a `Listing` again every few seconds. Endless."""

    def read_log(self, name: str, step: Step, after: int) -> AsyncIterator[LogLine]:
        """Yield a step's lines behind position *after* (0: all); end when the step has ended and all is read.

        Waits for a step that has not begun; ends at once where the run is unknown or has ended without it.
        """
