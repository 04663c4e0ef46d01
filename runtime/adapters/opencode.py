"""opencode as an agent: its settings file, its stream of JSON lines, and what its end means.

It tells a step when it is over, with the step's costs, and never a result: its last words are the last step's text.
Calls that fail are in its log alone, which is why the log is asked for, and it repeats them for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from runtime.adapters.course import Course
from runtime.adapters.json_values import blocks, decode, dig, first_line, number, text_of
from runtime.adapters.opencode_stream import tell_tool
from runtime.adapters.private_file import write_private
from runtime.adapters.prompt import instructions, prompt
from runtime.adapters.set_aside import set_aside
from runtime.adapters.spending import Spending, Usage
from runtime.contract import CHECKLIST_LIMIT, Event, Failure, StepResult
from runtime.mcp import ANSWER_SECONDS, McpServer
from runtime.sandbox import Sandbox

NOT_THE_REPOSITORYS: Final = (".opencode", "opencode.json", "opencode.jsonc", ".agents", "tui.json")
"""A plugin named in opencode.json ran although the project's settings were turned off."""
VARIABLES: Final = {
    **dict.fromkeys(
        (
            "OPENCODE_DISABLE_AUTOUPDATE",
            "OPENCODE_DISABLE_CLAUDE_CODE",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS",
            "OPENCODE_DISABLE_EXTERNAL_SKILLS",
            "OPENCODE_DISABLE_LSP_DOWNLOAD",
            "OPENCODE_DISABLE_MODELS_FETCH",
            "OPENCODE_DISABLE_PROJECT_CONFIG",
            "OPENCODE_PURE",
        ),
        "1",
    ),
}
PLUGIN: Final = "@opencode-ai/plugin"
_PROVIDERS: Final = {"anthropic": "ANTHROPIC_BASE_URL", "openai": "OPENAI_BASE_URL", "google": "GOOGLE_GEMINI_BASE_URL"}
_VERSIONS: Final = {"anthropic": "v1", "openai": "", "google": "v1beta"}
"""What the providers' packages expect behind the address that the other CLIs take."""
_STATES: Final = {"pending": "pending", "in_progress": "active", "completed": "done"}
_LOGGED_ERROR: Final = re.compile(r'message="stream error".*error\.error="((?:[^"\\]|\\.)*)')


