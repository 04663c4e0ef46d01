"""GitLab as a viewer sees it: asked with their token, without blocking. The bot has no token of its own.

Errors are those of `core.errors`; nothing is tried twice, since a person waits. Redirects are not followed: a token
goes to the one host that is configured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx2

from core.errors import GitLabDenied, GitLabError, GitLabNotFound, GitLabUnavailable, TokenRefused
from core.gitlab.nouns import Project, User
from core.gitlab.reading import project_of, user_of
from core.task import Place

PAGE: Final = 100
MOST_PROJECTS: Final = 10_000
CHOICES: Final = 20
CONNECTIONS: Final = 50
_REFUSALS: Final[Mapping[int, type[GitLabError]]] = {
    httpx2.codes.UNAUTHORIZED: TokenRefused,
    httpx2.codes.FORBIDDEN: GitLabDenied,
    httpx2.codes.NOT_FOUND: GitLabNotFound,
}

Query = Mapping[str, str | int | list[str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A project that somebody may pick."""

    id: int
    path: str
    default_branch: str


class GitLabView:
    """One pool of connections for all viewers. *on_error* is told of every refusal."""

    def __init__(
        self, url: str, *, timeout_seconds: float, on_error: Callable[[GitLabError], None] = lambda _error: None
    ) -> None:
        self._url = url
        self._on_error = on_error
        self._http = httpx2.AsyncClient(
            base_url=f"{url}/api/v4",
            timeout=timeout_seconds,
            limits=httpx2.Limits(max_connections=CONNECTIONS),
            headers={"User-Agent": "ablehand"},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def revoke(self, token: str, client: tuple[str, str]) -> None:
        """Give an OAuth token back, as the application *client* (id and secret)."""
        try:
            answer = await self._http.post(f"{self._url}/oauth/revoke", data={"token": token}, auth=client)
        except httpx2.HTTPError as error:
            raise GitLabUnavailable(f"revoke: {type(error).__name__}") from error
        if not answer.is_success:
            raise GitLabError(f"revoke: {answer.status_code}")

    async def user(self, token: str) -> User:
        """Give whose *token* it is."""
        return user_of(await self._object(token, "/user"))

    async def scopes(self, token: str) -> frozenset[str]:
        """Give what an access token may do; nothing where GitLab does not say, as of OAuth's."""
        try:
            answer = await self._object(token, "/personal_access_tokens/self")
        except (GitLabDenied, GitLabNotFound):
            return frozenset()
        return frozenset(str(scope) for scope in answer.get("scopes") or ())

    async def project(self, token: str, reference: str) -> Project:
        """Read a project by id or full path."""
        return project_of(await self._object(token, f"/projects/{quote(reference, safe='')}"))

    async def access_level(self, token: str, project_id: int, user_id: int) -> int:
        """Give the viewer's effective access to a project; 0 for none."""
        try:
            member = await self._object(token, f"/projects/{project_id}/members/all/{user_id}")
        except (GitLabNotFound, GitLabDenied):
            return 0
        active = member.get("state") == "active" and member.get("membership_state", "active") == "active"
        # GitLab lists an expired member until its nightly job.
        active = active and (member.get("expires_at") or "9") > datetime.now(UTC).date().isoformat()
        return int(member.get("access_level") or 0) if active else 0

    async def projects(self, token: str, least_level: int) -> frozenset[int]:
        """Give the ids of the projects in which the viewer has *least_level* or more."""
        found: set[int] = set()
        query: dict[str, str | int] = {"membership": "true", "min_access_level": least_level, "simple": "true"}
        for page in range(1, MOST_PROJECTS // PAGE + 1):
            some = await self._list(token, "/projects", query | {"per_page": PAGE, "page": page, "order_by": "id"})
            found |= {int(project["id"]) for project in some}
            if len(some) < PAGE:
                break
        return frozenset(found)

    async def choices(self, token: str, text: str, least_level: int) -> list[Choice]:
        """Give some projects whose path contains *text*, in which the viewer has *least_level* or more."""
        query: dict[str, str | int] = {
            "membership": "true", "min_access_level": least_level, "simple": "true", "archived": "false",
            "per_page": CHOICES, "order_by": "last_activity_at",
        }  # fmt: skip
        if text:
            query |= {"search": text, "search_namespaces": "true"}
        found = await self._list(token, "/projects", query)
        return [
            Choice(int(item["id"]), str(item["path_with_namespace"]), str(item.get("default_branch") or ""))
            for item in found
        ]

    async def branches(self, token: str, project_id: int, text: str) -> list[str]:
        """Give some branches whose name contains *text*."""
        query: dict[str, str | int] = {"per_page": CHOICES} | ({"search": text} if text else {})
        found = await self._list(token, f"/projects/{project_id}/repository/branches", query)
        return [str(branch["name"]) for branch in found]

    async def has_branch(self, token: str, project_id: int, branch: str) -> bool:
        """Tell whether a project has a branch of that very name."""
        try:
            await self._object(token, f"/projects/{project_id}/repository/branches/{quote(branch, safe='')}")
        except GitLabNotFound:
            return False
        return True

    async def shown(self, token: str, project_id: int, place: Place, iids: Iterable[int]) -> frozenset[int]:
        """Give those of at most `PAGE` issues or merge requests that GitLab shows the viewer."""
        query: Query = {"iids[]": [str(iid) for iid in iids], "per_page": PAGE, "scope": "all", "state": "all"}
        try:
            found = await self._list(token, f"/projects/{project_id}/{place}", query)
        except (GitLabNotFound, GitLabDenied):
            return frozenset()
        return frozenset(int(item["iid"]) for item in found)

    async def _object(self, token: str, path: str) -> dict[str, Any]:
        answer = await self._get(token, path, {})
        if not isinstance(answer, dict):
            raise GitLabUnavailable(f"GET {path}: not an object")
        return answer

    async def _list(self, token: str, path: str, query: Query) -> list[dict[str, Any]]:
        answer = await self._get(token, path, query)
        if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
            raise GitLabUnavailable(f"GET {path}: not a list")
        return answer

    async def _get(self, token: str, path: str, query: Query) -> object:
        try:
            return await self._answer(token, path, query)
        except GitLabError as error:
            self._on_error(error)
            raise

    async def _answer(self, token: str, path: str, query: Query) -> object:
        try:
            # As a Bearer, which GitLab takes for every kind of token.
            answer = await self._http.get(path, params=query, headers={"Authorization": f"Bearer {token}"})
            if answer.is_success:
                return answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise GitLabUnavailable(f"GET {path}: {type(error).__name__}") from error
        status = answer.status_code
        fallback = GitLabUnavailable if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status == 429 else GitLabError  # noqa: PLR2004
        raise _REFUSALS.get(status, fallback)(f"GET {path}: {status}")
