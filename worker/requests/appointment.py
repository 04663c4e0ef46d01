"""Who assigned something to the bot, or asked it for a review: GitLab keeps that as a note of its own, with an author.

The note's id is the event's: the same for a delivery, a second hook and the sweep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.gitlab.client import GitLab
from core.gitlab.nouns import Item, MergeRequest, User
from core.identity import Identity
from core.task import Noteable, Source

_ADDED: Final = {
    Source.ASSIGNMENT: re.compile(r"assigned to (?P<people>.*?)(?: and unassigned .*)?", re.DOTALL),
    Source.REVIEW_REQUEST: re.compile(
        r"requested review from (?P<people>.*?)(?: and removed (?:review request for .*|approval))?", re.DOTALL
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """*by* whom the bot was appointed, and when; *event_id* is 0 where it was from the start."""

    event_id: int
    by: User
    created_at: str


def find_appointment(
    gitlab: GitLab, on: Noteable, item: Item, source: Source, identity: Identity
) -> Appointment | None:
    """Find the last time that the bot was appointed; None where it is not appointed now.

    Where GitLab kept no note at all about the bot it was there from the start, and the author put it there.
    """
    if not is_appointed(item, source, identity):
        return None
    name = re.compile(rf"@{re.escape(identity.username)}(?![\w-]|\.\w)", re.IGNORECASE)
    about_us = [note for note in gitlab.activity(on) if name.search(note.body)]
    for note in about_us:
        added = _ADDED[source].fullmatch(note.body)
        if added and name.search(added["people"]):
            return Appointment(event_id=note.id, by=note.author, created_at=note.created_at)
    return None if about_us else Appointment(event_id=0, by=item.author, created_at=item.created_at)


def is_appointed(item: Item, source: Source, identity: Identity) -> bool:
    """Tell whether the bot is among the assignees, or the reviewers."""
    reviewers = item.reviewers if isinstance(item, MergeRequest) else ()
    people = item.assignees if source is Source.ASSIGNMENT else reviewers
    return any(person.id in identity.ids for person in people)
