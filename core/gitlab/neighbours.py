"""The calls about what belongs to an issue or merge request: what it is linked with, and what is attached to it."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from core.errors import GitLabDenied, GitLabNotFound
from core.gitlab.nouns import Issue, MergeRequest
from core.gitlab.reading import issue_of, merge_request_of
from core.gitlab.transport import Transport
from core.task import Noteable, Place

NEIGHBOURS_READ: Final = 50


class NeighbourCalls:
    """A part of `core.gitlab.client.GitLab`."""

    _api: Transport

    def linked_issues(self, on: Noteable) -> list[Issue]:
        """List the issues that an issue is linked with, or that a merge request closes; also of other projects."""
        path = "links" if on.place is Place.ISSUE else "closes_issues"
        # An issue of an outside tracker has a title and no number.
        return [issue_of(item) for item in self._listed("linked_issues", f"{on.path}/{path}") if item.get("iid")]

    def related_merge_requests(self, on: Noteable) -> list[MergeRequest]:
        """List the merge requests that name an issue; also of other projects."""
        return [merge_request_of(item) for item in self._listed("related", f"{on.path}/related_merge_requests")]

    def upload(self, project_id: int, secret: str, name: str, *, limit_bytes: int) -> bytes | None:
        """Fetch an attached file, one byte more than *limit_bytes* at most; None where it is not there for us."""
        path = f"/projects/{project_id}/uploads/{quote(secret, safe='')}/{quote(name, safe='')}"
        try:
            return self._api.download("upload", path, limit_bytes=limit_bytes)
        except (GitLabNotFound, GitLabDenied):
            return None

    def _listed(self, name: str, path: str) -> list[dict[str, Any]]:
        """List what GitLab shows us; nothing where it has no such list, or hides it."""
        try:
            return self._api.read_all(name, path, limit=NEIGHBOURS_READ)
        except (GitLabNotFound, GitLabDenied):
            return []
