"""What an issue's page shows in time: threads of comments, and label events between them. Pure."""

from dataclasses import dataclass
from datetime import datetime

from simulators.gitlab.records import Item, LabelEvent, Note


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the conversation: a thread of comments, or a label event."""

    at: datetime
    notes: tuple[Note, ...] = ()
    event: LabelEvent | None = None


def conversation(item: Item) -> list[Entry]:
    """Return the entries in order; a thread stands where its first comment does."""
    threads: dict[str, list[Note]] = {}
    for note in item.notes:
        threads.setdefault(note.discussion_id, []).append(note)
    entries = [Entry(notes[0].created_at, notes=tuple(notes)) for notes in threads.values()]
    entries += [Entry(event.created_at, event=event) for event in item.label_events]
    return sorted(entries, key=lambda entry: entry.at)
