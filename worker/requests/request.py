"""The one value that every way to ask comes to."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Refusal
from core.gitlab.nouns import Item, Project, User
from core.task import Task, Trigger
from worker.conversation.commands import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asks for what, as GitLab tells it now."""

    trigger: Trigger
    """With the event's own id: what is named after it does not depend on who told us."""
    requester: User
    command: Command
    internal: bool = False
    """Whether only members of the project can read it."""
    discussion: str = ""
    """The thread that it stands in; empty: it stands alone."""
    parent_id: int = 0
    """The task that this goes on with; 0: none."""
    refusal: Refusal | None = None
    """What whoever asks is told instead of that the command is carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request with all that it is judged by: what a verb gets."""

    task: Task
    """As it was received."""
    project: Project
    item: Item | None
    """None where it was asked by form or API."""
    request: Request
