"""Claude Code as an agent: its command line, its stream of JSON lines, and what its end means.

What was measured about it decides the flags and the reading: nothing of the repository's own settings is honoured,
``subtype`` says "success" for failed calls, a run may print several results, and its costs add up over sessions.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from runtime.adapters.claude_checklist import Checklist
from runtime.adapters.claude_stream import tell_tool
from runtime.adapters.course import RETRIES, failure_of
from runtime.adapters.json_values import blocks, decode, dig, first_line, number, text_of
from runtime.adapters.private_file import write_private
from runtime.adapters.prompt import instructions, prompt
from runtime.contract import Event, Failure, StepResult
from runtime.mcp import ANSWER_SECONDS, McpServer
from runtime.sandbox import Sandbox

MESSAGE_IDS_LIMIT: Final = 100_000
DETAIL_LETTERS: Final = 800
SETTINGS: Final = '{"attribution":{"commit":"","pr":""},"disableAllHooks":true}'
VARIABLES: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    "CLAUDE_CODE_MAX_RETRIES": f"{RETRIES}",
    # Without it, a server that takes longer than 30 s is missing, although it has answered us.
    "MCP_TIMEOUT": f"{ANSWER_SECONDS * 1000:.0f}",
}
_OUT_OF_REACH: Final = re.compile(r"\b(?:API Error|Unable to connect|ECONN|ENOTFOUND|timed out|Connection error)")


class ClaudeAdapter:
    """Runs ``claude -p`` and follows its stream."""

    def __init__(self, sandbox: Sandbox, servers: Sequence[McpServer] = (), resume: Path | None = None) -> None:
        self._sandbox = sandbox
        self._servers = servers
        self._resume = resume
        self._session = str(uuid.uuid4())
        self._checklist = Checklist()
        self._stderr: deque[str] = deque(maxlen=5)
        self._spent = _Spent()
        self._last: dict[str, Any] = {}
        self.finished = False
        self.exhausted = False

    def prepare(self) -> None:
        """Write the servers where only the agent's user reads: their credentials are in no argument list."""
        servers = {server.name: _described(server) for server in self._servers}
        write_private(self._servers_file, json.dumps({"mcpServers": servers}))

    def arguments(self) -> list[str]:
        """Give the command line; instructions are the default branch's, MCP servers those that we were given."""
        order = self._sandbox.order
        line = ["claude", "-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages"]
        line += ["--dangerously-skip-permissions", "--setting-sources", "user", "--settings", SETTINGS]
        line += ["--strict-mcp-config"]
        line += ["--resume", str(self._resume)] if self._resume else ["--session-id", self._session]
        line += ["--mcp-config", str(self._servers_file)] if self._servers else []
        if found := instructions(self._sandbox, "CLAUDE.md", "AGENTS.md"):
            line += ["--append-system-prompt-file", str(found)]
        line += ["--model", order.model] if order.model else []
        line += ["--max-turns", str(order.max_turns)] if order.max_turns else []
        if order.budget_usd:
            line += ["--max-budget-usd", f"{order.budget_usd:g}"]
        return line

    def environment(self) -> dict[str, str]:
        """Turn off what phones home and turn on the checklist; root is fine here, for this is the sandbox."""
        root = {"IS_SANDBOX": "1"} if os.geteuid() == 0 else {}
        return {**VARIABLES, **root, "CLAUDE_CONFIG_DIR": str(self._config)}

    def stdin(self) -> str:
        """Give the prompt."""
        return prompt(self._sandbox)

    def read(self, line: str, *, from_stderr: bool) -> Iterator[Event | str]:
        """Turn one line of the stream into what people want to see of it."""
        message = None if from_stderr else decode(line)
        if message is None:
            if line.strip():
                self._stderr.append(line.strip()[:DETAIL_LETTERS])
                yield line
            return
        match message.get("type"):
            case "system":
                yield from self._read_system(message)
            case "assistant":
                self.finished = False
                yield from self._read_assistant(message)
            case "user":
                yield from self._read_tool_results(message)
            case "stream_event":
                self._spent.count_delta(message)
            case "result":
                self.finished = True
                self._last = message
                self._spent.count_result(message)

    def result(self, code: int) -> StepResult:
        """Judge by the last result: ``is_error`` beats ``subtype``, and no result is no success."""
        ok = code == 0 and self._last.get("is_error") is False
        return StepResult(
            ok=ok,
            failure="" if ok else self._failure,
            detail="" if ok else self._detail(code),
            summary=text_of(self._last.get("result")) if ok else "",
            cost_usd=round(self._spent.cost_usd, 6),
            tokens=self._spent.tokens,
            turns=self._turns,
            session=self._session,
        )

    def transcript(self) -> Path | None:
        """Give the session's file: the one that was resumed grows, a new one has the session's name."""
        if self._resume:
            return self._resume
        found = self._config.glob(f"projects/*/{self._session}.jsonl")
        return next(found, None)

    @property
    def _config(self) -> Path:
        return self._sandbox.home / ".claude"

    @property
    def _servers_file(self) -> Path:
        return self._sandbox.home / "mcp.json"

    @property
    def _turns(self) -> int:
        # Its own count has every tool call of a turn in it.
        return len(self._spent.message_ids) or int(number(self._last.get("num_turns")))

    @property
    def _failure(self) -> Failure:
        match self._last.get("subtype"):
            case "error_max_budget_usd":
                return Failure.BUDGET
            case "error_max_turns":
                return Failure.TURNS
        status, words = self._status, text_of(self._last.get("result"))
        return failure_of(status) if status or _OUT_OF_REACH.search(words) else Failure.AGENT

    @property
    def _status(self) -> int:
        return int(number(self._last.get("api_error_status")))

    def _detail(self, code: int) -> str:
        order = self._sandbox.order
        if self._failure is Failure.BUDGET:
            return f"stopped at ${self._spent.cost_usd:.2f} of ${order.budget_usd:.2f}"
        if self._failure is Failure.TURNS:
            return f"stopped after {self._turns} of {order.max_turns} turns"
        errors = self._last.get("errors")
        listed = "; ".join(filter(None, map(text_of, errors))) if isinstance(errors, list) else ""
        said = text_of(self._last.get("result")) or listed or " ".join(self._stderr)
        words = first_line(said) or "it gave no result"
        status = f", model API status {self._status}" if self._status else ""
        return f"claude ended with code {code}{status}: {words}"

    def _read_system(self, message: dict[str, Any]) -> Iterator[Event | str]:
        match message.get("subtype"):
            case "init":
                self.finished = False
                self._session = text_of(message.get("session_id"))[:100] or self._session
                yield f"Claude Code started, model {text_of(message.get('model')) or 'unknown'}"
                for server in blocks(message.get("mcp_servers")):
                    if server.get("status") != "connected":
                        name, status = text_of(server.get("name")), text_of(server.get("status"))
                        words = f"MCP server {name} is not there when Claude Code begins: {status}"
                        yield words
                        yield Event(kind="notice", text=words)
            case "api_retry":
                attempt, most = (int(number(message.get(name))) for name in ("attempt", "max_retries"))
                words = f"Model API: {text_of(message.get('error')) or 'error'}, retry {attempt} of {most}"
                yield words
                yield self._progress(words)
            case "permission_denied":
                yield f"Denied: {text_of(message.get('tool_name'))}"

    def _read_assistant(self, message: dict[str, Any]) -> Iterator[Event | str]:
        nested = bool(message.get("parent_tool_use_id"))
        if not nested and len(self._spent.message_ids) < MESSAGE_IDS_LIMIT:
            self._spent.message_ids.add(text_of(dig(message, "message", "id")))
        margin = "  " if nested else ""
        for block in blocks(dig(message, "message", "content")):
            if block.get("type") == "text":
                yield margin + text_of(block.get("text")).strip()
            if block.get("type") == "tool_use":
                told = tell_tool(block, str(self._sandbox.repo))
                yield margin + told.log
                if told.progress:
                    yield self._progress(told.progress)
                yield from self._checklist.take_call(block)

    def _read_tool_results(self, message: dict[str, Any]) -> Iterator[Event | str]:
        yield from self._checklist.take_answer(message)
        for block in blocks(dig(message, "message", "content")):
            if block.get("type") == "tool_result" and block.get("is_error") is True:
                content = block.get("content")
                texts = [text_of(content), *(text_of(part.get("text")) for part in blocks(content))]
                yield f"  failed: {first_line(' '.join(texts))}"

    def _progress(self, words: str) -> Event:
        return Event(kind="progress", text=words, turns=self._turns, cost_usd=self._spent.cost_usd)


