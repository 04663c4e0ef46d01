"""The second act: somebody reviews the new merge request, and comments on one of its lines."""

from __future__ import annotations

from typing import Final

from simulators.gitlab.diffs import changes_between
from simulators.gitlab.records import MergeRequest, Note, User
from simulators.gitlab.server import GitLabServer

WANTED: Final = 'Answer with the JSON object {"status": "ok"} here'
COMMENT: Final = f"Our monitoring reads JSON.\n\n/agent {WANTED}"
TELLING: Final = "200"
"""What the line that is commented on has in it, where one has."""


def comment_on_line(gitlab: GitLabServer, merge_request: MergeRequest, person: User) -> tuple[Note, str]:
    """Comment as *person* on a line that the merge request adds; give the comment and the line's place."""
    path, line = _find_line(merge_request)
    position: dict[str, object] = {
        "position_type": "text",
        "base_sha": merge_request.base_sha,
        "start_sha": merge_request.base_sha,
        "head_sha": merge_request.sha,
        "old_path": path,
        "new_path": path,
        "old_line": None,
        "new_line": line,
        "line_range": None,
    }
    note = gitlab.world.comment(merge_request, author=person, body=COMMENT, position=position)
    return note, f"{path}:{line}"


def _find_line(merge_request: MergeRequest) -> tuple[str, int]:
    """Give path and number of the first added line that answers something, else of the first added one."""
    added = []
    for change in changes_between(merge_request.project.repository, merge_request.base_sha, merge_request.sha):
        number = 0
        for line in change.diff.splitlines():
            if line.startswith("@@"):
                number = int(line.split("+")[1].split(",")[0].split(" ")[0]) - 1
            elif not line.startswith("-"):
                number += 1
                if line.startswith("+"):
                    added.append((change.new_path, number, line))
    path, number, _ = next((each for each in added if TELLING in each[2]), added[0])
    return path, number
