"""Who may instruct the agent: people with the Developer role. Each is asked for once in a launch."""

from __future__ import annotations

from typing import Final

from core.gitlab.client import GitLab
from core.gitlab.levels import DEVELOPER
from core.gitlab.nouns import User
from worker.requests.asker import is_machine

PEOPLE_ASKED_FOR: Final = 40
"""In one launch; whoever comes after that is not trusted."""


class Trust:
    """What one launch has found out about a project's people; *own* are all ids that the bot has or had."""

    def __init__(self, gitlab: GitLab, project_id: int, own: frozenset[int]) -> None:
        self._gitlab = gitlab
        self._project_id = project_id
        self._own = own
        self._known: dict[int, bool] = {}

    def includes(self, user: User) -> bool:
        """Tell whether *user* may instruct the agent. Machines may not: what they write, others may have made up."""
        if user.id not in self._known:
            self._known[user.id] = len(self._known) < PEOPLE_ASKED_FOR and self._ask(user)
        return self._known[user.id]

    def is_own(self, user: User) -> bool:
        """Tell whether *user* is the bot itself."""
        return user.id in self._own

    def _ask(self, user: User) -> bool:
        if not user.id or self.is_own(user) or self._gitlab.access_level(self._project_id, user.id) < DEVELOPER:
            return False
        return not is_machine(self._gitlab, user)
