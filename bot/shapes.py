"""The parts of GitLab's payloads that we look at, and how lenient we are with each. Pure.

What names a thing (ids) has to be of its type. What merely hints at something (changes, labels, people) counts as
absent where it is not what we expect: GitLab leaves such keys out, writes null or an empty list, and has changed their
shape before.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

T = TypeVar("T")
Id = Annotated[int, Field(gt=0, lt=2**63)]


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


def _as_pair(value: Any) -> Any:
    """Read a change told as a list of two: what was, and what is."""
    return dict(zip(("previous", "current"), value, strict=False)) if isinstance(value, list) else value


Hint = Annotated[T | None, WrapValidator(_or_none)]


class Part(BaseModel):
    """Some of an object's keys; the others are not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Envelope(Part):
    """What kind of delivery it is. Those of groups and of the system have an *event_name* alone."""

    object_kind: Annotated[str, Field(max_length=100)] | None = None
    event_name: Hint[str] = None


class Thing(Part):
    """Something that is known by its id."""

    id: Id | None = None


class Numbered(Part):
    """An issue or merge request: known by its number in the project."""

    iid: Id | None = None
    source_branch: Hint[str] = None
    target_project_id: Hint[Id] = None


class Label(Part):
    """A label; hooks call its name a title."""

    title: Hint[str] = None


class Person(Part):
    """Somebody as lists and changes show them."""

    id: Hint[Id] = None
    re_requested: Hint[bool] = None


class LabelChange(Part):
    """The labels before and after."""

    previous: Hint[list[Label | None]] = None
    current: Hint[list[Label | None]] = None


class PeopleChange(Part):
    """Assignees or reviewers before and after."""

    previous: Hint[list[Person | None]] = None
    current: Hint[list[Person | None]] = None


class Changes(Part):
    """What an update changed."""

    labels: Hint[LabelChange] = None
    assignees: Hint[PeopleChange] = None
    reviewers: Hint[Annotated[PeopleChange, BeforeValidator(_as_pair)]] = None


class NoteAttributes(Part):
    """A comment."""

    id: Id | None = None
    note: str | None = None
    noteable_type: str | None = None
    action: Hint[str] = None
    system: Hint[bool] = None
    author_id: Hint[Id] = None


class ItemAttributes(Part):
    """An issue or merge request."""

    iid: Id | None = None
    action: Hint[str] = None
    updated_at: Hint[Annotated[str, Field(max_length=64)]] = None
    labels: Hint[list[Label | None]] = None
    state: Hint[str] = None
    source_branch: Hint[str] = None


class PipelineAttributes(Part):
    """A pipeline."""

    id: Id | None = None
    status: str | None = None
    ref: Hint[str] = None
    tag: Hint[bool] = None


class Hook(Part):
    """What every delivery about a project has; *project* is null for what belongs to a group."""

    project: Thing | None = None
    project_id: Hint[Id] = None
    user: Hint[Thing] = None

    @property
    def of_project(self) -> int:
        """The project's id, 0 where there is none."""
        return (self.project.id if self.project else None) or self.project_id or 0


class NoteHook(Hook):
    """Somebody commented."""

    object_attributes: NoteAttributes | None
    issue: Numbered | None = None
    work_item: Numbered | None = None
    merge_request: Numbered | None = None


class ItemHook(Hook):
    """An issue, task, incident or merge request was opened or changed."""

    object_attributes: ItemAttributes | None
    labels: Hint[list[Label | None]] = None
    assignees: Hint[list[Person | None]] = None
    reviewers: Hint[list[Person | None]] = None
    changes: Hint[Changes] = None


class PipelineHook(Hook):
    """A pipeline has come to another status."""

    object_attributes: PipelineAttributes | None
    merge_request: Numbered | None = None
    source_pipeline: Hint[dict[str, Any]] = None
