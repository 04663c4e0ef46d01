"""A running GitLab with one project and its people, and clients of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from gitlab import Gitlab

from simulators.gitlab.records import Issue, Project, User
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.receiver import Receiver

Client = Callable[..., Gitlab]


@dataclass(frozen=True)
class Shop:
    """The project that the tests work on, and who is in it."""

    project: Project
    alice: User
    bob: User
    guest: User
    stranger: User
    bot: User
    issue: Issue


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[GitLabServer]:
    """Run a GitLab with nothing in it."""
    with GitLabServer(tmp_path / "gitlab") as server:
        yield server


@pytest.fixture
def shop(gitlab: GitLabServer) -> Shop:
    """Add a private project with a Maintainer (alice), a Developer (bob), a Guest, a bot and an issue."""
    world = gitlab.world
    alice, bob, guest, stranger = (world.add_user(name) for name in ("alice", "bob", "guest", "stranger"))
    bot = world.add_user("ablehand", name="Ablehand", bot=True)
    project = world.add_project("shop/web", files={"README.md": "# Web\n", "src/app.py": "one\ntwo\n"})
    for user, level in ((alice, 40), (bob, 30), (guest, 10), (bot, 30)):
        world.add_member(project, user, access_level=level)
    issue = world.add_issue(project, author=alice, title="Add a health check", description="It is missing.")
    return Shop(project, alice, bob, guest, stranger, bot, issue)


@pytest.fixture
def client(gitlab: GitLabServer) -> Iterator[Client]:
    """Return a function that gives a python-gitlab client for a user, with the scopes of its token."""
    with ExitStack() as clients:

        def make(user: User, *scopes: str) -> Gitlab:
            token = gitlab.world.add_token(user, scopes=scopes or ("api",))
            return clients.enter_context(Gitlab(gitlab.url, oauth_token=token, timeout=60))

        yield make


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver of hooks."""
    with Receiver() as listening:
        yield listening
