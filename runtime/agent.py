"""The second step: agent-setup.sh, then the agent, then what it left in the work tree as a bundle for publish.

Everything that the agent says is passed on as log and progress; what counts of it is that the program ended well.
Which agent, and how to read it, is an adapter's matter; limits, memory and the bundle are the same for all.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from runtime.adapters import Adapter, choose_adapter
from runtime.change import hand_over
from runtime.console import Console
from runtime.contract import CHANGE_MODE, Event, Failure, Mark, StepResult
from runtime.environment import agent_environment
from runtime.git import GitError
from runtime.mcp import McpServer, mcp_servers
from runtime.memory import earlier_session, keep_session, was_refused
from runtime.processes import Ended, Program, adopt_orphans, end_descendants, run_program
from runtime.sandbox import Sandbox, StepFailed
from runtime.setup_script import run_setup
from runtime.watchdog import Cause, Limits

LINGER_SECONDS: Final = 30.0
"""How long an agent may stay alive, silent, after its result: Claude Code was seen to hang there."""
PUBLISHED_CAUSES: Final = frozenset({Cause.TIMEOUT, Cause.STALLED})
"""After these, what the agent has done so far may be worth a look."""


def run(sandbox: Sandbox) -> StepResult:
    """Let the agent work and leave the bundle; none where the tree is the base's again or words alone are wanted.

    Raises:
        StepFailed: setup, setup-missing, agent-missing, or agent where the work tree is no repository any more.
    """
    for folder in (sandbox.home, sandbox.scratch):
        folder.mkdir(parents=True, exist_ok=True)
    adopt_orphans()
    try:
        run_setup(sandbox)
        result = _let_work(sandbox, _usable(sandbox))
    finally:
        # Nothing may go on writing while the work tree is read.
        end_descendants()
    if not result.ok:
        return result
    if sandbox.order.mode != CHANGE_MODE:
        return replace(result, document_total=sandbox.console.document(result.summary))
    if not hand_over(sandbox) and result.partial:
        return replace(result, ok=False, partial=False)
    return result


def _usable(sandbox: Sandbox) -> tuple[McpServer, ...]:
    servers = mcp_servers(sandbox)
    if not servers:
        return ()
    # Its libraries are the half of this step's imports, and most runs have no servers.
    from runtime.mcp_check import usable_servers

    return usable_servers(sandbox, servers)


def _let_work(sandbox: Sandbox, servers: tuple[McpServer, ...]) -> StepResult:
    session = earlier_session(sandbox)
    if session is not None:
        result = _work(sandbox, servers, session)
        if not was_refused(result):
            return result
        sandbox.console.write(f"The earlier session can't be gone on with ({result.detail}): the agent starts afresh")
    return _work(sandbox, servers, None)


def _work(sandbox: Sandbox, servers: tuple[McpServer, ...], session: Path | None) -> StepResult:
    adapter = choose_adapter(sandbox, servers, session)
    try:
        adapter.prepare()
    except GitError as error:
        raise StepFailed(Failure.AGENT, f"the work tree can't be prepared: {error}") from error
    began = time.monotonic()
    sandbox.console.emit(Event(kind="began", mark=Mark.AGENT, text=sandbox.order.agent))
    program = Program(
        arguments=adapter.arguments(),
        directory=sandbox.repo,
        environ=agent_environment(sandbox) | adapter.environment(),
        stdin=adapter.stdin(),
    )
    limits = _limits(sandbox)
    try:
        ended = run_program(program, limits, Listener(adapter, sandbox.console))
    except OSError as error:
        name = program.arguments[0] if program.arguments else "a command"
        raise StepFailed(Failure.AGENT_MISSING, f"{name} can't be started: {error.strerror}") from error
    if ended.cause is Cause.LINGERED:
        sandbox.console.write("The agent had given its result, but did not end: it was ended, and its result counts")
    result = _judge(sandbox, adapter, ended, limits)
    if result.ok:
        sandbox.console.emit(Event(kind="ended", mark=Mark.AGENT, seconds=time.monotonic() - began))
        if sandbox.order.mode == CHANGE_MODE:
            keep_session(sandbox, adapter.transcript(), result.session)
    return result


def _limits(sandbox: Sandbox) -> Limits:
    order = sandbox.order
    return Limits(
        wall_seconds=order.agent_timeout_seconds,
        # A plain command may work in silence; every other agent says that it has begun.
        first_seconds=math.inf if order.agent == "command" else order.first_event_seconds,
        idle_seconds=order.idle_timeout_seconds,
        output_bytes=order.output_limit_bytes,
        linger_seconds=LINGER_SECONDS,
    )


def _judge(sandbox: Sandbox, adapter: Adapter, ended: Ended, limits: Limits) -> StepResult:
    result = adapter.result(0 if ended.cause is Cause.LINGERED else ended.code)
    match ended.cause:
        case Cause.TIMEOUT:
            failure, detail = Failure.TIMEOUT, f"the agent was not done after {limits.wall_seconds:.0f} s"
        case Cause.UNBEGUN:
            failure, detail = Failure.UNBEGUN, f"the agent did not begin within {limits.first_seconds:.0f} s"
        case Cause.STALLED:
            failure, detail = Failure.STALLED, f"the agent printed nothing for {limits.idle_seconds:.0f} s"
        case Cause.OUTPUT:
            failure, detail = Failure.OUTPUT, f"the agent printed more than {limits.output_bytes} bytes"
        case _:
            return result
    sandbox.console.write(f"The agent was ended: {detail}")
    order = sandbox.order
    partial = order.publish_on_timeout and order.mode == CHANGE_MODE and ended.cause in PUBLISHED_CAUSES
    return replace(result, ok=partial, partial=partial, failure=failure, detail=detail)


@dataclass(frozen=True, slots=True)
class Listener:
    """Prints what the adapter makes of the agent's lines."""

    adapter: Adapter
    console: Console

    @property
    def finished(self) -> bool:
        """Whether the agent has given its result."""
        return self.adapter.finished

    @property
    def exhausted(self) -> bool:
        """Whether the agent is to be ended, by what it has said."""
        return self.adapter.exhausted

    def read(self, line: str, *, from_stderr: bool) -> None:
        """Print what one line amounts to."""
        for shown in self.adapter.read(line, from_stderr=from_stderr):
            if isinstance(shown, Event):
                self.console.emit(shown)
            else:
                self.console.write(shown)
