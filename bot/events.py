"""Decodes a webhook delivery into the one small value that may become a task. Pure; no Starlette, no Redis.

A delivery is a hint: only ids are taken from it, and whether it looks as if something were asked of us. What it says of
people and rights is read again from GitLab by the worker, so that a hint too many costs one silent task.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError

from bot.shapes import (
    Envelope,
    ItemAttributes,
    ItemHook,
    Label,
    NoteHook,
    Numbered,
    PeopleChange,
    Person,
    PipelineHook,
)
from core.identity import Identity
from core.task import BRANCH_PREFIX, Noteable, Place, Source, Trigger

NOTE: Final = "note"
PIPELINE: Final = "pipeline"
PLACES: Final = {"issue": Place.ISSUE, "work_item": Place.ISSUE, "merge_request": Place.MERGE_REQUEST}
"""The kinds that tell of a change. Tasks and incidents come as ``work_item`` and are issues to the API."""
_COMMAND = re.compile(r"^[ ]{0,3}/agent(?=\s|$)", re.MULTILINE | re.IGNORECASE)


class Malformed(Exception):
    """The body is not what GitLab sends; the message names fields, never values."""


def decode(body: bytes, *, ready_label: str, bot: Identity | None = None) -> Trigger | None:
    """Give the trigger that *body* tells of, or None for all that does not concern us.

    While nobody knows who the *bot* is, whatever could be meant for it is taken for a trigger.

    Raises:
        Malformed: Not JSON, neither ``object_kind`` nor ``event_name``, or a kind that concerns us with a field of the
            wrong type.
    """
    try:
        envelope = Envelope.model_validate_json(body)
        if envelope.object_kind == NOTE:
            return _comment(NoteHook.model_validate_json(body), bot)
        if envelope.object_kind == PIPELINE:
            return _pipeline(PipelineHook.model_validate_json(body))
        if envelope.object_kind in PLACES:
            place = PLACES[envelope.object_kind]
            return _change(ItemHook.model_validate_json(body), place, ready_label, bot)
    except ValidationError as error:
        fields = {".".join(str(part) for part in item["loc"]) or item["type"] for item in error.errors()}
        raise Malformed(", ".join(sorted(fields))[:200]) from None
    if not envelope.object_kind and not envelope.event_name:
        raise Malformed("object_kind")
    return None


def _comment(hook: NoteHook, bot: Identity | None) -> Trigger | None:
    note = hook.object_attributes
    # Only a new comment counts: on an edit the hook names the author, whoever edited.
    if note is None or note.system or note.action not in {None, "create"} or _is_ours(note.author_id, bot):
        return None
    if not _is_for_us(note.note or "", bot):
        return None
    issue = _on(hook.of_project, Place.ISSUE, hook.issue or hook.work_item)
    request = _on(hook.of_project, Place.MERGE_REQUEST, hook.merge_request)
    on = {"Issue": issue, "WorkItem": issue, "MergeRequest": request}.get(note.noteable_type or "")
    return _trigger(Source.COMMENT, on, note.id)


def _change(hook: ItemHook, place: Place, ready_label: str, bot: Identity | None) -> Trigger | None:
    item = hook.object_attributes
    if item is None or _is_ours(hook.user.id if hook.user else None, bot):
        return None
    source = _asked_by(hook, item, ready_label, bot)
    if source is None:
        return None
    return _trigger(source, _on(hook.of_project, place, item), 0, item.updated_at or "")


def _asked_by(hook: ItemHook, item: ItemAttributes, ready_label: str, bot: Identity | None) -> Source | None:
    changes, is_new = hook.changes, item.action == "open"
    if ready_label in _added_labels(hook, item, is_new=is_new):
        return Source.LABEL
    if _is_added(changes.assignees if changes else None, hook.assignees if is_new else None, bot):
        return Source.ASSIGNMENT
    if _is_added(changes.reviewers if changes else None, hook.reviewers if is_new else None, bot):
        return Source.REVIEW_REQUEST
    return None


def _added_labels(hook: ItemHook, item: ItemAttributes, *, is_new: bool) -> set[str | None]:
    change = hook.changes.labels if hook.changes else None
    before = _titles(change.previous if change else None)
    now = _titles(change.current if change else None)
    # What a new issue was opened with need not be among the changes.
    opened_with = _titles(hook.labels) | _titles(item.labels) if is_new else set()
    return (now - before) | opened_with


def _is_added(change: PeopleChange | None, opened_with: list[Person | None] | None, bot: Identity | None) -> bool:
    before = {person.id for person in _listed(change.previous if change else None)}
    now = [*_listed(change.current if change else None), *_listed(opened_with)]
    added = [person for person in now if person.id not in before or person.re_requested]
    return any(bot is None or person.id in bot.ids for person in added)


def _pipeline(hook: PipelineHook) -> Trigger | None:
    pipeline, request = hook.object_attributes, hook.merge_request
    # A child's failure is its parent's, where it matters to the parent.
    if pipeline is None or pipeline.status != "failed" or pipeline.tag or hook.source_pipeline:
        return None
    branch = (request.source_branch if request else None) or pipeline.ref or ""
    if not branch.startswith(BRANCH_PREFIX):
        return None
    if request is not None:
        project_id = request.target_project_id or hook.of_project
        return _trigger(Source.PIPELINE, _on(project_id, Place.MERGE_REQUEST, request), pipeline.id)
    # A branch's pipeline names no merge request: the worker looks for the branch's.
    nowhere = Noteable(project_id=hook.of_project, place=Place.NOWHERE, iid=0) if hook.of_project else None
    return _trigger(Source.PIPELINE, nowhere, pipeline.id)


def _trigger(source: Source, on: Noteable | None, event_id: int | None, happened_at: str = "") -> Trigger | None:
    """Give the trigger, unless an id is missing: then it is none of ours."""
    if on is None or event_id is None:
        return None
    return Trigger(
        source=source,
        place=on.place,
        project_id=on.project_id,
        iid=on.iid,
        event_id=event_id,
        happened_at=happened_at,
    )


def _on(project_id: int, place: Place, item: Numbered | ItemAttributes | None) -> Noteable | None:
    """Name what it hangs on; an epic of a group has no project."""
    if not project_id or item is None or not item.iid:
        return None
    return Noteable(project_id=project_id, place=place, iid=item.iid)


def _is_ours(user_id: int | None, bot: Identity | None) -> bool:
    return bot is not None and user_id in bot.ids


def _is_for_us(text: str, bot: Identity | None) -> bool:
    mention = f"@{bot.username}".lower() if bot else "@"
    return bool(_COMMAND.search(text)) or mention in text.lower()


def _titles(labels: Iterable[Label | None] | None) -> set[str | None]:
    return {label.title for label in labels or () if label}


def _listed(people: Iterable[Person | None] | None) -> list[Person]:
    return [person for person in people or () if person]
