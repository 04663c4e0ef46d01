"""Codex as an agent: its settings file, its stream of JSON lines, and what its end means.

It has no budget, no limit of turns and no prices, and waits for ever for a network that is gone: `Course` counts. Its
stream tells the tokens at the very end, and over all runs of a session; its session file tells them call by call.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from runtime.adapters.codex_stream import tell_item
from runtime.adapters.course import RETRIES, Course
from runtime.adapters.json_values import blocks, decode, dig, first_line, number, text_of
from runtime.adapters.private_file import write_private
from runtime.adapters.prompt import instructions, prompt
from runtime.adapters.session_file import SessionFile
from runtime.adapters.set_aside import set_aside
from runtime.adapters.spending import Spending, Usage
from runtime.contract import CHECKLIST_LIMIT, Event, Failure, StepResult
from runtime.mcp import ANSWER_SECONDS, McpServer
from runtime.sandbox import Sandbox

DEFAULT_ADDRESS: Final = "https://api.openai.com/v1"
NOT_THE_REPOSITORYS: Final = (".codex", ".agents")
"""Codex reads skills there even where it trusts nothing else of the repository."""
_SESSIONS: Final = "sessions"


class CodexAdapter:
    """Runs ``codex exec --json`` and follows its stream and its session file."""

    def __init__(self, sandbox: Sandbox, servers: Sequence[McpServer] = (), resume: Path | None = None) -> None:
        self._sandbox = sandbox
        self._servers = servers
        self._resume = resume
        self._home = sandbox.home / ".codex"
        self._course = Course(order=sandbox.order, name="codex", spending=Spending(prices=sandbox.order.prices))
        self._session_file: SessionFile | None = None
        self._model = sandbox.order.model
        self.finished = False

    @property
    def exhausted(self) -> bool:
        """Whether a limit is passed, or the model is out of reach."""
        return self._course.exhausted

    def prepare(self) -> None:
        """Write the settings and the default branch's instructions, and put the session where it is looked for."""
        set_aside(self._sandbox, NOT_THE_REPOSITORYS)
        write_private(self._home / "config.toml", _settings(self._sandbox.environ, self._servers))
        if found := instructions(self._sandbox, "AGENTS.md", "CLAUDE.md"):
            write_private(self._home / "AGENTS.md", found.read_text(encoding="utf-8", errors="replace"))
        if self._resume:
            place = self._home / _SESSIONS / "2000" / "01" / "01"
            place.mkdir(parents=True, exist_ok=True)
            copy = Path(shutil.copy(self._resume, place / self._resume.name))
            self._session_file = SessionFile(copy, skip=True)

    def arguments(self) -> list[str]:
        """Give the command line: the settings are in a file, the prompt comes on stdin."""
        line = ["codex", "exec", "--json", "--color", "never", "--dangerously-bypass-approvals-and-sandbox"]
        line += ["--model", self._model] if self._model else []
        return [*line, *(["resume", _session_of(self._resume)] if self._resume else []), "-"]

    def environment(self) -> dict[str, str]:
        """Name the folder of settings."""
        return {"CODEX_HOME": str(self._home)}

    def stdin(self) -> str:
        """Give the prompt."""
        return prompt(self._sandbox)

    def read(self, line: str, *, from_stderr: bool) -> Iterator[Event | str]:
        """Turn one line of the stream into what people want to see of it."""
        message = None if from_stderr else decode(line)
        if message is None:
            if line.strip():
                self._course.stderr.append(line.strip())
                yield line
            return
        match message.get("type"):
            case "thread.started":
                self._course.session = text_of(message.get("thread_id"))[:100]
                yield f"Codex started, model {self._model or 'its default'}"
            case "turn.started":
                self.finished = False
            case "item.started" | "item.updated" | "item.completed":
                yield from self._read_item(message)
            case "error" | "turn.failed":
                yield from self._read_error(message)
            case "turn.completed":
                self._course.answered()
                self._course.complete = self.finished = True
        self._count()

    def result(self, code: int) -> StepResult:
        """Judge by the turn's end and the exit code."""
        self._count()
        return self._course.result(code)

    def transcript(self) -> Path | None:
        """Give the session's file."""
        session = self._course.session
        return next(self._home.glob(f"{_SESSIONS}/*/*/*/rollout-*-{session}.jsonl"), None) if session else None

    def _read_item(self, message: dict[str, Any]) -> Iterator[Event | str]:
        item = message.get("item")
        self._course.answered()
        if dig(item, "type") == "agent_message" and message["type"] == "item.completed":
            self._course.said = text_of(dig(item, "text")).strip()
            yield self._course.said
        elif dig(item, "type") == "todo_list":
            items = tuple(_todo(entry) for entry in blocks(dig(item, "items"))[:CHECKLIST_LIMIT])
            yield Event(kind="checklist", items=items)
        elif dig(item, "type") == "error":
            yield first_line(text_of(dig(item, "message")))
        elif told := tell_item(item, str(self._sandbox.repo), begins=message["type"] == "item.started"):
            if told.log:
                yield told.log
            if told.progress:
                yield self._course.progress(told.progress)

    def _read_error(self, message: dict[str, Any]) -> Iterator[Event | str]:
        words = _plain(text_of(message.get("message")) or text_of(dig(message, "error", "message")))
        if words.startswith("Reconnecting"):
            yield from self._course.call_failed(words.partition("(")[2].rstrip(")") or words)
        else:
            self._course.fail(words, Failure.MODEL)
            if message["type"] == "error":
                yield words

    def _count(self) -> None:
        if self._session_file is None and (path := self.transcript()):
            self._session_file = SessionFile(path)
        for entry in self._session_file.fresh() if self._session_file else ():
            payload = entry.get("payload")
            if entry.get("type") == "turn_context":
                self._model = text_of(dig(payload, "model")) or self._model
            used = dig(payload, "info", "last_token_usage") if dig(payload, "type") == "token_count" else None
            if isinstance(used, dict):
                self._course.spending.turns += 1
                self._course.spending.add(self._model, _usage(used))


