"""To-do lists: who is asked for something, and what is settled because they have reacted."""

import re

from simulators.gitlab.access import can_see_item
from simulators.gitlab.records import Item, Note, Todo, User
from simulators.gitlab.state.announcements import Announcements
from simulators.gitlab.state.tables import locked

_MENTION = re.compile(r"(?<![\w/@.-])@([\w][\w.-]*[\w]|[\w])")
_SEVERAL = ("mentioned", "directly_addressed")
"""The kinds of which one thing may have several at once."""


class Todos(Announcements):
    """The part of the world that knows to-do lists."""

    @locked
    def todos_of(self, user: User, state: str = "pending") -> list[Todo]:
        """Return a user's to-dos, the newest first."""
        return [todo for todo in reversed(self.todos) if todo.user is user and todo.state == state]

    def ask_of(self, user: User, author: User, action: str, item: Item, note: Note | None = None) -> None:
        """Put something on a user's list, unless they did it themselves, may not see it, or have it there already."""
        known = any(todo.user is user and todo.item is item and todo.state == "pending" for todo in self.todos)
        if user is author or not can_see_item(item, user) or (known and action not in _SEVERAL):
            return
        self.todos.append(Todo(self.next_id("todo"), user, author, action, item, note))

    def mention_in(self, note: Note) -> None:
        """Put a comment on the lists of those whom it names, and settle what its author had to do here."""
        self.settle(note.author, note.item)
        start = _MENTION.match(note.body)
        for name in dict.fromkeys(_MENTION.findall(note.body)):
            action = "directly_addressed" if start and start[1] == name else "mentioned"
            for user in self.users.values():
                if user.username.lower() == name.lower():
                    self.ask_of(user, note.author, action, note.item, note)

    def settle(self, user: User, item: Item) -> None:
        """Mark what *user* had to do on an item as done: they commented, or gave an emoji."""
        for todo in self.todos:
            if todo.user is user and todo.item is item:
                todo.state = "done"
