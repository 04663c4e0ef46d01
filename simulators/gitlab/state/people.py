"""Users, tokens and roles."""

import secrets
from collections.abc import Iterable

from simulators.gitlab.access import DEVELOPER
from simulators.gitlab.records import Project, Token, User
from simulators.gitlab.state.tables import Tables, locked


class People(Tables):
    """The part of the world that knows people."""

    @locked
    def add_user(self, username: str, *, name: str = "", bot: bool = False) -> User:
        """Sign a person or a bot up."""
        user = User(self.next_id("user"), username, name or username.capitalize(), bot)
        self.users[user.id] = user
        return user

    @locked
    def add_token(self, user: User, *, scopes: Iterable[str] = ("api",), name: str = "token") -> str:
        """Make a personal access token and return its text."""
        return self._issue_token(user, name, frozenset(scopes)).value

    @locked
    def add_project_token(self, project: Project, name: str, scopes: Iterable[str], access_level: int) -> Token:
        """Make a project access token with a bot user of its own, which becomes a member."""
        bot = self.add_user(f"project_{project.id}_bot_{secrets.token_hex(8)}", name=name, bot=True)
        self.add_member(project, bot, access_level)
        token = self._issue_token(bot, name, frozenset(scopes))
        token.project_id, token.access_level = project.id, access_level
        return token

    @locked
    def rotate_token(self, token: Token) -> Token:
        """Revoke a token at once and return its successor: same user, scopes and project."""
        token.revoked = True
        successor = self._issue_token(token.user, token.name, token.scopes)
        successor.project_id, successor.access_level = token.project_id, token.access_level
        return successor

    @locked
    def revoke_token(self, token: str) -> None:
        """Revoke a token by its text; it answers 401 from now on. A project's bot is a member no longer."""
        revoked = self.tokens[token]
        revoked.revoked = True
        if revoked.project_id is not None:
            self.projects[revoked.project_id].members.pop(revoked.user.id, None)

    @locked
    def add_member(self, project: Project, user: User, access_level: int = DEVELOPER) -> None:
        """Give a user a role in a project, or change it."""
        project.members[user.id] = access_level

    @locked
    def remove_member(self, project: Project, user: User) -> None:
        """Take a user's role in a project away."""
        project.members.pop(user.id, None)

    @locked
    def block_user(self, user: User) -> None:
        """Block a user: tokens stop working, members show `state: blocked`."""
        user.state = "blocked"

    def _issue_token(self, user: User, name: str, scopes: frozenset[str]) -> Token:
        token = Token(self.next_id("token"), f"glpat-{secrets.token_hex(10)}", user, name, scopes)
        self.tokens[token.value] = token
        return token
