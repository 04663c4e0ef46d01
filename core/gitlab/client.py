"""The calls that we make to GitLab, each named for what it means to us. Blocking; one client a process.

Errors are `core.errors.GitLabError` and its kinds. What has no idempotency key on GitLab's side (comments, merge
requests) is looked for by its caller before it is written.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from core.errors import GitLabConflict, GitLabError, GitLabNotFound
from core.gitlab.access_tokens import AccessTokenCalls
from core.gitlab.changes import ChangeCalls
from core.gitlab.ci import PipelineCalls
from core.gitlab.hooks import HookCalls
from core.gitlab.inbox import InboxCalls
from core.gitlab.neighbours import NeighbourCalls
from core.gitlab.nouns import Commit, Discussion, Issue, Item, LabelEvent, MergeRequest, Note, Project, User
from core.gitlab.reading import (
    discussion_of,
    issue_of,
    label_event_of,
    merge_request_of,
    note_of,
    project_of,
    tip_of,
    user_of,
)
from core.gitlab.transport import Transport
from core.settings import Settings
from core.task import Noteable, Place


class GitLab(AccessTokenCalls, ChangeCalls, HookCalls, InboxCalls, NeighbourCalls, PipelineCalls):
    """GitLab as the bot's user sees it."""

    def __init__(self, transport: Transport) -> None:
        self._api = transport
        self._me: User | None = None

    def me(self, *, anew: bool = False) -> User:
        """Give the bot's own user; asked once a process, or *anew*: it may have been renamed."""
        if self._me is None or anew:
            self._me = user_of(self._api.read("me", "/user"))
        return self._me

    def user(self, user_id: int) -> User:
        """Read a user, with *bot* as GitLab knows it."""
        return user_of(self._api.read("user", f"/users/{user_id}"))

    def find_user(self, username: str) -> User | None:
        """Find a user by the name that stands behind an @; None where there is none."""
        found = self._api.read_all("find_user", "/users", limit=1, username=username)
        return user_of(found[0]) if found else None

    def project(self, project_id: int) -> Project:
        """Read a project by its id."""
        return project_of(self._api.read("project", f"/projects/{project_id}"))

    def project_at(self, path: str) -> Project:
        """Read a project by its full path."""
        return project_of(self._api.read("project", f"/projects/{quote(path, safe='')}"))

    def access_level(self, project_id: int, user_id: int) -> int:
        """Give a person's effective access to a project, inherited and shared included; 0 for none, or not active."""
        try:
            member = self._api.read("access", f"/projects/{project_id}/members/all/{user_id}")
        except GitLabNotFound:
            return 0
        active = member.get("state") == "active" and member.get("membership_state", "active") == "active"
        # GitLab lists an expired member until its nightly job.
        active = active and (member.get("expires_at") or "9") > datetime.now(UTC).date().isoformat()
        return int(member.get("access_level") or 0) if active else 0

    def memberships(self) -> list[int]:
        """List the ids of the projects that the bot is a member of."""
        found = self._api.read_all("memberships", "/projects", limit=10_000, membership="true", simple="true")
        return [int(project["id"]) for project in found]

    def issue(self, project_id: int, iid: int) -> Issue:
        """Read an issue."""
        return issue_of(self._api.read("issue", f"/projects/{project_id}/issues/{iid}"))

    def merge_request(self, project_id: int, iid: int) -> MergeRequest:
        """Read a merge request."""
        return merge_request_of(self._api.read("merge_request", f"/projects/{project_id}/merge_requests/{iid}"))

    def item(self, place: Noteable) -> Item:
        """Read the issue or merge request at *place*."""
        if place.place is Place.MERGE_REQUEST:
            return self.merge_request(place.project_id, place.iid)
        return self.issue(place.project_id, place.iid)

    def note(self, on: Noteable, note_id: int) -> Note:
        """Read one comment."""
        return note_of(self._api.read("note", f"{on.path}/notes/{note_id}"))

    def notes(self, on: Noteable, *, newest: int = 1000) -> list[Note]:
        """List the comments, newest first."""
        found = self._api.read_all(
            "notes", f"{on.path}/notes", limit=newest, sort="desc", order_by="created_at",
            activity_filter="only_comments",
        )  # fmt: skip
        return [note_of(item) for item in found if not item.get("system")]

    def discussions(self, on: Noteable) -> list[Discussion]:
        """List the threads, the oldest first, lone comments among them."""
        return [discussion_of(item) for item in self._api.read_all("discussions", f"{on.path}/discussions")]

    def create_note(self, on: Noteable, body: str, *, discussion: str = "", internal: bool = False) -> int:
        """Write a comment, into a thread where *discussion* names one; give its id."""
        place = f"{on.path}/discussions/{quote(discussion, safe='')}/notes" if discussion else f"{on.path}/notes"
        # In an internal thread every comment is.
        fields: dict[str, Any] = {"body": body} | ({"internal": True} if internal and not discussion else {})
        answer = self._api.write("create_note", "post", place, fields)
        if "id" not in answer:
            raise GitLabError(f"create_note: GitLab took the comment for commands alone ({on.path})")
        return int(answer["id"])

    def edit_note(self, on: Noteable, note_id: int, body: str) -> None:
        """Replace a comment's text; nobody is notified."""
        self._api.write("edit_note", "put", f"{on.path}/notes/{note_id}", {"body": body})

    def award(self, on: Noteable, note_id: int, emoji: str) -> None:
        """Put an emoji on a comment (on the issue or merge request itself where it is 0); done before is done."""
        place = f"/notes/{note_id}" if note_id else ""
        try:
            self._api.write("award", "post", f"{on.path}{place}/award_emoji", {"name": emoji})
        except (GitLabNotFound, GitLabConflict) as error:
            if "already been taken" not in str(error):
                raise

    def label_events(self, on: Noteable) -> list[LabelEvent]:
        """List who added and removed which label, oldest first."""
        found = self._api.read_all("label_events", f"{on.path}/resource_label_events")
        return sorted((label_event_of(item) for item in found), key=lambda event: event.id)

    def change_labels(self, on: Noteable, *, add: str, remove: tuple[str, ...]) -> None:
        """Add one label and take others off, leaving all else as it is."""
        fields = {"add_labels": add, "remove_labels": ",".join(remove)}
        self._api.write("change_labels", "put", on.path, fields)

    def branch_head(self, project_id: int, branch: str) -> str:
        """Give the id of the commit that a branch is at; empty where there is no such branch."""
        tip = self.branch_tip(project_id, branch)
        return tip.id if tip else ""

    def branch_tip(self, project_id: int, branch: str) -> Commit | None:
        """Give the commit that a branch is at; None where there is no such branch."""
        path = f"/projects/{project_id}/repository/branches/{quote(branch, safe='')}"
        try:
            return tip_of(self._api.read("branch", path))
        except GitLabNotFound:
            return None

    def file(self, project_id: int, path: str, ref: str) -> str | None:
        """Give a file's text at *ref*; None where there is none. What is no UTF-8 comes with replacement characters."""
        place = f"/projects/{project_id}/repository/files/{quote(path, safe='')}"
        try:
            content = str(self._api.read("file", place, ref=ref).get("content") or "")
        except GitLabNotFound:
            return None
        return base64.b64decode(content).decode(errors="replace")

    def changed_paths(self, project_id: int, base: str, head: str) -> list[str]:
        """List the files in which two commits differ; of a very large change GitLab tells a part."""
        place = f"/projects/{project_id}/repository/compare"
        found = self._api.read("compare", place, **{"from": base, "to": head, "straight": "true"})
        return [str(change.get("new_path") or "") for change in found.get("diffs") or ()]

    def merge_request_from(self, project_id: int, branch: str) -> MergeRequest | None:
        """Find the youngest merge request from *branch*, in whatever state; None where there is none."""
        found = self._api.read_all(
            "merge_requests", f"/projects/{project_id}/merge_requests", limit=1, source_branch=branch, state="all",
            order_by="created_at", sort="desc",
        )  # fmt: skip
        return merge_request_of(found[0]) if found else None

    def create_merge_request(self, project_id: int, fields: dict[str, Any]) -> MergeRequest:
        """Open a merge request."""
        return merge_request_of(
            self._api.write("create_merge_request", "post", f"/projects/{project_id}/merge_requests", fields)
        )

    def token(self) -> dict[str, Any]:
        """Read what GitLab says of our own token: scopes, expires_at."""
        return self._api.read("token", "/personal_access_tokens/self")

    def version(self) -> str:
        """Give GitLab's version."""
        return str(self._api.read("version", "/version").get("version", "of unknown version"))


def connect(settings: Settings, *, on_error: Callable[[GitLabError], None] = lambda _error: None) -> GitLab:
    """Open GitLab with the bot's own token; *on_error* is told of every refusal.

    Raises:
        SettingsError: Its address is missing: python-gitlab would send the token to gitlab.com.
    """
    settings.require("gitlab_url", "gitlab_token")
    token = settings.gitlab_token.get_secret_value()
    seconds = settings.gitlab_timeout_seconds
    return GitLab(Transport(settings.gitlab_url, token, timeout_seconds=seconds, on_error=on_error))
