"""A recorded run of an agent's real program, as a file, and its place in a sandbox."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runtime.adapters import Adapter, choose_adapter
from runtime.console import Console
from runtime.contract import Event, Order, StepResult
from runtime.sandbox import Sandbox
from tests.adapters.conftest import MODELS, PRICES

FOLDER = Path(__file__).with_name("recordings")
WORKSPACE = "/workspace"
"""What stands in the files for the workspace of the run."""


@dataclass(frozen=True)
class Recording:
    """What a program printed, how it ended, and what its session file said of the calls."""

    version: str
    code: int
    lines: list[tuple[bool, str]]
    """From standard error or not, and the line."""
    session_file: str = ""
    """Where it lies in HOME; empty: the stream tells all."""
    session: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, agent: str, case: str) -> Recording:
        """Read one."""
        return cls(**json.loads((FOLDER / agent / f"{case}.json").read_text("utf-8")))

    def save(self, agent: str, case: str) -> None:
        """Write it, a line of the program's on one of the file's."""
        path = FOLDER / agent / f"{case}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {
            name: [json.dumps(one) for one in value] if isinstance(value, list) else value
            for name, value in asdict(self).items()
        }
        parts = [
            f'"{name}": ' + ("[\n" + ",\n".join(value) + "\n]" if isinstance(value, list) else json.dumps(value))
            for name, value in values.items()
        ]
        path.write_text("{\n" + ",\n".join(parts) + "\n}\n", "utf-8")


@dataclass(frozen=True)
class Replay:
    """What an adapter made of a recording."""

    log: list[str]
    events: list[Event]
    result: StepResult

    @property
    def progress(self) -> list[str]:
        """The current lines, one after the other."""
        return [event.text for event in self.events if event.kind == "progress"]

    @property
    def lists(self) -> list[tuple[tuple[str, str], ...]]:
        """The checklists, one after the other."""
        return [event.items for event in self.events if event.kind == "checklist"]


def sandbox(agent: str, folder: Path, environ: Mapping[str, str], **changes: Any) -> Sandbox:
    """Give a sandbox with the order that all recordings are made by."""
    values: dict[str, Any] = {
        "task_id": 1,
        "clone_url": "http://gitlab.invalid/x.git",
        "default_branch": "main",
        "base_branch": "main",
        "base_commit": "1" * 40,
        "push_branch": "agent/1",
        "commit_message": "m",
        "author_name": "a",
        "author_email": "a@example.com",
        "commit_time": 1,
        "prompt": "Add a file.",
        "agent": agent,
        "model": MODELS[agent],
        "prices": PRICES,
    }
    order = Order(**(values | changes))
    return Sandbox(order=order, workspace=folder, handover=folder, console=Console(io.BytesIO()), environ=environ)


def replay(agent: str, case: str, folder: Path, **changes: Any) -> Replay:
    """Let a fresh adapter read a recording."""
    recording = Recording.load(agent, case)
    place = sandbox(agent, folder, {}, **changes)
    adapter = choose_adapter(place)
    shown: list[Event | str] = []
    if recording.session_file:
        path = place.home / recording.session_file
        path.parent.mkdir(parents=True)
        path.write_text("\n".join([*recording.session, ""]), "utf-8")
    for from_stderr, line in recording.lines:
        shown += adapter.read(line.replace(WORKSPACE, str(folder)), from_stderr=from_stderr)
    return Replay(
        log=[line for one in shown if isinstance(one, str) for line in one.splitlines()],
        events=[one for one in shown if isinstance(one, Event)],
        result=adapter.result(recording.code),
    )


__all__ = ["Adapter", "Recording", "Replay", "replay", "sandbox"]
