"""What the parts of the world share: the lock, the tables and the numbers."""

import functools
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from simulators.gitlab.faults import Faults
from simulators.gitlab.hooks import HookSender
from simulators.gitlab.records import (
    Application,
    Consent,
    Group,
    Issue,
    Item,
    MergeRequest,
    Note,
    Project,
    Todo,
    Token,
    User,
)
from simulators.gitlab.refusals import not_found

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", bound="Tables")
_FIRST = {"user": 10, "group": 300, "project": 500, "issue": 9000, "merge_request": 7000, "note": 120000}


def locked(method: Callable[Concatenate[T, P], R]) -> Callable[Concatenate[T, P], R]:
    """Run a method of the world alone: no other thread changes anything meanwhile."""

    @functools.wraps(method)
    def alone(self: T, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.lock:
            return method(self, *args, **kwargs)

    return alone


class Tables:
    """All records, by id. `url` is set by the server before the first request."""

    def __init__(self, directory: Path, faults: Faults) -> None:
        self.directory = directory
        self.faults = faults
        self.sender = HookSender(faults)
        self.lock = threading.RLock()
        self.url = ""
        self.users: dict[int, User] = {}
        self.tokens: dict[str, Token] = {}
        self.projects: dict[int, Project] = {}
        self.applications: dict[str, Application] = {}
        self.consents: dict[str, Consent] = {}
        self.groups: dict[str, Group] = {}
        self.todos: list[Todo] = []
        self._last: Counter[str] = Counter()

    def next_id(self, kind: str) -> int:
        """Return the next number of a kind; each kind starts elsewhere, so that mixed-up ids are found out."""
        first = {"user": 10, "group": 300, "project": 500, "issue": 9000, "merge_request": 7000, "note": 120000}.get(
            kind, 0
        )
        self._last[kind] += 1
        return first + self._last[kind]

    @locked
    def user(self, username: str) -> User:
        """Return the user of a name; raise Refusal where there is none."""
        for user in self.users.values():
            if user.username.lower() == username.lower().lstrip("@"):
                return user
        raise not_found("User Not Found")

    @locked
    def project(self, reference: str) -> Project:
        """Return the project of an id or a full path; raise Refusal where there is none."""
        for project in self.projects.values():
            if reference == str(project.id) or reference.lower() == project.path_with_namespace.lower():
                return project
        raise not_found("Project Not Found")

    @locked
    def issues(self, project: Project) -> list[Issue]:
        """Return the project's issues, the oldest first."""
        return list(project.issues.values())

    @locked
    def merge_requests(self, project: Project) -> list[MergeRequest]:
        """Return the project's merge requests, the oldest first."""
        return list(project.merge_requests.values())

    @locked
    def notes(self, item: Item) -> list[Note]:
        """Return the comments of an issue or merge request, the oldest first, without system notes."""
        return [note for note in item.notes if not note.system]

    @locked
    def labels(self, item: Item) -> list[str]:
        """Return the names of the labels that are on an issue or merge request."""
        return [label.name for label in item.labels]
