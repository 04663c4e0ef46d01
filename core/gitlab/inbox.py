"""The calls by which we find what was asked of us while nobody told: lists of what has changed, and our to-dos."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from core.gitlab.nouns import Issue, MergeRequest, Note
from core.gitlab.reading import issue_of, merge_request_of, note_of
from core.gitlab.transport import Transport
from core.task import Noteable, Place

ACTIVITY_READ: Final = 300
"""System notes of one issue or merge request, the newest first."""
TODOS_READ: Final = 500
CHANGED_READ: Final = 10_000
"""After a long outage of ours, in all that the bot may see."""
_PLACES: Final = {"Issue": Place.ISSUE, "WorkItem": Place.ISSUE, "MergeRequest": Place.MERGE_REQUEST}
_NOTE: Final = re.compile(r"#note_([1-9][0-9]{0,17})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """Something that GitLab put on the bot's list. *note_id* is 0 where it is not about a comment."""

    on: Noteable
    action: str
    note_id: int
    created_at: str


class InboxCalls:
    """A part of `core.gitlab.client.GitLab`."""

    _api: Transport

    def issues_since(self, moment: str) -> list[Issue]:
        """List open issues that changed after *moment* (ISO 8601), in every project that the bot may see."""
        return [issue_of(item) for item in self._changed_since("issues", moment)]

    def merge_requests_since(self, moment: str) -> list[MergeRequest]:
        """List open merge requests that changed after *moment*, in every project that the bot may see."""
        return [merge_request_of(item) for item in self._changed_since("merge_requests", moment)]

    def own_merge_requests(self) -> list[MergeRequest]:
        """List the bot's own open merge requests."""
        found = self._api.read_all(
            "own_merge_requests", "/merge_requests", scope="created_by_me", state="opened", order_by="updated_at"
        )
        return [merge_request_of(item) for item in found]

    def own_merge_requests_since(self, moment: str) -> list[MergeRequest]:
        """List the bot's own merge requests that changed after *moment*, in whatever state."""
        found = self._api.read_all(
            "own_merge_requests", "/merge_requests", limit=CHANGED_READ, scope="created_by_me", state="all",
            updated_after=moment, order_by="updated_at", sort="asc",
        )  # fmt: skip
        return [merge_request_of(item) for item in found]

    def todos(self) -> list[Todo]:
        """List what is on the bot's to-do list about issues and merge requests, the newest first."""
        found = self._api.read_all("todos", "/todos", limit=TODOS_READ, state="pending")
        return [todo for item in found if (todo := _todo_of(item)) is not None]

    def activity(self, on: Noteable) -> list[Note]:
        """List what GitLab itself wrote on an issue or merge request, the newest first."""
        found = self._api.read_all(
            "activity", f"{on.path}/notes", limit=ACTIVITY_READ, sort="desc", order_by="created_at",
            activity_filter="only_activity",
        )  # fmt: skip
        return [note_of(item) for item in found if item.get("system")]

    def failed_pipelines(self, project_id: int, moment: str) -> list[tuple[int, str]]:
        """List the pipelines of a project that failed after *moment*: id and ref of each."""
        found = self._api.read_all(
            "failed_pipelines", f"/projects/{project_id}/pipelines", status="failed", updated_after=moment
        )
        return [(int(item["id"]), str(item.get("ref") or "")) for item in found if item.get("id")]

    def pipeline_ref(self, project_id: int, pipeline_id: int) -> str:
        """Give the branch of a pipeline (for a merge request's, a ref of GitLab's own)."""
        path = f"/projects/{project_id}/pipelines/{pipeline_id}"
        return str(self._api.read("pipeline_ref", path).get("ref") or "")

    def _changed_since(self, noun: str, moment: str) -> list[dict[str, Any]]:
        return self._api.read_all(
            noun, f"/{noun}", limit=CHANGED_READ, scope="all", state="opened", updated_after=moment,
            order_by="updated_at", sort="asc",
        )  # fmt: skip


def _todo_of(value: dict[str, Any]) -> Todo | None:
    """Read a to-do; None for one about anything else, such as an epic, which has no project."""
    target, project = value.get("target") or {}, value.get("project") or {}
    place = _PLACES.get(str(value.get("target_type")))
    if place is None or not target.get("iid") or not project.get("id"):
        return None
    note = _NOTE.search(str(value.get("target_url") or ""))
    return Todo(
        on=Noteable(project_id=int(project["id"]), place=place, iid=int(target["iid"])),
        action=str(value.get("action_name") or ""),
        note_id=int(note[1]) if note else 0,
        created_at=str(value.get("created_at") or ""),
    )
