"""The values that a task's context is made of: who wrote what, and whether they may instruct the agent. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something that somebody wrote: hostile, unless *is_trusted*, and untidy all the same."""

    author: str
    """A username; "you" for the bot itself."""
    at: str
    body: str
    is_trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """The lines of a diff that a comment hangs on."""

    path: str
    first: int
    last: int
    is_new: bool
    """Whether the lines are counted in the file after the change."""
    excerpt: str
    """The diff around them; empty where they are not in the diff any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A linked issue or merge request. Hostile."""

    reference: str
    title: str
    state: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that hangs on one of the texts. *name* is ours, *was* its uploader's: hostile."""

    name: str
    was: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A task that this one goes on with: what was asked, and what the agent said of its work (hostile)."""

    prompt: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a task's context is made of."""

    item: Remark | None = None
    """The issue's or merge request's description."""
    title: str = ""
    """The issue's or merge request's, by the author of *item*."""
    thread: tuple[Remark, ...] = ()
    """The discussion that the command hangs on, the oldest first."""
    spot: Spot | None = None
    conversation: tuple[Remark, ...] = ()
    """What else was said there, the oldest first."""
    neighbours: tuple[Neighbour, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    left_out: tuple[str, ...] = ()
    """Attachments that were not taken, each with the reason; the names are hostile."""
    diff: str = ""
    """What a merge request changes. Hostile."""
