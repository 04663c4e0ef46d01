"""The second step: agent-setup.sh, then the agent, then what it left in the work tree as a bundle for publish.

Everything that the agent says is passed on as log and progress; what counts of it is that the program ended well.
Which agent, and how to read it, is an adapter's matter; limits and the bundle are the same for all.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from runtime.adapters import Adapter, choose_adapter
from runtime.bundle import write_bundle
from runtime.console import Console
from runtime.contract import CHANGE_MODE, Event, Failure, Mark, StepResult
from runtime.environment import agent_environment, setup_environment
from runtime.git import Git, GitError
from runtime.processes import Cause, Ended, Limits, Program, adopt_orphans, end_descendants, run_program
from runtime.sandbox import Sandbox, StepFailed
from runtime.setup_script import run_setup

LINGER_SECONDS: Final = 30.0
"""How long an agent may stay alive, silent, after its result: Claude Code was seen to hang there."""


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
        result = _let_work(sandbox)
    finally:
        # Nothing may go on writing while the work tree is read.
        end_descendants()
    if not result.ok:
        return result
    if sandbox.order.mode != CHANGE_MODE:
        return replace(result, document_total=sandbox.console.document(result.summary))
    _hand_over(sandbox)
    return result


def _let_work(sandbox: Sandbox) -> StepResult:
    order = sandbox.order
    adapter = choose_adapter(sandbox)
    began = time.monotonic()
    sandbox.console.emit(Event(kind="began", mark=Mark.AGENT, text=order.agent))
    program = Program(
        arguments=adapter.arguments(),
        directory=sandbox.repo,
        environ=agent_environment(sandbox) | adapter.environment(),
        stdin=adapter.stdin(),
    )
    limits = Limits(
        wall_seconds=order.agent_timeout_seconds,
        idle_seconds=order.idle_timeout_seconds,
        output_bytes=order.output_limit_bytes,
        linger_seconds=LINGER_SECONDS,
    )
    try:
        ended = run_program(program, limits, _Listener(adapter, sandbox.console))
    except OSError as error:
        name = program.arguments[0] if program.arguments else "a command"
        raise StepFailed(Failure.AGENT_MISSING, f"{name} can't be started: {error.strerror}") from error
    result = _judge(adapter, ended, limits)
    if result.ok:
        sandbox.console.emit(Event(kind="ended", mark=Mark.AGENT, seconds=time.monotonic() - began))
    return result


def _judge(adapter: Adapter, ended: Ended, limits: Limits) -> StepResult:
    result = adapter.result(0 if ended.cause is Cause.LINGERED else ended.code)
    match ended.cause:
        case Cause.TIMEOUT:
            failure, detail = Failure.TIMEOUT, f"the agent was not done after {limits.wall_seconds:.0f} s"
        case Cause.STALLED:
            failure, detail = Failure.STALLED, f"the agent printed nothing for {limits.idle_seconds:.0f} s"
        case Cause.OUTPUT:
            failure, detail = Failure.OUTPUT, f"the agent printed more than {limits.output_bytes} bytes"
        case _:
            return result
    return replace(result, ok=False, failure=failure, detail=detail)


def _hand_over(sandbox: Sandbox) -> None:
    base = sandbox.order.base_commit
    git = Git(
        repository=sandbox.repo / ".git",
        work_tree=sandbox.repo,
        timeout_seconds=sandbox.order.git_timeout_seconds,
        environ=setup_environment(sandbox),
    )
    if not git.repository.is_dir():
        raise StepFailed(Failure.AGENT, "the agent has removed the repository (.git)")
    # An agent that was ended in the middle of a git command leaves its lock; a bundle of its own is not wanted.
    for left in (git.repository / "index.lock", sandbox.bundle):
        with suppress(OSError):
            left.unlink()
    try:
        git.check("add", "--all")
        tree = git.check("write-tree").text
        if tree == git.check("rev-parse", "--verify", f"{base}^{{tree}}").text:
            sandbox.console.write("The agent has changed nothing")
            return
        # One commit straight on the base, whatever the agent did to HEAD: publish takes only the tree.
        commit = git.check("commit-tree", tree, "-p", base, "-m", "What the agent left").text
        write_bundle(git, base=base, commit=commit, path=sandbox.bundle)
    except GitError as error:
        raise StepFailed(Failure.AGENT, f"what the agent left can't be committed: {error}") from error


@dataclass(frozen=True, slots=True)
class _Listener:
    """Prints what the adapter makes of the agent's lines."""

    adapter: Adapter
    console: Console

    @property
    def finished(self) -> bool:
        return self.adapter.finished

    def read(self, line: str, *, from_stderr: bool) -> None:
        for shown in self.adapter.read(line, from_stderr=from_stderr):
            if isinstance(shown, Event):
                self.console.emit(shown)
            else:
                self.console.write(shown)