class OpencodeAdapter:
    """Runs ``opencode run --format json`` and follows its stream and its log."""

    def __init__(self, sandbox: Sandbox, servers: Sequence[McpServer] = (), _resume: Path | None = None) -> None:
        self._sandbox = sandbox
        self._servers = servers
        self._model = sandbox.order.model
        self._course = Course(order=sandbox.order, name="opencode", spending=Spending(prices=sandbox.order.prices))
        self.finished = False

    @property
    def exhausted(self) -> bool:
        """Whether a limit is passed, or the model is out of reach."""
        return self._course.exhausted

    def prepare(self) -> None:
        """Write the settings and the default branch's instructions, and take the repository's away."""
        set_aside(self._sandbox, NOT_THE_REPOSITORYS)
        found = instructions(self._sandbox, "AGENTS.md", "CLAUDE.md")
        settings = _settings(self._sandbox.environ, self._servers, self._model, found)
        settings["tools"] = {"task": not self._course.limited}
        write_private(self._settings_file, json.dumps(settings))
        # It would fetch a package for plugins from npm at each start, unless it finds it named here.
        folder = self._sandbox.home / ".config" / "opencode"
        (folder / "node_modules").mkdir(parents=True, exist_ok=True)
        write_private(folder / "package-lock.json", json.dumps({"packages": {"": {"dependencies": {PLUGIN: "*"}}}}))

    def arguments(self) -> list[str]:
        """Give the command line. A title of ours saves the call that would ask a model for one."""
        return ["opencode", "run", "--format", "json", "--title", "Task", "--print-logs", "--log-level", "ERROR"]

    def environment(self) -> dict[str, str]:
        """Turn off what phones home and what the repository could set."""
        return {**VARIABLES, "OPENCODE_CONFIG": str(self._settings_file)}

    def stdin(self) -> str:
        """Give the prompt."""
        return prompt(self._sandbox)

    def read(self, line: str, *, from_stderr: bool) -> Iterator[Event | str]:
        """Turn one line of the stream or of the log into what people want to see of it."""
        message = None if from_stderr else decode(line)
        if message is None:
            yield from self._read_log(line)
            return
        self._course.session = text_of(message.get("sessionID"))[:100] or self._course.session
        part = message.get("part")
        match message.get("type"):
            case "step_start":
                self.finished = False
            case "text" if dig(part, "synthetic") is True:
                # It has shortened the talk: the step before was that, and no result.
                self.finished = self._course.complete = False
            case "text":
                self._course.said = text_of(dig(part, "text")).strip()
                yield self._course.said
            case "tool_use":
                yield from self._read_tool(part)
            case "step_finish":
                self._count(part)
            case "error":
                yield from self._read_error(message)

    def result(self, code: int) -> StepResult:
        """Judge by the last step's reason and the exit code."""
        return self._course.result(code)

    def transcript(self) -> None:
        """Give none: its sessions lie in a database."""

    @property
    def _settings_file(self) -> Path:
        return self._sandbox.home / "opencode.json"

    def _read_log(self, line: str) -> Iterator[Event | str]:
        if found := _LOGGED_ERROR.search(line):
            yield from self._course.call_failed(found[1].replace('\\"', '"'))
        elif line.strip() and "message=process " not in line:
            self._course.stderr.append(line.strip())
            yield line

    def _read_tool(self, part: object) -> Iterator[Event | str]:
        # Not at a step's start: it shortens a talk that the model finds too long, and begins again for ever.
        self._course.answered()
        name, state = text_of(dig(part, "tool")), dig(part, "state")
        if name == "todowrite":
            todos = blocks(dig(state, "input", "todos"))[:CHECKLIST_LIMIT]
            yield Event(kind="checklist", items=tuple(map(_todo, todos)))
        names = [server.name for server in self._servers]
        told = tell_tool(name, dig(state, "input"), str(self._sandbox.repo), names)
        yield told.log
        if told.progress:
            yield self._course.progress(told.progress)
        if dig(state, "status") == "error":
            yield f"  failed: {first_line(text_of(dig(state, 'error')))}"

    def _count(self, part: object) -> None:
        spending, tokens = self._course.spending, dig(part, "tokens")
        fresh, cached, stored, written, thought = (
            int(number(dig(tokens, *keys)))
            for keys in (("input",), ("cache", "read"), ("cache", "write"), ("output",), ("reasoning",))
        )
        usage = Usage(read=fresh + cached + stored, cached=cached, written=written + thought)
        before = spending.cost_usd
        spending.turns += 1
        spending.add(self._model, usage)
        # Its own prices are the newer ones; the table is for a model that it has none for.
        spending.cost_usd = before + number(dig(part, "cost")) if number(dig(part, "cost")) else spending.cost_usd
        if dig(part, "reason") != "tool-calls":
            self.finished = True
            self._course.complete = dig(part, "reason") == "stop"

    def _read_error(self, message: dict[str, Any]) -> Iterator[str]:
        error = message.get("error")
        words = text_of(dig(error, "data", "message")) or text_of(dig(error, "name")) or "error"
        status = int(number(dig(error, "data", "statusCode")))
        shown = f"model API status {status}: {words}" if status else words
        self.finished = False
        self._course.fail(shown, Failure.MODEL if status else Failure.AGENT)
        yield shown


def _settings(
    environ: Mapping[str, str], servers: Sequence[McpServer], model: str, told: Path | None
) -> dict[str, Any]:
    addresses = {name: environ[variable] for name, variable in _PROVIDERS.items() if environ.get(variable)}
    return {
        "autoupdate": False,
        "share": "disabled",
        "permission": "allow",
        "snapshot": False,
        **({"model": model, "small_model": model} if model else {}),
        "provider": {name: {"options": {"baseURL": _address(name, url)}} for name, url in addresses.items()},
        "instructions": [str(told)] if told else [],
        "mcp": {server.name: _described(server) for server in servers},
    }


def _address(provider: str, url: str) -> str:
    version = _VERSIONS[provider]
    return url if not version or url.rstrip("/").endswith(f"/{version}") else f"{url.rstrip('/')}/{version}"


def _described(server: McpServer) -> dict[str, Any]:
    same = {"enabled": True, "timeout": int(ANSWER_SECONDS * 1000)}
    if server.url:
        return {"type": "remote", "url": server.url, "headers": server.headers, **same}
    return {"type": "local", "command": list(server.command), "environment": server.environment, **same}


def _todo(todo: dict[str, Any]) -> tuple[str, str]:
    return first_line(text_of(todo.get("content"))), _STATES.get(text_of(todo.get("status")), "pending")
