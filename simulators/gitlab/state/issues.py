"""New issues, and texts of issues and merge requests with quick actions in them."""

from collections.abc import Iterable
from typing import TypedDict, Unpack

from simulators.gitlab.quick_actions import Command, extract
from simulators.gitlab.records import Issue, Item, MergeRequest, Project, User
from simulators.gitlab.refusals import invalid
from simulators.gitlab.state.items import ItemChanges
from simulators.gitlab.state.notes import Notes
from simulators.gitlab.state.tables import locked


class IssueFields(TypedDict, total=False):
    """What a new issue may be given."""

    description: str
    labels: Iterable[str]
    assignees: list[User]
    confidential: bool
    issue_type: str


class Issues(Notes):
    """The part of the world that knows issues."""

    def add_issue(self, project: Project, *, author: User, title: str, **fields: Unpack[IssueFields]) -> Issue:
        """Open an issue as a person would: quick actions in the description are carried out, hooks fire."""
        if not title.strip():
            raise invalid(title=["can't be blank"])
        with self.lock:
            extracted = extract(fields.get("description") or "")
            issue = Issue(
                id=self.next_id("issue"),
                iid=max(project.issues, default=0) + 1,
                project=project,
                author=author,
                title=title,
                description=extracted.text,
                confidential=fields.get("confidential", False),
                issue_type=fields.get("issue_type", "issue"),
            )
            project.issues[issue.iid] = issue
            self._open(issue, fields.get("labels", ()), fields.get("assignees", []), extracted.commands)
            return issue

    @locked
    def link_issues(self, one: Issue, other: Issue) -> None:
        """Say that two issues have to do with each other."""
        one.links.append(other)
        other.links.append(one)

    def change_text(self, item: Item, user: User, **wanted: Unpack[ItemChanges]) -> None:
        """Change an issue or merge request as a form does: quick actions in the new description are carried out."""
        with self.lock:
            commands: tuple[Command, ...] = ()
            if "description" in wanted:
                extracted = extract(wanted["description"] or "")
                wanted["description"], commands = extracted.text, extracted.commands
            self.change_item(item, user, **wanted)
            self.run_commands(item, user, commands)

    def _open(self, item: Item, labels: Iterable[str], assignees: list[User], commands: tuple[Command, ...]) -> None:
        """Fire the hook of a new item; labels that it was opened with are in it without `changes`."""
        self._change_labels(item, item.author, {"labels": labels})
        item.assignees = assignees
        self._tell_appointed(item, item.author, [], assignees)
        if isinstance(item, MergeRequest):
            self._tell_appointed(item, item.author, [], item.reviewers, as_reviewers=True)
        self._announce(item.project, self.item_event(item, item.author, "open"))
        self.run_commands(item, item.author, commands)
