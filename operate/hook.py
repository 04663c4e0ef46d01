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
    """Make the project's hook what it must be; answer what was done: created, repaired, or unchanged.

    GitLab tells whether a hook has a key and never which: an unchanged hook's is set again, and that is said.

    Raises:
        GitLabDenied: The bot is not a Maintainer of the project.
        GitLabNotFound: No such project, or none that the bot may see.
    """
    settings.require("public_url")
    project = gitlab.project_at(project_path)
    fields, keys = wanted(settings), _keys(settings)
    found = next((hook for hook in gitlab.hooks(project.id) if hook["url"] == fields["url"]), None)
    is_right = found is not None and _is_right(found, fields, keys)
    if is_right and not keys:
        return "unchanged"
    gitlab.save_hook(project.id, int(found["id"]) if found else 0, fields | keys)
    if is_right:
        return "unchanged, its key set again"
    return "repaired" if found else "created"


def wanted(settings: Settings) -> dict[str, Any]:
    """Give the fields that the hook must have, its keys aside."""
    return {
        "url": links.webhook(settings),
        "enable_ssl_verification": settings.public_url.startswith("https:"),
        **EVENTS,
    }


def _is_right(hook: dict[str, Any], fields: dict[str, Any], keys: dict[str, str]) -> bool:
    # A GitLab that does not tell whether there is a key is taken at its word for one.
    return all(hook.get(name) == value for name, value in fields.items()) and all(
        hook.get(f"{name}_present", True) for name in keys
    )


def _keys(settings: Settings) -> dict[str, str]:
    signing = settings.active_webhook_keys("webhook_signing_token")
    secret = settings.active_webhook_keys("webhook_secret")
    return ({"signing_token": signing[0]} if signing else {}) | ({"token": secret[0]} if secret else {})
