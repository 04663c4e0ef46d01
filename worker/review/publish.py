"""Writes a review's comments onto their lines, once however often it is done; what fits no line is told at the end.

A comment is known again by its marker. Nothing is approved, and nothing is resolved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from core.errors import GitLabError, GitLabUnavailable, TokenRefused
from core.figures import plural
from core.gitlab.changes import FileDiff, Spot
from core.gitlab.client import GitLab
from core.gitlab.nouns import MergeRequest
from core.lease import Lease
from core.task import Task
from worker.context import diff
from worker.conversation import sanitize
from worker.conversation.agent_prompt import FINDINGS_MOST
from worker.conversation.markers import review_marker
from worker.conversation.prose import prose
from worker.review.findings import Finding, decode

COMMENT_LIMIT: Final = 3_000
LEFT_LIMIT: Final = 500
"""Characters of a comment that found no line."""
MOVED: Final = "Somebody pushed while I read, so that my comments stand here and not on their lines."


@dataclass(slots=True)
class _Told:
    """What came of the findings."""

    on_lines: int = 0
    left: list[Finding] = field(default_factory=list)
    why: str = ""


async def publish_review(gitlab: GitLab, lease: Lease, task: Task, document: str) -> str:
    """Comment on the lines that *document* names; give the text that is left for the reply: hostile Markdown.

    Raises:
        GitLabUnavailable: Not all are written; doing it again writes the others.
    """
    review = decode(document)
    change = gitlab.merge_request(task.trigger.project_id, task.trigger.iid)
    if task.internal or not change.is_open:
        told = _Told(left=list(review.findings))
    elif change.sha != task.base_commit:
        told = _Told(left=list(review.findings), why=MOVED)
    else:
        told = await _comment(gitlab, lease, task, change, review.findings)
    return "\n\n".join(filter(None, [review.summary, *_rest(told)]))


async def _comment(
    gitlab: GitLab, lease: Lease, task: Task, change: MergeRequest, findings: tuple[Finding, ...]
) -> _Told:
    on = task.trigger.noteable
    files = {found.new_path: found for found in gitlab.diffs(on)} if findings else {}
    known = {_last_line(note.body) for note in gitlab.notes(on) if note.author.id == gitlab.me().id}
    told = _Told(left=list(findings[FINDINGS_MOST:]))
    for number, finding in enumerate(findings[:FINDINGS_MOST], 1):
        spot = find_spot(files.get(finding.path), finding.line)
        body = prose(finding.text, COMMENT_LIMIT)
        marker = review_marker(task, number)
        if marker in known:
            told.on_lines += 1
        elif spot is None or not body:
            told.left.append(finding)
        else:
            await lease.renew()
            try:
                gitlab.comment_on_line(on, change, spot, f"{body}\n\n{marker}")
                told.on_lines += 1
            except (GitLabUnavailable, TokenRefused):
                raise
            except GitLabError:  # it knows the diff better than we
                told.left.append(finding)
    return told


def find_spot(file: FileDiff | None, line: int) -> Spot | None:
    """Give the place of a line of the new file in its diff; None where the diff does not show it. Pure."""
    found = next((each for each in diff.lines(file.diff) if each.new == line), None) if file else None
    if file is None or found is None:
        return None
    return Spot(old_path=file.old_path, new_path=file.new_path, old_line=found.old, new_line=found.new)


def _rest(told: _Told) -> list[str]:
    shown = told.left[:FINDINGS_MOST]
    listed = "\n".join(f"- {_place(finding)}: {_one_line(finding.text)}" for finding in shown)
    more = len(told.left) - len(shown)
    return [
        *([told.why] if told.why and told.left else []),
        *([listed] if listed else []),
        *([f"{plural(more, 'further comment')} would be too many."] if more else []),
        *([f"{plural(told.on_lines, 'comment')} on lines above."] if told.on_lines else []),
    ]


def _place(finding: Finding) -> str:
    return sanitize.code(f"{finding.path}:{finding.line}", 200)


def _one_line(text: str) -> str:
    return sanitize.cut(" ".join(text.split()), LEFT_LIMIT)


def _last_line(body: str) -> str:
    return body.rstrip().rpartition("\n")[2]
