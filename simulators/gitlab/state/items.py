"""Changes to issues and merge requests alike: one call, one hook, and every change told in it."""

from collections.abc import Iterable
from typing import TypedDict, Unpack

from simulators.gitlab.payloads import label_payload, people_payload
from simulators.gitlab.records import Issue, Item, Label, LabelEvent, MergeRequest, Note, User, now
from simulators.gitlab.refusals import invalid
from simulators.gitlab.state.todos import Todos

_PLAIN: tuple[str, ...] = (
    "title",
    "description",
    "confidential",
    "target_branch",
    "squash",
    "force_remove_source_branch",
)


class ItemChanges(TypedDict, total=False):
    """What may be changed at once. `labels` replaces, the other two add and remove; `state_event` as in the API."""

    title: str
    description: str
    confidential: bool
    target_branch: str
    squash: bool
    force_remove_source_branch: bool
    labels: Iterable[str]
    add_labels: Iterable[str]
    remove_labels: Iterable[str]
    assignees: list[User]
    reviewers: list[User]
    state_event: str


class Items(Todos):
    """The part of the world that changes issues and merge requests."""

    def change_item(self, item: Item, user: User, **wanted: Unpack[ItemChanges]) -> None:
        """Apply what differs from now and fire one hook for it; nothing differs, nothing fires."""
        with self.lock:
            changes = self._change_fields(item, user, wanted)
            changes |= self._change_labels(item, user, wanted)
            changes |= self._change_people(item, user, wanted)
            action = self._change_state(item, wanted.get("state_event", ""))
            if not changes and not action:
                return
            item.updated_at = now()
            self._announce(item.project, self.item_event(item, user, action or "update", changes=changes))

    def label(self, item: Item, user: User, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Set and remove labels as a person does: label events are kept, one hook fires."""
        self.change_item(item, user, add_labels=add, remove_labels=remove)

    def close_issue(self, issue: Issue, user: User | None = None) -> None:
        """Close an issue, as its author where no *user* is given."""
        self.change_item(issue, user or issue.author, state_event="close")

    def reopen_issue(self, issue: Issue, user: User | None = None) -> None:
        """Open a closed issue again."""
        self.change_item(issue, user or issue.author, state_event="reopen")

    def assign(self, item: Item, user: User, *assignees: User) -> None:
        """Replace the people that an issue or merge request is assigned to."""
        self.change_item(item, user, assignees=list(assignees))

    def _change_fields(self, item: Item, user: User, wanted: ItemChanges) -> dict[str, object]:
        changes: dict[str, object] = {}
        if "title" in wanted and not wanted["title"].strip():
            raise invalid(title=["can't be blank"])
        for name, value in wanted.items():
            if name in _PLAIN and hasattr(item, name) and getattr(item, name) != value:
                changes[name] = {"previous": getattr(item, name), "current": value}
                setattr(item, name, value)
                if name == "title":
                    self._system_note(item, user, f"changed title to **{item.title}**")
        return changes

    def _change_labels(self, item: Item, user: User, wanted: ItemChanges) -> dict[str, object]:
        before = list(item.labels)
        names = [label.name for label in before]
        if "labels" in wanted:
            names = list(dict.fromkeys(wanted["labels"]))
        names += [name for name in wanted.get("add_labels", ()) if name not in names]
        gone = set(wanted.get("remove_labels", ()))
        after = [self.project_label(item.project, name) for name in names if name not in gone]
        if set(after) == set(before):
            return {}
        item.labels = after
        self._keep_label_events(item, user, "add", [label for label in after if label not in before])
        self._keep_label_events(item, user, "remove", [label for label in before if label not in after])
        previous = [label_payload(label) for label in before]
        return {"labels": {"previous": previous, "current": [label_payload(label) for label in after]}}

    def _keep_label_events(self, item: Item, user: User, action: str, labels: list[Label]) -> None:
        for label in labels:
            item.label_events.append(LabelEvent(self.next_id("label_event"), user, label, action))

    def request_review(self, request: MergeRequest, user: User, reviewer: User) -> None:
        """Ask for a review, be it again: that is told as GitLab's documentation shows it, a list of two lists."""
        if reviewer not in request.reviewers:
            self.change_item(request, user, reviewers=[*request.reviewers, reviewer])
            return
        with self.lock:
            self._system_note(request, user, f"requested review from @{reviewer.username}")
            self.ask_of(reviewer, user, "review_requested", request)
            before = people_payload(request.reviewers)
            after = [person | {"re_requested": person["id"] == reviewer.id} for person in before]
            request.updated_at = now()
            event = self.item_event(request, user, "update", changes={"reviewers": [before, after]})
            self._announce(request.project, event)

    def _change_people(self, item: Item, user: User, wanted: ItemChanges) -> dict[str, object]:
        changes: dict[str, object] = {}
        if "assignees" in wanted and wanted["assignees"] != item.assignees:
            before, item.assignees = item.assignees, wanted["assignees"]
            changes["assignees"] = {"previous": people_payload(before), "current": people_payload(item.assignees)}
            self._tell_appointed(item, user, before, item.assignees)
        if isinstance(item, MergeRequest) and "reviewers" in wanted and wanted["reviewers"] != item.reviewers:
            before, item.reviewers = item.reviewers, wanted["reviewers"]
            changes["reviewers"] = {"previous": people_payload(before), "current": people_payload(item.reviewers)}
            self._tell_appointed(item, user, before, item.reviewers, as_reviewers=True)
        return changes

    def _tell_appointed(
        self, item: Item, user: User, before: list[User], now_there: list[User], *, as_reviewers: bool = False
    ) -> None:
        """Write GitLab's own note of who was assigned or asked for a review, and fill the to-do lists."""
        verbs = (
            ("requested review from", "removed review request for") if as_reviewers else ("assigned to", "unassigned")
        )
        added = [person for person in now_there if person not in before]
        gone = [person for person in before if person not in now_there]
        parts = [f"{verb} {_sentence(people)}" for verb, people in zip(verbs, (added, gone), strict=True) if people]
        if parts:
            self._system_note(item, user, " and ".join(parts))
        for person in added:
            self.ask_of(person, user, "review_requested" if as_reviewers else "assigned", item)

    def _change_state(self, item: Item, event: str) -> str:
        wanted = {"close": "closed", "reopen": "opened"}.get(event)
        if wanted is None or item.state in (wanted, "merged"):
            return ""
        item.state = wanted
        item.closed_at = now() if wanted == "closed" else None
        return event

    def _system_note(self, item: Item, user: User, text: str) -> None:
        item.notes.append(Note(self.next_id("note"), item, user, text, self.new_discussion_id(), system=True))

    def new_discussion_id(self) -> str:
        """Return an id for a discussion: 40 hex digits, never used before."""
        return f"{self.next_id('discussion'):040x}"


def _sentence(people: list[User]) -> str:
    names = [f"@{person.username}" for person in people]
    if len(names) > 2:
        return f"{', '.join(names[:-1])}, and {names[-1]}"
    return " and ".join(names)
