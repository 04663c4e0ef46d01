"""Gemini CLI as an agent: its settings file, its stream of JSON lines, and what its end means.

It honours a repository's settings as soon as it trusts the folder, and works in no other one: they are set aside. It
has no budget and no prices, and tells tokens at the end alone; its session file tells them call by call.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from runtime.adapters.course import RETRIES, Course
from runtime.adapters.gemini_stream import tell_tool
from runtime.adapters.json_values import blocks, decode, dig, first_line, number, text_of
from runtime.adapters.private_file import write_private
from runtime.adapters.prompt import instructions, prompt
from runtime.adapters.session_file import SessionFile
from runtime.adapters.set_aside import set_aside
from runtime.adapters.spending import Spending, Usage
from runtime.contract import CHECKLIST_LIMIT, Event, Failure, StepResult
from runtime.mcp import McpServer
from runtime.sandbox import Sandbox

NOT_THE_REPOSITORYS: Final = (".gemini", ".agents")
DEFAULT_FILE: Final = "GEMINI.md"
"""It reads these from every folder, whatever other name its settings give."""
_STATES: Final = {"pending": "pending", "blocked": "pending", "in_progress": "active", "completed": "done"}
_ATTEMPT: Final = re.compile(r"Attempt \d+ failed(?: with status (\d+))?")
_NOISE: Final = re.compile(
    r"^(?:YOLO mode|Ripgrep is not|Warning: (?:256-color|Basic terminal)|\[STARTUP\]|\s+(?:at |status:|cause:)|[{}]$)"
)


class GeminiAdapter:
    """Runs ``gemini --output-format stream-json`` and follows its stream and its session file."""

    def __init__(self, sandbox: Sandbox, servers: Sequence[McpServer] = (), resume: Path | None = None) -> None:
        self._sandbox = sandbox
        self._servers = servers
        self._resume = resume
        self._home = sandbox.home / ".gemini"
        self._course = Course(order=sandbox.order, name="gemini", spending=Spending(prices=sandbox.order.prices))
        self._course.session = str(uuid.uuid4())
        self._files: dict[Path, SessionFile] = {}
        self._counted: set[str] = set()
        self._speaking = False
        self._last_words = ""
        self.finished = False

    @property
    def exhausted(self) -> bool:
        """Whether a limit is passed, or the model is out of reach."""
        return self._course.exhausted

    def prepare(self) -> None:
        """Write the settings and the default branch's instructions, and take the repository's away."""
        set_aside(self._sandbox, NOT_THE_REPOSITORYS, anywhere=(DEFAULT_FILE,))
        write_private(
            self._home / "settings.json", json.dumps(_settings(self._servers, agents=not self._course.limited))
        )
        if self._resume:
            # It begins its new file with the calls of the old one, which were counted then.
            self._counted = {text_of(entry.get("id")) for entry in SessionFile(self._resume).fresh()}
        if found := instructions(self._sandbox, DEFAULT_FILE, "AGENTS.md", "CLAUDE.md"):
            write_private(self._home / DEFAULT_FILE, found.read_text(encoding="utf-8", errors="replace"))

    def arguments(self) -> list[str]:
        """Give the command line: the prompt comes on stdin."""
        line = ["gemini", "--output-format", "stream-json", "--yolo", "--skip-trust", "--extensions", "none"]
        line += ["--model", self._sandbox.order.model] if self._sandbox.order.model else []
        return line + (
            ["--session-file", str(self._resume)] if self._resume else ["--session-id", self._course.session]
        )

    def environment(self) -> dict[str, str]:
        """Keep it one process, which hears TERM, and in colours that are none."""
        return {"GEMINI_CLI_NO_RELAUNCH": "true", "NO_COLOR": "1", "TERM": "dumb"}

    def stdin(self) -> str:
        """Give the prompt."""
        return prompt(self._sandbox)

    def read(self, line: str, *, from_stderr: bool) -> Iterator[Event | str]:
        """Turn one line of the stream into what people want to see of it."""
        message = None if from_stderr else decode(line)
        if message is None:
            yield from self._read_log(line)
            return
        match message.get("type"):
            case "init":
                self._course.session = text_of(message.get("session_id"))[:100] or self._course.session
                yield f"Gemini CLI started, model {text_of(message.get('model')) or 'unknown'}"
            case "message" if message.get("role") == "assistant":
                yield from self._read_words(text_of(message.get("content")))
            case "tool_use":
                yield from self._read_tool(message)
            case "tool_result" if message.get("status") == "error":
                words = text_of(dig(message, "error", "message")) or text_of(message.get("output"))
                yield f"  failed: {first_line(words)}"
            case "error":
                # Some of these end the run, and its result says "success" all the same.
                self._course.fail(text_of(message.get("message")) or "error")
                yield self._course.problem
            case "result":
                self._read_result(message)
        self._count()

    def result(self, code: int) -> StepResult:
        """Judge by its result and the exit code.

        It was seen to leave before the end of its output was written, where there is much of it: then its session says.
        """
        self._count()
        if code == 0 and not self.finished and self._last_words:
            self._course.said, self._course.complete = self._last_words, True
        return self._course.result(code)

    def transcript(self) -> Path | None:
        """Give the session's file: of two, the one that it wrote to last."""
        return max(self._session_files(), key=lambda path: path.stat().st_mtime_ns, default=None)

    def _read_words(self, words: str) -> Iterator[str]:
        self._course.answered()
        self._course.said = (self._course.said if self._speaking else "") + words
        self._speaking = True
        yield words.strip()

    def _read_tool(self, message: dict[str, Any]) -> Iterator[Event | str]:
        self._course.answered()
        self._speaking = False
        name, given = text_of(message.get("tool_name")), message.get("parameters")
        if name == "write_todos":
            todos = blocks(dig(given, "todos"))[:CHECKLIST_LIMIT]
            yield Event(
                kind="checklist", items=tuple(_todo(todo) for todo in todos if todo.get("status") != "cancelled")
            )
        told = tell_tool(name, given, str(self._sandbox.repo))
        yield told.log
        if told.progress:
            yield self._course.progress(told.progress)

    def _read_result(self, message: dict[str, Any]) -> None:
        self.finished = True
        if message.get("status") == "success":
            self._course.complete = not self._course.problem
            return
        words = text_of(dig(message, "error", "message")) or "error"
        status = re.search(r'"code":(\d{3})', words) or re.search(r"status\W+(\d{3})", self._course.problem)
        sentence = text_of(dig(decode(words.partition(": ")[2].rstrip("]")), "error", "message"))
        shown = f"model API status {status[1]}: {sentence or words}" if status else words
        self._course.fail(shown, Failure.MODEL if "API Error" in words else Failure.AGENT)

    def _read_log(self, line: str) -> Iterator[Event | str]:
        if found := _ATTEMPT.match(line):
            yield from self._course.call_failed(f"status {found[1]}" if found[1] else "no answer")
        elif line.strip() and not _NOISE.match(line):
            self._course.stderr.append(line.strip())
            yield line

    def _session_files(self) -> list[Path]:
        """List the run's: where it goes on with a session, it begins one file, and works on in a second one."""
        name = f"tmp/*/chats/session-*-{self._course.session[:8]}.json*"
        return list(self._home.glob(name)) if self._course.session else []

    def _count(self) -> None:
        for path in self._session_files():
            for entry in self._files.setdefault(path, SessionFile(path)).fresh():
                self._count_entry(entry)

    def _count_entry(self, entry: dict[str, Any]) -> None:
        if entry.get("type") == "gemini":
            self._last_words = "" if entry.get("toolCalls") else text_of(entry.get("content"))
        # A call's entry is written again with each result of its tools.
        identity, tokens = text_of(entry.get("id")), entry.get("tokens")
        if identity and isinstance(tokens, dict) and identity not in self._counted:
            self._counted.add(identity)
            self._course.spending.turns += 1
            self._course.spending.add(text_of(entry.get("model")), _usage(tokens))


def _settings(servers: Sequence[McpServer], *, agents: bool) -> dict[str, Any]:
    return {
        "experimental": {"enableAgents": agents},
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {
            "enableAutoUpdate": False,
            "enableAutoUpdateNotification": False,
            "maxAttempts": RETRIES,
            "checkpointing": {"enabled": False},
        },
        "advanced": {"ignoreLocalEnv": True},
        "hooksConfig": {"enabled": False},
        "skills": {"enabled": False},
        "useWriteTodos": True,
        "mcpServers": {server.name: _described(server) for server in servers},
    }


def _described(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"httpUrl": server.url, "headers": server.headers, "trust": True}
    program, *arguments = server.command
    return {"command": program, "args": arguments, "env": server.environment, "trust": True}


def _usage(tokens: dict[str, Any]) -> Usage:
    read, cached, written, thought, tools = (
        int(number(tokens.get(name))) for name in ("input", "cached", "output", "thoughts", "tool")
    )
    return Usage(read=read + tools, cached=cached, written=written + thought)


def _todo(todo: dict[str, Any]) -> tuple[str, str]:
    return first_line(text_of(todo.get("description"))), _STATES.get(text_of(todo.get("status")), "pending")
