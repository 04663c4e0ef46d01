"""Whose token comes with a request: GitLab says, and what it says is kept for a while under the token's digest."""

from __future__ import annotations

from typing import Any, Final

from bot.answers import Answers
from bot.gitlab_view import GitLabView
from bot.problems import Problem
from bot.rate_limit import UNKNOWN_TOKENS, RateLimit
from bot.viewer import How, Viewer, digest
from core.errors import GitLabDenied

QUESTION: Final = "who"
REFUSED_SECONDS: Final = 30
WRITING_SCOPE: Final = "api"


class Tokens:
    """Personal, project and group access tokens, and OAuth's; those may read."""

    def __init__(self, gitlab: GitLabView, answers: Answers, limit: RateLimit) -> None:
        self._gitlab = gitlab
        self._answers = answers
        self._limit = limit

    async def viewer(self, token: str) -> Viewer:
        """Give who comes with *token*.

        Raises:
            Problem: GitLab does not take it.
            GitLabError: GitLab did not say.
        """
        key = digest(token)
        who = (await self._answers.known(key, [QUESTION]))[QUESTION]
        if who is None:
            who = await self._ask(key, token)
        if not who:
            raise Problem(401, "GitLab does not know this token, or does not take it any more.")
        return Viewer(**who, how=How.TOKEN, token=token)

    async def _ask(self, key: str, token: str) -> dict[str, Any]:
        await self._limit.take("tokens", "all", UNKNOWN_TOKENS)
        try:
            user = await self._gitlab.user(token)
        except GitLabDenied:
            await self._answers.keep(key, {QUESTION: {}}, seconds=REFUSED_SECONDS)
            return {}
        may_write = WRITING_SCOPE in await self._gitlab.scopes(token)
        who = {"user_id": user.id, "username": user.username, "name": user.name, "may_write": may_write}
        await self._answers.keep(key, {QUESTION: who})
        return who
