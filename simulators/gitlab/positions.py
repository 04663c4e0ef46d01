"""Where a comment hangs in a merge request's diff: GitLab takes lines that the diff shows, and no others."""

import re
from collections.abc import Iterator, Mapping

from simulators.gitlab.diffs import changes_between
from simulators.gitlab.records import MergeRequest
from simulators.gitlab.refusals import Refusal, bad_parameter

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_SHAS = ("base_sha", "start_sha", "head_sha")
_NO_LINE = '400 Bad request - Note {:line_code=>["can\'t be blank", "must be a valid line code"]}'


def check_position(request: MergeRequest, given: Mapping[object, object]) -> dict[str, object]:
    """Return a position as it is kept; refuse one that lacks a commit, or whose line is not in the diff."""
    values = {str(name): value for name, value in given.items()}
    missing = [f"position[{name}] is missing" for name in ("position_type", *_SHAS) if not values.get(name)]
    if missing:
        raise bad_parameter(", ".join(missing))
    if values["position_type"] != "text":
        raise bad_parameter("position[position_type] does not have a value that the simulator knows")
    old_path = str(values.get("old_path") or values.get("new_path") or "")
    new_path = str(values.get("new_path") or values.get("old_path") or "")
    lines = _number(values.get("old_line")), _number(values.get("new_line"))
    if lines not in set(_lines(request, values, (old_path, new_path))):
        raise Refusal(400, {"message": _NO_LINE})
    return values | {
        "old_path": old_path,
        "new_path": new_path,
        "old_line": lines[0],
        "new_line": lines[1],
        "line_range": values.get("line_range"),
    }


def _number(value: object) -> int | None:
    text = "" if value is None else str(value)
    if text and not text.isdigit():
        raise bad_parameter("position[new_line] is invalid")
    return int(text) if text else None


def _lines(
    request: MergeRequest, values: Mapping[str, object], paths: tuple[str, str]
) -> Iterator[tuple[int | None, int | None]]:
    """Return the numbers, old and new, of each line that the diff of the two commits shows of a file."""
    repository = request.project.repository
    base, head = (repository.resolve(str(values[name])) for name in ("base_sha", "head_sha"))
    if base is None or head is None:
        return
    changes = [
        change for change in changes_between(repository, base, head) if (change.old_path, change.new_path) == paths
    ]
    old = new = 0
    for line in changes[0].diff.split("\n") if changes else ():
        if found := _HUNK.match(line):
            old, new = int(found[1]), int(found[2])
        elif line[:1] == "+":
            yield None, new
            new += 1
        elif line[:1] == "-":
            yield old, None
            old += 1
        elif line[:1] == " ":
            yield old, new
            old, new = old + 1, new + 1