def _described(server: McpServer) -> dict[str, Any]:
    if server.url:
        return {"type": "http", "url": server.url, "headers": server.headers}
    program, *arguments = server.command
    return {"command": program, "args": arguments, "env": server.environment}


@dataclass(slots=True)
class _Spent:
    """What the run has used so far. The stream's own totals go over all of a session's runs: we add up this run's."""

    cost_usd: float = 0.0
    result_tokens: int = 0
    delta_tokens: int = 0
    message_ids: set[str] = field(default_factory=set)

    @property
    def tokens(self) -> int:
        """All tokens by the results; where a killed run left none, those that it had written."""
        return self.result_tokens or self.delta_tokens

    def count_delta(self, message: dict[str, Any]) -> None:
        """Add a finished answer's tokens: the ``assistant`` lines hold the figure from its beginning."""
        self.delta_tokens += int(number(dig(message, "event", "usage", "output_tokens")))

    def count_result(self, message: dict[str, Any]) -> None:
        """Add a result's share."""
        models = message.get("model_usage_since_last_result")
        if not isinstance(models, dict):
            self.cost_usd = number(message.get("total_cost_usd"))
            models = message.get("modelUsage")
        else:
            self.cost_usd += sum(number(dig(used, "costUSD")) for used in models.values())
        counted = list(models.values()) if isinstance(models, dict) else []
        self.result_tokens += sum(int(number(dig(used, name))) for used in counted for name in _TOKENS)


_TOKENS: Final = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
