"""Turns GitLab's answers into `core.gitlab.nouns`; one that lacks what we need is GitLab's trouble, not a traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from core.errors import GitLabUnavailable
from core.gitlab.nouns import (
    PRIVATE,
    Commit,
    Discussion,
    Issue,
    LabelEvent,
    MergeRequest,
    Note,
    Position,
    Project,
    User,
)

P = ParamSpec("P")
T = TypeVar("T")


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
        created_at=str(value.get("created_at") or value["updated_at"]),
        assignees=tuple(user_of(person) for person in value.get("assignees") or ()),
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
        is_in_thread=bool(value.get("type")),
        position=position_of(value["position"]) if value.get("position") else None,
    )


@_checked
def position_of(value: dict[str, Any]) -> Position:
    """Read a comment's place in a diff."""
    new, old = int(value.get("new_line") or 0), int(value.get("old_line") or 0)
    start = (value.get("line_range") or {}).get("start") or {}
    return Position(
        path=str(value.get("new_path") or value.get("old_path") or ""),
        old_path=str(value.get("old_path") or ""),
        new_line=new,
        old_line=old,
        start_line=int(start.get("new_line") or start.get("old_line") or new or old),
        head_sha=str(value.get("head_sha") or ""),
    )


@_checked
def discussion_of(value: dict[str, Any]) -> Discussion:
    """Read a thread, without what GitLab itself wrote into it."""
    notes = tuple(note_of(item) for item in value["notes"] if not item.get("system"))
    return Discussion(id=str(value["id"]), notes=notes, is_thread=not value.get("individual_note"))


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
    """Read a merge request; lists leave the diff's commits out."""
    refs = value.get("diff_refs") or {}
    return MergeRequest(
        iid=int(value["iid"]),
        project_id=int(value["project_id"]),
        title=str(value["title"]),
        description=str(value.get("description") or ""),
        author=user_of(value.get("author")),
        labels=tuple(str(label) for label in value.get("labels") or ()),
        state=str(value["state"]),
        updated_at=str(value["updated_at"]),
        web_url=str(value["web_url"]),
        source_branch=str(value["source_branch"]),
        target_branch=str(value["target_branch"]),
        source_project_id=int(value.get("source_project_id") or 0),
        sha=str(value.get("sha") or ""),
        base_sha=str(refs.get("base_sha") or ""),
        start_sha=str(refs.get("start_sha") or ""),
        is_draft=bool(value.get("draft")),
        allow_collaboration=bool(value.get("allow_collaboration")),
        reviewers=tuple(user_of(person) for person in value.get("reviewers") or ()),
        created_at=str(value.get("created_at") or value["updated_at"]),
        assignees=tuple(user_of(person) for person in value.get("assignees") or ()),
    )


@_checked
def tip_of(value: dict[str, Any]) -> Commit:
    """Read the commit that a branch is at."""
    commit = value["commit"]
    parents = tuple(str(parent) for parent in commit.get("parent_ids") or ())
    return Commit(id=str(commit["id"]), parents=parents, message=str(commit.get("message") or ""))
