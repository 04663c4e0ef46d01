"""What may come of a command: work that is queued, or words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Queued:
    """The task is to be worked on, with these of its fields."""

    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """Nothing is to be worked on; *text* is the answer, Markdown of ours."""

    text: str


Outcome = Queued | Answered
