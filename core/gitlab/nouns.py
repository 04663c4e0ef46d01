"""What GitLab's answers are turned into: small frozen values with the fields that we use."""

from __future__ import annotations

from dataclasses import dataclass

PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user, known by *id*; names can change and can be chosen to deceive."""

    id: int
    username: str
    name: str = ""
    bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project; *visibility* is private, internal or public."""

    id: int
    path: str
    default_branch: str
    visibility: str
    archived: bool
    empty: bool
    clone_url: str
    web_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit; *message* is whatever its author wrote."""

    id: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue (or task, or incident)."""

    iid: int
    project_id: int
    title: str
    description: str
    author: User
    labels: tuple[str, ...]
    confidential: bool
    is_open: bool
    updated_at: str
    web_url: str
    created_at: str = ""
    assignees: tuple[User, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """A merge request; *state* is opened, closed, locked or merged."""

    iid: int
    project_id: int
    title: str
    description: str
    author: User
    labels: tuple[str, ...]
    state: str
    updated_at: str
    web_url: str
    source_branch: str
    target_branch: str
    source_project_id: int
    sha: str
    """The head of the source branch."""
    base_sha: str
    """Where it left the target branch; empty until GitLab has prepared the diff, as *start_sha*."""
    start_sha: str
    is_draft: bool
    reviewers: tuple[User, ...]
    allow_collaboration: bool = False
    """Of one from a fork: whether who may merge here may push there."""
    created_at: str = ""
    assignees: tuple[User, ...] = ()
    confidential: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it can still be worked on."""
        return self.state == "opened"

    @property
    def is_from_fork(self) -> bool:
        """Whether its source branch lies in another project."""
        return self.source_project_id != self.project_id


Item = Issue | MergeRequest
"""What people comment on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment."""

    id: int
    body: str
    author: User
    created_at: str
    updated_at: str
    system: bool
    internal: bool
    is_in_thread: bool = False
    position: Position | None = None
    """Where in the diff it hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a merge request's diff; a line is 0 on the side where it is not."""

    path: str
    old_path: str
    new_line: int
    old_line: int
    start_line: int
    """Of a comment on several lines, the first (new side where there is one); else the same line."""
    head_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discussion:
    """A thread of comments, the oldest first; *is_thread* is False for a comment that stands alone."""

    id: str
    notes: tuple[Note, ...]
    is_thread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEvent:
    """Somebody added or removed a label."""

    id: int
    label: str
    action: str
    user: User | None
    created_at: str
