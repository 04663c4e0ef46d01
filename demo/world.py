"""The simulated GitLab as the demo finds it: a project, a person, the bot and its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import SettingsError
from simulators.gitlab.records import Issue, Project, User
from simulators.gitlab.repository import GitError
from simulators.gitlab.server import GitLabServer
from simulators.gitlab.state.world import World

PROJECT_FILES = Path(__file__).parent / "project"
PERSON = "alice"
BOT = "ablehand"
TITLE = "Our monitoring needs a health check"
DESCRIPTION = "The load balancer has to know whether the service is alive."
DEVELOPER, MAINTAINER = 30, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the story needs of the world. The nouns are the simulator's."""

    project: Project
    person: User
    bot: User
    issue: Issue
    api_token: str
    read_token: str
    write_token: str


def set_up(gitlab: GitLabServer, repository: Path | None) -> Scene:
    """Fill an empty GitLab: the seeded project, or a copy of *repository*."""
    world = gitlab.world
    person = world.add_user(PERSON, name="Alice Moreau")
    bot = world.add_user(BOT, name="Ablehand", bot=True)
    if repository is None:
        files = {path.name: path.read_text("utf-8") for path in sorted(PROJECT_FILES.iterdir()) if path.is_file()}
        project = world.add_project("shop/web", visibility="private", files=files)
    else:
        project = _copy(world, repository)
    world.add_member(project, person, access_level=DEVELOPER)
    world.add_member(project, bot, access_level=MAINTAINER)
    return Scene(
        project=project,
        person=person,
        bot=bot,
        issue=world.add_issue(project, author=person, title=TITLE, description=DESCRIPTION),
        api_token=world.add_token(bot, scopes={"api"}),
        read_token=world.add_token(bot, scopes={"read_repository"}),
        write_token=world.add_token(bot, scopes={"write_repository"}),
    )


def _copy(world: World, repository: Path) -> Project:
    try:
        path = f"local/{repository.resolve().name}"
        return world.add_project(path, visibility="private", from_repository=repository)
    except GitError as error:
        raise SettingsError(f"--repo {repository}: git can't clone it: {error}") from None
