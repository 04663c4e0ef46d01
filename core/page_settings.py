"""Who comes to the pages and the API, and how often. Part of `core.settings.Settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class PageSettings(BaseSettings):
    """Built as a part of the whole only."""

    oidc_client_id: str = Field(
        "",
        description="Id of the application that people sign in with (docs/api.md). Without one the pages are open to "
        "who reaches them, to look at: the bot then listens on loopback alone.",
    )
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Secret of that application.")
    session_secret: SecretStr = Field(
        SecretStr(""),
        description="At least 32 characters that nobody can guess, the same for every bot: signs the cookie of a "
        "session, and encrypts what is kept of it.",
    )
    pages_closed: bool = Field(
        default=False,
        description="Whether the pages are closed while nobody can sign in: webhooks are taken, and the API answers to "
        "GitLab's tokens. The chart sets it where `signIn.clientId` is empty.",
    )
    api_requests_per_minute: int = Field(
        600, ge=10, description="How often one person may call the API; a tenth of the calls may change something."
    )
