"""`ablehand hook install`: create or repair a project's webhook. Idempotent: the hook is known by its address."""

from __future__ import annotations

from typing import Any

from core import links
from core.gitlab.client import GitLab
from core.settings import Settings

EVENTS = {
    "note_events": True,
    "confidential_note_events": True,
    "issues_events": True,
    "confidential_issues_events": True,
    "push_events": False,
}
"""Confidential ones too: they are answered with the reason where the project can't keep them so."""


def install(settings: Settings, gitlab: GitLab, project_path: str) -> str:
    """Make the project's hook what it must be; answer created, repaired or unchanged.

    Raises:
        GitLabDenied: The bot is not a Maintainer of the project.
        GitLabNotFound: No such project, or none that the bot may see.
    """
    settings.require("public_url")
    project = gitlab.project_at(project_path)
    address = links.webhook(settings)
    found = next((hook for hook in gitlab.hooks(project.id) if hook["url"] == address), None)
    if found is not None and all(found.get(name) == value for name, value in EVENTS.items()) and not _keys(settings):
        return "unchanged"
    gitlab.save_hook(project.id, int(found["id"]) if found else 0, wanted(settings))
    return "repaired" if found else "created"


def wanted(settings: Settings) -> dict[str, Any]:
    """Give the fields that the hook must have. GitLab never tells a hook's secrets, so they are always sent."""
    return {
        "url": links.webhook(settings),
        "enable_ssl_verification": settings.public_url.startswith("https:"),
        **EVENTS,
        **_keys(settings),
    }


def _keys(settings: Settings) -> dict[str, str]:
    signing = settings.active_webhook_keys("webhook_signing_token")
    secret = settings.active_webhook_keys("webhook_secret")
    return ({"signing_token": signing[0]} if signing else {}) | ({"token": secret[0]} if secret else {})
