"""The calls about code under review: branches, diffs, comments on lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from core.errors import GitLabError, GitLabNotFound
from core.gitlab.nouns import MergeRequest
from core.gitlab.transport import Transport
from core.task import Noteable

FILES_READ: Final = 500
"""Of one diff; GitLab itself shows a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch, with what our own token may do on it."""

    head: str
    is_protected: bool
    developers_can_push: bool
    can_push: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One file's changes: *diff* holds its hunks, and none where it is binary or too large for GitLab."""

    old_path: str
    new_path: str
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A line of a diff; 0 on the side where it is not."""

    old_path: str
    new_path: str
    old_line: int
    new_line: int


class ChangeCalls:
    """A part of `core.gitlab.client.GitLab`."""

    _api: Transport

    def branch(self, project_id: int, name: str) -> Branch | None:
        """Read a branch; None where it or its project is not there for us."""
        path = f"/projects/{project_id}/repository/branches/{quote(name, safe='')}"
        try:
            found = self._api.read("branch", path)
        except GitLabNotFound:
            return None
        return Branch(
            head=str((found.get("commit") or {}).get("id") or ""),
            is_protected=bool(found.get("protected")),
            developers_can_push=bool(found.get("developers_can_push")),
            can_push=bool(found.get("can_push")),
        )

    def diffs(self, on: Noteable) -> list[FileDiff]:
        """List what a merge request changes, file by file."""
        found = self._api.read_all("diffs", f"{on.path}/diffs", limit=FILES_READ)
        return [
            FileDiff(
                old_path=str(item.get("old_path") or ""),
                new_path=str(item.get("new_path") or ""),
                diff=str(item.get("diff") or ""),
            )
            for item in found
        ]

    def comment_on_line(self, on: Noteable, change: MergeRequest, spot: Spot, body: str) -> None:
        """Start a thread on a line of *change*'s diff.

        Raises:
            GitLabError: Its kinds; also where GitLab does not find the line in the diff.
        """
        position: dict[str, Any] = {
            "position_type": "text",
            "base_sha": change.base_sha,
            "start_sha": change.start_sha,
            "head_sha": change.sha,
            "old_path": spot.old_path,
            "new_path": spot.new_path,
        }
        # A line that both sides have wants both numbers; GitLab refuses a zero.
        position |= {name: line for name in ("old_line", "new_line") if (line := getattr(spot, name))}
        answer = self._api.write(
            "comment_on_line", "post", f"{on.path}/discussions", {"body": body, "position": position}
        )
        if "id" not in answer:
            raise GitLabError(f"comment_on_line: GitLab took the comment for commands alone ({on.path})")
