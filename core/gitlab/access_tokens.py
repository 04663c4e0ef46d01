"""The calls about project access tokens: short-lived, for one project alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import SecretStr

from core.errors import GitLabNotFound, GitLabUnavailable
from core.gitlab.transport import Transport

DEVELOPER: Final = 30
PUSHES: Final = "write_repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token that works; *value* is known only to who has just made it."""

    id: int
    name: str
    scopes: tuple[str, ...]
    value: SecretStr = field(default_factory=lambda: SecretStr(""))


class AccessTokenCalls:
    """A part of `core.gitlab.client.GitLab`. All of them need a Maintainer."""

    _api: Transport

    def create_push_token(self, project_id: int, name: str) -> AccessToken:
        """Make a token that can push as a Developer, and nothing else, until the day after tomorrow at the latest."""
        # GitLab's days are UTC's, and a token ends when its day begins.
        last_day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
        fields = {"name": name, "scopes": [PUSHES], "access_level": DEVELOPER, "expires_at": last_day}
        made = self._api.write("create_token", "post", f"/projects/{project_id}/access_tokens", fields)
        return _token_of(made)

    def push_tokens(self, project_id: int, about: str) -> list[AccessToken]:
        """List the tokens that work, can only push, and have *about* in their name."""
        place = f"/projects/{project_id}/access_tokens"
        found = self._api.read_all("tokens", place, state="active", search=about)
        # An old GitLab knows neither filter, and lists what was revoked too.
        tokens = [_token_of(value) for value in found if value.get("active") and not value.get("revoked")]
        return [token for token in tokens if token.scopes == (PUSHES,) and about in token.name]

    def revoke_token(self, project_id: int, token_id: int) -> None:
        """Revoke a token at once; one that is gone is fine."""
        try:
            self._api.delete("revoke_token", f"/projects/{project_id}/access_tokens/{token_id}")
        except GitLabNotFound:
            return


def _token_of(value: dict[str, Any]) -> AccessToken:
    try:
        return AccessToken(
            id=int(value["id"]),
            name=str(value["name"]),
            scopes=tuple(str(scope) for scope in value.get("scopes") or ()),
            value=SecretStr(str(value.get("token") or "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GitLabUnavailable(f"GitLab's answer is no token: {type(error).__name__}") from error