def _settings(environ: Mapping[str, str], servers: Sequence[McpServer]) -> str:
    """Give config.toml. A JSON text is a TOML text, where it is not escaped beyond need."""
    tables: dict[str, dict[str, Any]] = {
        "": {
            "model_provider": "ablehand",
            "check_for_update_on_startup": False,
            "allow_login_shell": False,
            "project_doc_max_bytes": 0,
            "web_search": "disabled",
        },
        "model_providers.ablehand": {
            "name": "the model's API",
            "base_url": environ.get("OPENAI_BASE_URL") or DEFAULT_ADDRESS,
            "env_key": "OPENAI_API_KEY",
            "wire_api": "responses",
            "request_max_retries": 1,
            "stream_max_retries": RETRIES,
        },
        "analytics": {"enabled": False},
        "feedback": {"enabled": False},
        "history": {"persistence": "none"},
        "features": dict.fromkeys(("apps", "hooks", "plugins", "shell_snapshot", "goals", "memories"), False),
    }
    for server in servers:
        tables[f"mcp_servers.{server.name}"] = _described(server)
    return "\n".join(_table(name, values) for name, values in tables.items())


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"[{name}]"] if name else []
    return "\n".join([*lines, *(f"{key} = {_toml(value)}" for key, value in values.items())]) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _described(server: McpServer) -> dict[str, Any]:
    patience = {"startup_timeout_sec": ANSWER_SECONDS}
    if server.url:
        return {"url": server.url, "http_headers": server.headers, **patience}
    program, *arguments = server.command
    return {"command": program, "args": arguments, "env": server.environment, **patience}


def _usage(used: dict[str, Any]) -> Usage:
    read, cached, written = (
        int(number(used.get(name))) for name in ("input_tokens", "cached_input_tokens", "output_tokens")
    )
    return Usage(read=read, cached=cached, written=written)


def _session_of(transcript: Path | None) -> str:
    """Give the id that a session's file is named by: its last five groups."""
    return "-".join(transcript.stem.split("-")[-5:]) if transcript else ""


def _todo(entry: dict[str, Any]) -> tuple[str, str]:
    return first_line(text_of(entry.get("text"))), "done" if entry.get("completed") is True else "pending"


def _plain(words: str) -> str:
    """Take the sentence out of an error that is shown as the API's own JSON."""
    return text_of(dig(decode(words), "error", "message")) or words
