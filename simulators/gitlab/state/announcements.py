"""Tell the project's hooks what happened: which flag asks for it, and under which name it goes out."""

from typing import Literal

from simulators.gitlab.hooks import Event
from simulators.gitlab.payloads import emoji_payload, item_payload, note_payload, push_payload
from simulators.gitlab.records import Award, Group, Hook, Issue, Item, MergeRequest, Note, Project, User
from simulators.gitlab.state.projects import Projects


class Announcements(Projects):
    """The part of the world that fires hooks."""

    def note_event(self, note: Note, action: str) -> Event:
        """Return the event of a comment that was created or updated."""
        confidential = note.internal or (isinstance(note.item, Issue) and note.item.confidential)
        flag, name = (
            ("confidential_note_events", "Confidential Note Hook") if confidential else ("note_events", "Note Hook")
        )
        return Event(flag, name, note_payload(self.url, note, action))

    def item_event(
        self, item: Item, user: User, action: str, *, changes: dict[str, object] | None = None, oldrev: str = ""
    ) -> Event:
        """Return the event of an issue or merge request."""
        payload = item_payload(self.url, item, user, action, changes or {}, oldrev)
        if isinstance(item, MergeRequest):
            return Event("merge_requests_events", "Merge Request Hook", payload)
        if isinstance(item, Issue) and item.confidential:
            return Event("confidential_issues_events", "Confidential Issue Hook", payload)
        return Event("issues_events", "Issue Hook", payload)

    def push_event(self, project: Project, user: User, branch: str, shas: tuple[str, str]) -> Event:
        """Return the event of one pushed branch."""
        return Event("push_events", "Push Hook", push_payload(self.url, project, user, branch, shas))

    def _announce(self, project: Project, event: Event) -> None:
        self.sender.announce(self.hooks_of(project), event)

    def hooks_of(self, project: Project) -> list[Hook]:
        """Return the hooks of a project and of the groups that it lies in."""
        groups = [self.groups[path] for path in ancestors(project.path_with_namespace) if path in self.groups]
        owners: list[Project | Group] = [project, *groups]
        return [hook for owner in owners for hook in owner.hooks.values()]

    def _announce_award(self, award: Award, target: Item | Note, action: Literal["award", "revoke"]) -> None:
        item = target.item if isinstance(target, Note) else target
        self._announce(
            item.project, Event("emoji_events", "Emoji Hook", emoji_payload(self.url, award, target, action))
        )


def ancestors(path: str) -> list[str]:
    """Return the full paths of the groups that something lies in, the nearest first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
