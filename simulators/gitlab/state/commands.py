"""Carry quick actions out for the person who wrote them, as far as that person may."""

import re

from simulators.gitlab.access import access_level, can_edit_item, can_label
from simulators.gitlab.quick_actions import Command
from simulators.gitlab.records import Item, MergeRequest, User
from simulators.gitlab.refusals import Refusal
from simulators.gitlab.state.awards import Awards
from simulators.gitlab.state.items import ItemChanges

_ADD_LABEL = ("label", "labels", "relabel")
_REMOVE_LABEL = ("unlabel", "remove_label")
_ASSIGN = ("assign", "reassign")
_REVIEW = ("assign_reviewer", "reviewer", "request_review", "reassign_reviewer")


class Commands(Awards):
    """The part of the world that knows quick actions."""

    def run_commands(self, item: Item, user: User, commands: tuple[Command, ...]) -> list[str]:
        """Apply the commands with one change, and return a sentence for each; what is not simulated does nothing."""
        wanted: ItemChanges = {}
        summary = []
        for command in commands:
            allowed = can_edit_item(item, user) and (command.name in ("close", "reopen") or can_label(item, user))
            if command.name in ("award", "react"):
                self._give_emoji(item, user, command.argument)
            elif allowed and command.name == "request_review" and isinstance(item, MergeRequest):
                for person in self._mentioned(command.argument, user):
                    self.request_review(item, user, person)
            elif not allowed:
                summary.append(f"Could not apply {command.name} command.")
                continue
            else:
                self._want(item, user, command, wanted)
            summary.append(f"Applied {command.name} command. {command.argument}".strip())
        self.change_item(item, user, **wanted)
        return summary

    def _want(self, item: Item, user: User, command: Command, wanted: ItemChanges) -> None:
        if command.name in (*_ADD_LABEL, *_REMOVE_LABEL):
            _want_labels(command, wanted)
        elif command.name in (*_ASSIGN, *_REVIEW, "unassign"):
            self._want_people(item, user, command, wanted)
        elif command.name in ("close", "reopen"):
            wanted["state_event"] = command.name
        elif command.name == "confidential":
            wanted["confidential"] = True
        elif command.name == "target_branch":
            wanted["target_branch"] = command.argument
        elif command.name in ("title", "draft", "ready"):
            wanted["title"] = _new_title(item.title, command)

    def _want_people(self, item: Item, user: User, command: Command, wanted: ItemChanges) -> None:
        people = self._mentioned(command.argument, user)
        if command.name in _REVIEW:
            if isinstance(item, MergeRequest):
                wanted["reviewers"] = people
        elif command.name == "unassign":
            wanted["assignees"] = [one for one in item.assignees if people and one not in people]
        else:
            wanted["assignees"] = people

    def _mentioned(self, text: str, user: User) -> list[User]:
        names = re.findall(r"@([\w.-]+)|\b(me)\b", text)
        found = [user if me else self._user_or_none(name) for name, me in names]
        return [one for one in found if one is not None]

    def _user_or_none(self, username: str) -> User | None:
        return next((user for user in self.users.values() if user.username == username), None)

    def _give_emoji(self, item: Item, user: User, name: str) -> None:
        taken = any(award.user is user and award.name == name.strip(":") for award in item.awards)
        if not taken and access_level(item.project, user):
            self.award(item, user, name.strip(":"))


def _want_labels(command: Command, wanted: ItemChanges) -> None:
    names = [quoted or plain for quoted, plain in re.findall(r'~"([^"]+)"|~(\S+)', command.argument)]
    if not names and command.argument:
        names = [command.argument]
    if command.name == "relabel":
        wanted["labels"] = names
    elif command.name in _ADD_LABEL:
        wanted["add_labels"] = [*wanted.get("add_labels", ()), *names]
    else:
        wanted["remove_labels"] = [*wanted.get("remove_labels", ()), *names]


def _new_title(title: str, command: Command) -> str:
    plain = title.removeprefix("Draft: ")
    if command.name == "title":
        if not command.argument:
            raise Refusal(400, {"message": "title is empty"})
        return command.argument
    return f"Draft: {plain}" if command.name == "draft" else plain
