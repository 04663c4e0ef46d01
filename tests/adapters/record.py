"""Records the agents' real programs anew: ``make recordings``, or ``make recordings ARGS="codex gemini"``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from runtime.adapters import Adapter, choose_adapter
from runtime.adapters.json_values import decode, dig
from runtime.environment import agent_environment
from runtime.processes import Program, end_descendants, run_program
from runtime.watchdog import Limits
from simulators.model.script import Turn
from simulators.model.server import ModelServer
from tests.adapters import programs
from tests.adapters.cases import cases
from tests.adapters.conftest import ADDRESSES, KEY
from tests.adapters.recording import WORKSPACE, Recording, sandbox

PATIENCE_SECONDS = 240


@dataclass
class Recorder:
    """Writes down what is printed, and passes it on to the adapter, which knows when it is enough."""

    adapter: Adapter
    lines: list[tuple[bool, str]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether the agent has given its result."""
        return self.adapter.finished

    @property
    def exhausted(self) -> bool:
        """Whether it is to be ended."""
        return self.adapter.exhausted

    def read(self, line: str, *, from_stderr: bool) -> None:
        """Take one line."""
        self.lines.append((from_stderr, line))
        list(self.adapter.read(line, from_stderr=from_stderr))


def record(agent: str, turns: tuple[Turn, ...], folder: Path) -> Recording:
    """Run the agent's real program on *turns*, in the workspace *folder*."""
    with ModelServer(*turns) as model:
        own = {name: value if value == KEY else model.url + value for name, value in ADDRESSES[agent].items()}
        environ = {**own, "ABLEHAND_AGENT_VARIABLES": ",".join(own), "PATH": programs.path()}
        place = sandbox(agent, folder, environ)
        for needed in (place.repo, place.home, place.scratch):
            needed.mkdir()
        subprocess.run(["git", "init", "-q"], cwd=place.repo, check=True)
        (place.repo / "README.md").write_text("hello\n")
        adapter = choose_adapter(place)
        adapter.prepare()
        recorder = Recorder(adapter)
        program = Program(
            arguments=adapter.arguments(),
            directory=place.repo,
            environ=agent_environment(place) | adapter.environment(),
            stdin=adapter.stdin(),
        )
        ended = run_program(program, Limits(wall_seconds=PATIENCE_SECONDS, output_bytes=10_000_000), recorder)
        end_descendants()
        session = adapter.transcript() if agent in ("codex", "gemini") else None
        return Recording(
            version=programs.pinned(agent),
            code=ended.code,
            lines=[(from_stderr, _scrubbed(line, folder, model.url)) for from_stderr, line in recorder.lines],
            session_file=str(session.relative_to(place.home)) if session else "",
            session=[json.dumps(entry) for entry in _told_calls(session)] if session else [],
        )


def _scrubbed(line: str, folder: Path, url: str) -> str:
    """Take this machine out of a line."""
    return (
        line.replace(str(folder), WORKSPACE)
        .replace(str(programs.FOLDER), "/agents")
        .replace(url.removeprefix("http://"), "model.invalid")
    )


def _told_calls(session: Path) -> Iterator[object]:
    """Give what an adapter reads of a session's file: the rest is the agent's maker's, or long."""
    for line in session.read_text("utf-8").splitlines():
        entry = decode(line) or {}
        payload = entry.get("payload")
        if entry.get("type") == "turn_context":
            yield {"type": "turn_context", "payload": {"model": dig(payload, "model")}}
        elif dig(payload, "type") == "token_count":
            used = dig(payload, "info", "last_token_usage")
            yield {"type": "event_msg", "payload": {"type": "token_count", "info": {"last_token_usage": used}}}
        elif entry.get("type") == "gemini":
            yield {name: entry[name] for name in ("id", "type", "content", "tokens", "model") if name in entry}


def main() -> None:
    """Record every case of the agents that the command line names, or of all."""
    for agent in sys.argv[1:] or sorted(programs.PACKAGES):
        if problem := programs.problem(agent):
            sys.exit(problem)
        for case, turns in cases(agent).items():
            with tempfile.TemporaryDirectory(prefix="ablehand-recording-") as folder:
                record(agent, turns, Path(folder)).save(agent, case)
                print(f"{agent}: {case}")


if __name__ == "__main__":
    main()
