"""What GitLab's answers are turned into: small frozen values with the fields that we use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from core.errors import GitLabUnavailable

PRIVATE = "private"

P = ParamSpec("P")
T = TypeVar("T")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEvent:
    """Somebody added or removed a label."""

    id: int
    label: str
    action: str
    user: User | None
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """A merge request as far as we look at it."""

    iid: int
    web_url: str
    state: str


def _checked(read: Callable[P, T]) -> Callable[P, T]:
    """Have *read* take an object that lacks what we need for a GitLab that is not well."""

    @wraps(read)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            noun = read.__name__.removesuffix("_of").replace("_", " ")
            raise GitLabUnavailable(f"GitLab's answer is no {noun}: {type(error).__name__}") from error

    return checked


@_checked
def user_of(value: dict[str, Any] | None) -> User:
    """Read a user; a vanished one (null) gets the id 0, which is nobody's."""
    value = value or {}
    return User(
        id=int(value.get("id") or 0),
        username=str(value.get("username") or ""),
        name=str(value.get("name") or ""),
        bot=bool(value.get("bot")),
    )


@_checked
def project_of(value: dict[str, Any]) -> Project:
    """Read a project."""
    return Project(
        id=int(value["id"]),
        path=str(value["path_with_namespace"]),
        default_branch=str(value.get("default_branch") or ""),
        visibility=str(value.get("visibility") or PRIVATE),
        archived=bool(value.get("archived")),
        empty=bool(value.get("empty_repo")),
        clone_url=str(value["http_url_to_repo"]),
        web_url=str(value["web_url"]),
    )


@_checked
def issue_of(value: dict[str, Any]) -> Issue:
    """Read an issue."""
    return Issue(
        iid=int(value["iid"]),
        project_id=int(value["project_id"]),
        title=str(value["title"]),
        description=str(value.get("description") or ""),
        author=user_of(value.get("author")),
        labels=tuple(str(label) for label in value.get("labels") or ()),
        confidential=bool(value.get("confidential")),
        is_open=value.get("state") == "opened",
        updated_at=str(value["updated_at"]),
        web_url=str(value["web_url"]),
    )


@_checked
def note_of(value: dict[str, Any]) -> Note:
    """Read a comment."""
    return Note(
        id=int(value["id"]),
        body=str(value.get("body") or ""),
        author=user_of(value.get("author")),
        created_at=str(value["created_at"]),
        updated_at=str(value.get("updated_at") or value["created_at"]),
        system=bool(value.get("system")),
        internal=bool(value.get("internal") or value.get("confidential")),
    )


@_checked
def label_event_of(value: dict[str, Any]) -> LabelEvent:
    """Read a label event; the label is null once it was deleted."""
    return LabelEvent(
        id=int(value["id"]),
        label=str((value.get("label") or {}).get("name") or ""),
        action=str(value["action"]),
        user=user_of(value["user"]) if value.get("user") else None,
        created_at=str(value["created_at"]),
    )


@_checked
def merge_request_of(value: dict[str, Any]) -> MergeRequest:
    """Read a merge request."""
    return MergeRequest(iid=int(value["iid"]), web_url=str(value["web_url"]), state=str(value["state"]))


@_checked
def tip_of(value: dict[str, Any]) -> Commit:
    """Read the commit that a branch is at."""
    commit = value["commit"]
    parents = tuple(str(parent) for parent in commit.get("parent_ids") or ())
    return Commit(id=str(commit["id"]), parents=parents, message=str(commit.get("message") or ""))
