"""Any program as an agent: the prompt on stdin, the work tree as its directory, its output as the log.

The default branch's CLAUDE.md and the like are in the folder that ABLEHAND_INSTRUCTIONS_DIR names. It may print
``progress`` and ``checklist`` events of the contract; other events are shown as text. Its summary is the file that
ABLEHAND_SUMMARY_FILE names, if it writes one, else the last lines that it printed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from runtime.console import clean_line
from runtime.contract import DOCUMENT_LIMIT_BYTES, Event, Failure, StepResult, decode_event
from runtime.mcp import McpServer
from runtime.plain_file import NotPlain, open_plain_file
from runtime.sandbox import Sandbox, StepFailed

OWN_EVENTS: Final = frozenset({"progress", "checklist"})
SUMMARY_LIMIT_BYTES: Final = DOCUMENT_LIMIT_BYTES
SUMMARY_LINES: Final = 20
DETAIL_LINES: Final = 10
DETAIL_LETTERS: Final = 1_500


class CommandAdapter:
    """Runs the order's *agent_command*."""

    finished = False
    """Its end is its exit."""
    exhausted = False
    """It keeps to its limits itself."""

    def __init__(self, sandbox: Sandbox, _servers: Sequence[McpServer] = (), _resume: Path | None = None) -> None:
        self._order = sandbox.order
        self._context = sandbox.context
        self._instructions = sandbox.instructions
        self._prompt_file = sandbox.workspace / "prompt.txt"
        self._summary_file = sandbox.workspace / "summary.md"
        self._said: deque[str] = deque(maxlen=SUMMARY_LINES)
        self._printed: deque[str] = deque(maxlen=DETAIL_LINES)
        self._last = Event(kind="progress")

    def prepare(self) -> None:
        """Write the prompt to a file, too."""
        self._prompt_file.write_text(self._order.prompt, encoding="utf-8", errors="replace")

    def arguments(self) -> list[str]:
        """Give the command as it was ordered."""
        if not self._order.agent_command:
            raise StepFailed(Failure.AGENT_MISSING, "no command is set for the agent")
        return self._order.agent_command

    def environment(self) -> dict[str, str]:
        """Name the files that the command may read, and the one that it may write."""
        return {
            "ABLEHAND_PROMPT_FILE": str(self._prompt_file),
            "ABLEHAND_CONTEXT_DIR": str(self._context),
            "ABLEHAND_INSTRUCTIONS_DIR": str(self._instructions),
            "ABLEHAND_SUMMARY_FILE": str(self._summary_file),
        }

    def stdin(self) -> str:
        """Give the prompt as it is."""
        return self._order.prompt

    def read(self, line: str, *, from_stderr: bool) -> Iterator[Event | str]:
        """Pass on progress and checklist as events, everything else as text."""
        event = None if from_stderr else decode_event(line)
        if event and event.kind in OWN_EVENTS:
            self._last = event if event.kind == "progress" else self._last
            yield event
            return
        if line.strip():
            self._printed.append(clean_line(line))
            if not from_stderr:
                self._said.append(clean_line(line))
        yield line

    def result(self, code: int) -> StepResult:
        """Call exit code 0 success; any other one failed with the last lines."""
        detail = "\n".join((f"the command ended with code {code}", *self._printed))[-DETAIL_LETTERS:]
        return StepResult(
            ok=code == 0,
            failure="" if code == 0 else Failure.AGENT,
            detail="" if code == 0 else detail,
            summary=_read_beginning(self._summary_file) or "\n".join(self._said),
            turns=self._last.turns,
            cost_usd=self._last.cost_usd,
        )

    def transcript(self) -> None:
        """Give none: what a command remembers, it keeps itself."""


def _read_beginning(path: Path) -> str:
    """Read the beginning of what the agent wrote; empty where there is no plain file."""
    try:
        file = open_plain_file(path)
    except NotPlain:
        return ""
    if file is None:
        return ""
    with file:
        return file.read(SUMMARY_LIMIT_BYTES).decode(errors="replace").strip()
