"""Who comes in, and by which door: a token of GitLab's, a session, or, on loopback without sign-in, anybody."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from bot.problems import Problem
from bot.sessions import Sessions
from bot.tokens import Tokens
from bot.viewer import ANYBODY, How, Viewer
from core.errors import SettingsError
from core.settings import Settings

SESSION_ID: Final = "id"
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf_token"
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,1024}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Asked for every page and every call of the API. *sessions* is None where nobody can sign in."""

    public_url: str
    tokens: Tokens
    sessions: Sessions | None
    closed: bool = False
    """Whether nobody comes in without a token while nobody can sign in."""

    async def viewer(self, request: Request) -> Viewer | None:
        """Give who looks at a page; None for who has to sign in."""
        if self.sessions is None:
            # A page elsewhere whose name suddenly means this machine must not read along.
            return ANYBODY if not self.closed and is_loopback(request.url.hostname or "") else None
        session_id = request.session.get(SESSION_ID)
        return await self.sessions.viewer(str(session_id)) if session_id else None

    async def caller(self, request: Request) -> Viewer:
        """Give who calls the API: a token counts before a session.

        Raises:
            Problem: Nobody, or a token that GitLab does not take.
        """
        token = presented_token(request)
        viewer = await (self.tokens.viewer(token) if token else self.viewer(request))
        if viewer is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="GitLab access token"'}
            raise Problem(401, "Send a GitLab access token as PRIVATE-TOKEN or Bearer, or sign in.", headers=challenge)
        return viewer

    def check_origin(self, request: Request, viewer: Viewer, form_token: str = "") -> None:
        """Refuse what another site has a signed-in browser send; a token of GitLab's no browser sends by itself.

        Raises:
            Problem: It does not come from a page of ours.
        """
        if viewer.how is How.TOKEN:
            return
        origin = request.headers.get("origin", "")
        presented = request.headers.get(CSRF_HEADER) or form_token
        expected = viewer.csrf_token.encode()
        known = bool(expected) and hmac.compare_digest(presented.encode(errors="replace"), expected)
        if not known or origin.lower() != self._origin(request):
            raise Problem(403, "This did not come from a page of ours. Load the page again, and try again.")

    def _origin(self, request: Request) -> str:
        parts = urlsplit(self.public_url or str(request.base_url))
        return f"{parts.scheme}://{parts.netloc}".lower()


def presented_token(request: Request) -> str:
    """Give the token that a request brings along; empty for none.

    Raises:
        Problem: It can't be one.
    """
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = request.headers.get("private-token", "") or (bearer.strip() if scheme.lower() == "bearer" else "")
    if token and not _TOKEN.fullmatch(token):
        raise Problem(401, "That is no token of GitLab's.")
    return token


def is_loopback(host: str) -> bool:
    """Tell whether only this machine is reached by the name or address *host*."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(settings: Settings) -> None:
    """Refuse pages that are open to others than this machine, and a sign-in that is half set up.

    Raises:
        SettingsError: Says what to set.
    """
    if settings.oidc_client_id:
        settings.require("oidc_client_secret", "session_secret", "public_url", "gitlab_url")
        if len(settings.session_secret.get_secret_value()) < 32:  # noqa: PLR2004 - as the setting says
            raise SettingsError("ABLEHAND_SESSION_SECRET: at least 32 characters; try `openssl rand -hex 32`.")
        return
    if settings.pages_closed:
        return
    public = urlsplit(settings.public_url).hostname or "localhost"
    if not is_loopback(settings.host) or not is_loopback(public):
        raise SettingsError(
            f"Nobody would have to sign in at {settings.public_url or settings.host}. Set ABLEHAND_OIDC_CLIENT_ID, "
            "ABLEHAND_OIDC_CLIENT_SECRET and ABLEHAND_SESSION_SECRET (docs/api.md), listen on 127.0.0.1 and leave "
            "ABLEHAND_PUBLIC_URL to that, or close the pages with ABLEHAND_PAGES_CLOSED=true."
        )
