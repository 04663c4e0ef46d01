"""The course of one run of an agent that keeps to no limits of its own: what it has come to, and when it is enough.

Codex, opencode and Gemini CLI know no budget, and two of them try for ever to reach a model that does not answer: their
adapters count here, and `runtime.agent` ends the agent when `Course.exhausted` says so.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from runtime.adapters.json_values import first_line
from runtime.adapters.spending import Spending
from runtime.contract import Event, Failure, Order, StepResult

RETRIES: Final = 4
"""How often a call to the model may fail in a row."""
DETAIL_LETTERS: Final = 800
SUMMARY_LETTERS: Final = 100_000
_REFUSED: Final = frozenset({401, 403})
_STATUS: Final = re.compile(r"\b(?:status|code)\W{1,4}(\d{3})\b")


@dataclass(slots=True, kw_only=True)
class Course:
    """What an adapter writes down while it reads."""

    order: Order
    name: str
    """The agent's, as people know it."""
    spending: Spending
    session: str = ""
    said: str = ""
    """Its last words to people."""
    complete: bool = False
    """It has said that it came to its end, and well."""
    problem: str = ""
    """Why it did not, in its words."""
    failure: Failure = Failure.AGENT
    unanswered: int = 0
    """Calls in a row that the model did not answer."""
    stderr: deque[str] = field(default_factory=lambda: deque(maxlen=5))

    @property
    def exhausted(self) -> bool:
        """Whether the agent is to be ended: a limit is passed, or the model is out of reach."""
        return self._limit() is not None or self.unanswered > RETRIES

    @property
    def limited(self) -> bool:
        """Whether there are limits to keep; then no sub-agents, for what they use is told to nobody."""
        return bool(self.order.budget_usd or self.order.max_turns)

    def progress(self, words: str) -> Event:
        """Give the current line."""
        return Event(kind="progress", text=words, turns=self.spending.turns, cost_usd=self.spending.cost_usd)

    def call_failed(self, words: str) -> Iterator[Event | str]:
        """Count a call that the model did not answer."""
        self.unanswered += 1
        self._note(words, Failure.MODEL)
        shown = f"Model API: {first_line(words)}, retry {min(self.unanswered, RETRIES)} of {RETRIES}"
        yield shown
        yield self.progress(shown)

    def fail(self, words: str, failure: Failure = Failure.AGENT) -> None:
        """Note why it does not come to a good end."""
        self.complete = False
        self._note(words, failure)

    def answered(self) -> None:
        """Note that the model answers again."""
        self.unanswered = 0
        self.problem = ""

    def result(self, code: int) -> StepResult:
        """Judge the end."""
        limit = self._limit()
        ok = code == 0 and self.complete and limit is None
        failure, detail = limit or (self.failure, self._detail(code))
        return StepResult(
            ok=ok,
            failure="" if ok else failure,
            detail="" if ok else detail,
            summary=self.said[:SUMMARY_LETTERS] if ok else "",
            cost_usd=round(self.spending.cost_usd, 6),
            tokens=self.spending.tokens,
            turns=self.spending.turns,
            session=self.session,
        )

    def _note(self, words: str, failure: Failure) -> None:
        self.problem = words[:DETAIL_LETTERS]
        found = _STATUS.search(words.lower())
        self.failure = failure_of(int(found[1])) if found else failure

    def _limit(self) -> tuple[Failure, str] | None:
        budget, turns = self.order.budget_usd, self.order.max_turns
        if budget and self.spending.cost_usd >= budget:
            return Failure.BUDGET, f"stopped at ${self.spending.cost_usd:.2f} of ${budget:.2f}"
        if turns and self.spending.turns >= turns and not self.complete:
            return Failure.TURNS, f"stopped after {self.spending.turns} of {turns} turns"
        return None

    def _detail(self, code: int) -> str:
        words = first_line(self.problem) or first_line(" ".join(self.stderr)) or "it gave no result"
        return f"{self.name} ended with code {code}: {words}"


def failure_of(status: int) -> Failure:
    """Say what an HTTP status of the model's API amounts to."""
    return Failure.CREDENTIALS if status in _REFUSED else Failure.MODEL
