"""Decodes a webhook delivery into the one small value that may become a task. Pure; no Starlette, no Redis.

A delivery is a hint: only ids are taken from it, and whether text looks as if it were meant for us. What it says of
people and rights is read again from GitLab by the worker.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.task import Source, Trigger

NOTE: Final = "note"
ISSUE_KINDS: Final = frozenset({"issue", "work_item"})
_COMMAND = re.compile(r"^[ ]{0,3}/agent(?=\s|$)", re.MULTILINE | re.IGNORECASE)

Id = Annotated[int, Field(gt=0, lt=2**53)]


class Malformed(Exception):
    """The body is not what GitLab sends; the message names fields, never values."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Envelope(_Part):
    object_kind: Annotated[str, Field(min_length=1, max_length=100)]


class _Project(_Part):
    id: Id


class _Issue(_Part):
    iid: Id


class _NoteAttributes(_Part):
    id: Id
    note: str = ""
    noteable_type: str = ""
    action: str | None = None
    system: bool | None = False


class _NoteHook(_Part):
    project: _Project
    object_attributes: _NoteAttributes
    issue: _Issue | None = None


class _Label(_Part):
    title: str = ""


class _LabelChange(_Part):
    previous: list[_Label] | None = None
    current: list[_Label] | None = None


class _Changes(_Part):
    labels: _LabelChange | None = None


class _IssueAttributes(_Part):
    iid: Id
    action: str | None = None
    updated_at: Annotated[str, Field(max_length=64)] = ""


class _IssueHook(_Part):
    project: _Project
    object_attributes: _IssueAttributes
    labels: list[_Label] | None = None
    changes: _Changes | None = None


def decode(body: bytes, *, ready_label: str) -> Trigger | None:
    """Give the trigger that *body* tells of, or None for all that does not concern us.

    Raises:
        Malformed: Not JSON, no ``object_kind``, or a known kind with fields of the wrong type.
    """
    try:
        kind = _Envelope.model_validate_json(body).object_kind
        if kind == NOTE:
            return _comment(_NoteHook.model_validate_json(body))
        if kind in ISSUE_KINDS:
            return _labelling(_IssueHook.model_validate_json(body), ready_label)
    except ValidationError as error:
        places = {".".join(str(part) for part in item["loc"]) or item["type"] for item in error.errors()}
        raise Malformed(", ".join(sorted(places))[:200]) from None
    return None


def _comment(hook: _NoteHook) -> Trigger | None:
    note = hook.object_attributes
    # Only a new comment counts: on an edit the hook names the author, whoever edited.
    if note.noteable_type != "Issue" or hook.issue is None or note.system or note.action not in {None, "create"}:
        return None
    if not _COMMAND.search(note.note):
        return None
    return Trigger(source=Source.COMMENT, project_id=hook.project.id, issue_iid=hook.issue.iid, event_id=note.id)


def _labelling(hook: _IssueHook, ready_label: str) -> Trigger | None:
    change = hook.changes.labels if hook.changes else None
    if change is not None:
        before = {label.title for label in change.previous or ()}
        added = {label.title for label in change.current or ()} - before
    elif hook.object_attributes.action == "open":
        added = {label.title for label in hook.labels or ()}
    else:
        added = set()
    if ready_label not in added:
        return None
    return Trigger(
        source=Source.LABEL,
        project_id=hook.project.id,
        issue_iid=hook.object_attributes.iid,
        event_id=0,
        happened_at=hook.object_attributes.updated_at,
    )
