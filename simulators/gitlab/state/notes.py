"""Comments: quick actions are taken out before one is saved, replies join their thread, hooks fire."""

from dataclasses import dataclass
from typing import TypedDict, Unpack

from simulators.gitlab.quick_actions import extract
from simulators.gitlab.records import Item, Note, User, now
from simulators.gitlab.refusals import Refusal, invalid, not_found
from simulators.gitlab.state.commands import Commands
from simulators.gitlab.state.tables import locked


class NoteFields(TypedDict, total=False):
    """What a new comment may be given. *reply_to* is a discussion's id; a *position* makes it a line comment."""

    internal: bool
    reply_to: str
    threaded: bool
    position: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a comment: no note where it held quick actions alone."""

    note: Note | None
    summary: list[str]


class OnlyQuickActions(Exception):
    """A comment held nothing but quick actions: they were carried out and nothing was saved."""


class Notes(Commands):
    """The part of the world that knows comments."""

    def comment(self, item: Item, *, author: User, body: str, **fields: Unpack[NoteFields]) -> Note:
        """Comment as a person would and return the note; raise OnlyQuickActions where nothing was left to save."""
        posted = self.post_note(item, author=author, body=body, **fields)
        if posted.note is None:
            raise OnlyQuickActions("; ".join(posted.summary))
        return posted.note

    def post_note(self, item: Item, *, author: User, body: str, **fields: Unpack[NoteFields]) -> Posted:
        """Comment, run the quick actions in it, and fire the hooks."""
        with self.lock:
            extracted = extract(body)
            if not extracted.commands and not extracted.text.strip():
                raise Refusal(400, {"message": '400 Bad request - Note {:note=>["can\'t be blank"]}'})
            note = None if extracted.only_commands else self._save(item, author, extracted.text, fields)
            if note:
                self.mention_in(note)
                self._announce(item.project, self.note_event(note, "create"))
            return Posted(note, self.run_commands(item, author, extracted.commands))

    @locked
    def edit_note(self, note: Note, *, body: str, editor: User | None = None) -> None:
        """Change a comment's text, as its author where no *editor* is given; a hook fires if the text differs."""
        editor = editor or note.author
        extracted = extract(body)
        if not extracted.text.strip():
            raise invalid(note=["can't be blank"])
        if extracted.text != note.body:
            note.body, note.updated_by, note.updated_at = extracted.text, editor, now()
            self._announce(note.item.project, self.note_event(note, "update"))
        self.run_commands(note.item, editor, extracted.commands)

    @locked
    def delete_note(self, note: Note) -> None:
        """Remove a comment; GitLab has no hook for that."""
        note.item.notes.remove(note)

    @locked
    def discussion(self, item: Item, discussion_id: str) -> list[Note]:
        """Return the notes of one discussion, the first first."""
        notes = [note for note in item.notes if note.discussion_id == discussion_id]
        if not notes:
            raise not_found("Discussion Not Found")
        return notes

    def _save(self, item: Item, author: User, text: str, fields: NoteFields) -> Note:
        thread = self.discussion(item, fields["reply_to"]) if fields.get("reply_to") else []
        note = Note(
            self.next_id("note"),
            item,
            author,
            text,
            thread[0].discussion_id if thread else self.new_discussion_id(),
            internal=fields.get("internal", False) or any(other.internal for other in thread),
            position=fields.get("position"),
        )
        if thread or fields.get("threaded"):
            note.type = "DiscussionNote"
        if note.position or any(other.type == "DiffNote" for other in thread):
            note.type = "DiffNote"
        # A reply makes a thread out of a comment that stood alone.
        for other in thread:
            other.type = other.type or "DiscussionNote"
        item.notes.append(note)
        item.updated_at = note.created_at
        return note
