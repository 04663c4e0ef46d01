"""A small simulated GitLab with its people, for tests that drive our real code against it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.gitlab.client import GitLab
from core.gitlab.transport import Transport
from core.settings import Settings
from core.task import Noteable, Place
from simulators.gitlab.access import DEVELOPER, MAINTAINER
from simulators.gitlab.records import Issue, Note, Project, User
from simulators.gitlab.server import GitLabServer
from simulators.gitlab.state.world import World

PUBLIC_URL = "https://agents.example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """One private project with an issue; alice is its Developer, the bot its Maintainer."""

    server: GitLabServer
    project: Project
    issue: Issue
    alice: User
    bot: User
    token: str

    @property
    def world(self) -> World:
        """The rules of the simulated GitLab."""
        return self.server.world

    def client(self, *, timeout_seconds: float = 5, pause_seconds: float = 0.01) -> GitLab:
        """Open our own client as the bot, with short waits."""
        transport = Transport(self.server.url, self.token, timeout_seconds=timeout_seconds, pause_seconds=pause_seconds)
        return GitLab(transport)

    def settings(self, redis_url: str = "", **others: object) -> Settings:
        """Give settings that lead here."""
        values: dict[str, object] = {
            "gitlab_url": self.server.url,
            "gitlab_token": self.token,
            "redis_url": redis_url,
            "public_url": PUBLIC_URL,
            "agent": "command",
            "agent_command": "true",
        }
        return Settings.model_validate(values | others)

    @property
    def place(self) -> Noteable:
        """The issue, as our code names it."""
        return Noteable(project_id=self.project.id, place=Place.ISSUE, iid=self.issue.iid)

    def say(self, body: str, *, author: User | None = None, internal: bool = False) -> Note:
        """Comment on the issue, as alice where no *author* is given."""
        return self.world.comment(self.issue, author=author or self.alice, body=body, internal=internal)

    def bodies(self) -> list[str]:
        """List what the bot has written on the issue, the oldest first."""
        return [note.body for note in self.world.notes(self.issue) if note.author is self.bot]

    def count(self, method: str, ending: str) -> int:
        """Count the calls whose path ends so."""
        return sum(call.method == method and call.path.endswith(ending) for call in self.server.calls)


@contextmanager
def settled(directory: Path) -> Iterator[Town]:
    """Serve a fresh town from *directory*."""
    with GitLabServer(directory) as server:
        world = server.world
        alice = world.add_user("alice", name="Alice Doe")
        bot = world.add_user("ablehand", name="Ablehand", bot=True)
        project = world.add_project("shop/web", files={"README.md": "# Web\n"})
        world.add_member(project, alice, DEVELOPER)
        world.add_member(project, bot, MAINTAINER)
        issue = world.add_issue(project, author=alice, title="A health check", description="It says ok.")
        yield Town(server=server, project=project, issue=issue, alice=alice, bot=bot, token=world.add_token(bot))
