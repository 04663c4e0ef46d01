"""Signing in at GitLab by OpenID Connect: authorization code with PKCE, state and nonce; and signing out.

authlib keeps state, nonce and verifier in the signed cookie of the browser that began, until it comes back.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.desk import Desk
from bot.doors import CSRF_FIELD, SESSION_ID
from bot.problems import Problem
from bot.sessions import LONGEST_SECONDS, Sessions
from core.errors import GitLabError
from core.gitlab.nouns import User

SCOPES: Final = "openid profile read_api"
"""Who it is, and what GitLab shows them; nothing can be changed with it."""
NEXT: Final = "next"
SEE_OTHER: Final = 303
_LOCAL: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}", re.ASCII)

log = logging.getLogger(__name__)


class SignIn:
    """The endpoints below ``/sign-in``, and ``/sign-out``."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        settings = desk.settings
        self._sessions = sessions
        self._doors = desk.doors
        self._gitlab = desk.gitlab
        self._client = (settings.oidc_client_id, settings.oidc_client_secret.get_secret_value())
        self._callback = f"{settings.public_url}/sign-in/callback"
        self._provider = OAuth().register(
            "gitlab",
            client_id=self._client[0],
            client_secret=self._client[1],
            server_metadata_url=f"{settings.gitlab_url}/.well-known/openid-configuration",
            client_kwargs={
                "scope": SCOPES, "code_challenge_method": "S256", "timeout": settings.gitlab_timeout_seconds,
            },
        )  # fmt: skip

    async def begin(self, request: Request) -> Response:
        """Send the browser to GitLab, and remember where it wants to go."""
        request.session[NEXT] = local_path(request.query_params.get(NEXT, ""))
        try:
            answer: Response = await self._provider.authorize_redirect(request, self._callback)
        except (httpx2.HTTPError, OAuthError, ValueError, KeyError, RuntimeError) as error:
            raise _gitlab_is_away(error) from error
        return answer

    async def end(self, request: Request) -> Response:
        """Take what GitLab says of who has come back; open a session under a new id."""
        try:
            token = await self._provider.authorize_access_token(request)
        except OAuthError as error:
            log.info("sign-in refused", extra={"why": str(error.error)})
            raise Problem(400, _sentence(str(error.error))) from error
        except (httpx2.HTTPError, JoseError, ValueError, KeyError, RuntimeError) as error:
            raise _gitlab_is_away(error) from error
        user = _user(token.get("userinfo"))
        wanted = local_path(str(request.session.get(NEXT, "")))
        request.session.clear()
        seconds = int(token.get("expires_in") or LONGEST_SECONDS)
        request.session[SESSION_ID] = await self._sessions.open(user, str(token["access_token"]), seconds)
        log.info("signed in", extra={"user_id": user.id})
        return RedirectResponse(wanted, SEE_OTHER)

    async def sign_out(self, request: Request) -> Response:
        """Forget the session, and give GitLab its token back."""
        viewer = await self._doors.viewer(request)
        if viewer is not None:
            async with request.form(max_fields=10) as form:
                self._doors.check_origin(request, viewer, str(form.get(CSRF_FIELD, "")))
            await self._sessions.close(str(request.session[SESSION_ID]))
            await self._revoke(viewer.token)
        request.session.clear()
        # To a page that leads nowhere by itself: browsers hold what a form leads to against our policy.
        return RedirectResponse("/signed-out", SEE_OTHER)

    async def _revoke(self, token: str) -> None:
        """Best effort: the token ends by itself in time."""
        try:
            await self._gitlab.revoke(token, self._client)
        except GitLabError as error:
            log.info("token not revoked", extra={"why": str(error)})


def local_path(text: str) -> str:
    """Give *text* if it is a place on our pages, else the first page: never another site's address."""
    return text if _LOCAL.fullmatch(text) else "/"


def _user(claims: Any) -> User:
    """Read who it is out of a checked id_token; GitLab's ``sub`` is the user's id."""
    subject = str((claims or {}).get("sub") or "")
    if not subject.isdecimal():
        raise Problem(502, "GitLab did not say who you are. An operator should look at the application's scopes.")
    username = str(claims.get("preferred_username") or claims.get("nickname") or "")
    return User(id=int(subject), username=username, name=str(claims.get("name") or ""))


def _sentence(error: str) -> str:
    if error == "access_denied":
        return "You did not let Ablehand in at GitLab. Sign in again if you meant to."
    if error == "mismatching_state":
        return "This sign-in began in another window or too long ago. Sign in again."
    return "GitLab refused the sign-in. Try again; if it stays, an operator should check the application on GitLab."


def _gitlab_is_away(error: Exception) -> Problem:
    log.warning("sign-in failed", extra={"why": type(error).__name__})
    return Problem(503, "GitLab does not answer, or not as it should. Try to sign in again in a moment.")
