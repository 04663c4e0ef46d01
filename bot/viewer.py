"""Who is there: the one value that pages and API know a person by. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum


class How(StrEnum):
    """How a viewer is known."""

    SESSION = "session"
    """Signed in at GitLab, by cookie."""
    TOKEN = "token"  # noqa: S105 - a word
    """A token of GitLab's comes with each request."""
    OPEN = "open"
    """Nobody is asked who they are: on loopback, without sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who looks or asks. GitLab is asked with *token* what they may see; it never leaves the server."""

    user_id: int
    username: str
    name: str = ""
    how: How
    may_write: bool
    """Whether what they come with may change anything: a token has to have the scope ``api``."""
    token: str = field(default="", repr=False)
    csrf_token: str = field(default="", repr=False)
    """What a form of this session has to bring along."""

    @property
    def key(self) -> str:
        """Names the credential, not the person: what GitLab answers one token it need not answer another."""
        return digest(self.token)


ANYBODY = Viewer(user_id=0, username="", how=How.OPEN, may_write=False)
"""Whoever reaches loopback. An agent that runs there does too: they look, and change nothing."""


def digest(secret: str) -> str:
    """Give what a secret is filed under."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()[:40]
