"""Reads from GitLab what a task's agent should know. Blocking; nothing is written.

What the project's own people may see is the measure: of a project that is not private, nothing confidential is taken,
since the branch shows it; of other projects, nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.gitlab.client import GitLab
from core.gitlab.nouns import PRIVATE, Discussion, Issue, Item, MergeRequest, Note, Project
from core.task import Mode, Place, Task
from worker.context import attachments, diff
from worker.context.material import Attachment, Earlier, Material, Neighbour, Remark, Spot
from worker.context.trust import Trust
from worker.conversation import sanitize
from worker.conversation.markers import find_progress

REMARKS_MOST: Final = 100
"""The latest of a conversation."""
REMARK_LIMIT: Final = 20_000
ITEM_LIMIT: Final = 200_000
"""Characters; what is given on is bounded once more, in bytes."""
NEIGHBOURS_MOST: Final = 20
LINES_AROUND: Final = 15
DIFF_LIMIT: Final = 65_536
"""Characters of a merge request's diff that a reviewer gets; all of it is in the clone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatherer:
    """Reads for one launch."""

    gitlab: GitLab
    task: Task
    project: Project
    trust: Trust

    def gather(self, item: Item | None, earlier: Sequence[Task]) -> Material:
        """Put together what belongs to *item* (None: there is none); *earlier* are the tasks that this goes on with."""
        if item is None:
            return Material(earlier=tuple(self._earlier(earlier)))
        discussions = self.gitlab.discussions(self.task.trigger.noteable)
        thread = next((found for found in discussions if self._is_asked_in(found)), None)
        others = [note for found in discussions if found is not thread for note in self._shown(found)]
        # In the order of their weight, and the latest first: so many people are asked for, and no more.
        author = Remark(
            author=item.author.username,
            at="",
            body=item.description[:ITEM_LIMIT],
            is_trusted=self.trust.includes(item.author),
        )
        said = [self._remark(note) for note in (self._shown(thread) if thread else ())]
        latest = [self._remark(note) for note in reversed(others[-REMARKS_MOST:])]
        material = Material(
            item=author,
            title=item.title,
            thread=tuple(said),
            spot=self._spot(thread) if thread else None,
            conversation=tuple(reversed(latest)),
            neighbours=tuple(self._neighbours(item))[:NEIGHBOURS_MOST],
            earlier=tuple(self._earlier(earlier)),
            diff=self._diff() if self.task.mode is Mode.REVIEW else "",
        )
        return self._with_attachments(material)

    def _is_asked_in(self, discussion: Discussion) -> bool:
        if self.task.discussion:
            return discussion.id == self.task.discussion
        return any(note.id == self.task.trigger.event_id for note in discussion.notes)

    def _shown(self, discussion: Discussion) -> Iterator[Note]:
        """Give the comments that may be told; ours that only show how far we are tell nothing."""
        for note in discussion.notes[-REMARKS_MOST:]:
            is_progress = self.trust.is_own(note.author) and find_progress(note.body) is not None
            if not is_progress and (not note.internal or self.project.visibility == PRIVATE):
                yield note

    def _remark(self, note: Note) -> Remark:
        return Remark(
            author="you" if self.trust.is_own(note.author) else note.author.username,
            at=note.created_at,
            body=note.body[:REMARK_LIMIT],
            is_trusted=self.trust.includes(note.author),
        )

    def _spot(self, thread: Discussion) -> Spot | None:
        position = next((note.position for note in thread.notes if note.position), None)
        if position is None or not (position.new_line or position.old_line):
            return None
        is_new = bool(position.new_line)
        last = position.new_line or position.old_line
        first = min(position.start_line, last)
        changed = (found for found in self.gitlab.diffs(self.task.trigger.noteable) if found.new_path == position.path)
        text = next(changed, None)
        excerpt = diff.excerpt(text.diff, first, last, is_new=is_new, around=LINES_AROUND) if text else ""
        return Spot(path=position.path, first=first, last=last, is_new=is_new, excerpt=excerpt)

    def _earlier(self, tasks: Sequence[Task]) -> Iterator[Earlier]:
        for task in tasks:
            if not task.confidential or self.project.visibility == PRIVATE:
                yield Earlier(prompt=task.prompt, said=task.document or task.summary)

    def _neighbours(self, item: Item) -> Iterator[Neighbour]:
        on = self.task.trigger.noteable
        found: list[Issue | MergeRequest] = [*self.gitlab.linked_issues(on)]
        if on.place is Place.ISSUE:
            found += self.gitlab.related_merge_requests(on)
        for other in found:
            if other.project_id != self.project.id or (other.confidential and self.project.visibility != PRIVATE):
                continue
            is_issue = isinstance(other, Issue)
            if (is_issue, other.iid) != (isinstance(item, Issue), item.iid):
                state = other.state if isinstance(other, MergeRequest) else "opened" if other.is_open else "closed"
                reference = f"{'#' if is_issue else '!'}{other.iid}"
                yield Neighbour(
                    reference=reference, title=other.title, state=state, description=other.description[:REMARK_LIMIT]
                )

    def _diff(self) -> str:
        files = self.gitlab.diffs(self.task.trigger.noteable)
        shown = (f"--- {found.old_path}\n+++ {found.new_path}\n{found.diff}" for found in files)
        return "\n".join(shown)[:DIFF_LIMIT]

    def _with_attachments(self, material: Material) -> Material:
        remarks = [material.item, *material.thread, *material.conversation]
        texts = [sanitize.visible(remark.body) for remark in remarks if remark]
        taken: list[Attachment] = []
        left_out: list[str] = []
        for upload in attachments.find_uploads(texts, self.project)[: attachments.FILES_TRIED]:
            why, content = "there are too many", None
            if len(taken) < attachments.FILES_MOST:
                why, content = self._fetch(upload)
            if content is None:
                left_out.append(f"{upload.name}: {why}")
            else:
                name = f"attachment-{len(taken) + 1}.{why}"
                taken.append(Attachment(name=name, was=upload.name, content=content))
        return replace(material, attachments=tuple(taken), left_out=tuple(left_out))

    def _fetch(self, upload: attachments.Upload) -> tuple[str, bytes | None]:
        """Give an attachment's ending and content, or why there is none."""
        limit = attachments.FILE_LIMIT_BYTES
        content = self.gitlab.upload(self.project.id, upload.secret, upload.name, limit_bytes=limit)
        if content is None:
            return "it can't be fetched", None
        if len(content) > limit:
            return "it is too large", None
        ending, safe = attachments.recognise(content)
        return (ending, safe) if ending else ("it is neither an image nor a text", None)
