"""`ablehand hook install`: create or repair a project's or group's webhook. Idempotent: it is known by its address."""

from __future__ import annotations

from typing import Any

from core import links
from core.errors import GitLabError
from core.gitlab.client import GitLab
from core.gitlab.hooks import HookOwner, is_switched_off
from core.settings import Settings

EVENTS = {
    "note_events": True,
    "confidential_note_events": True,
    "issues_events": True,
    "confidential_issues_events": True,
    "merge_requests_events": True,
    "pipeline_events": True,
    "push_events": False,
}
"""Confidential ones too: they are answered with the reason where the project can't keep them so."""
TRIGGERS = ("push_events", "issues_events", "note_events")
"""What GitLab may be asked to send as a test; each needs something of its kind to be there."""


def install(settings: Settings, gitlab: GitLab, path: str, *, is_group: bool = False) -> str:
    """Make the hook of the project or group at *path* what it must be; answer: created, repaired, or unchanged.

    GitLab tells whether a hook has a key and never which: an unchanged hook's is set again, and that is said. One that
    GitLab has switched off is sent a test, which switches it on again where the bot answers.

    Raises:
        GitLabDenied: The bot is not a Maintainer of the project, or not an Owner of the group.
        GitLabNotFound: No such project or group, none that the bot may see, or a GitLab without group hooks.
    """
    settings.require("public_url")
    owner = HookOwner(full_path=path, is_group=is_group)
    fields, keys = wanted(settings), _keys(settings)
    found = next((hook for hook in gitlab.hooks(owner) if hook["url"] == fields["url"]), None)
    is_right = found is not None and _is_right(found, fields, keys)
    is_off = found is not None and is_switched_off(found)
    if is_right and not keys and not is_off:
        return "unchanged"
    saved = gitlab.save_hook(owner, int(found["id"]) if found else 0, fields | keys)
    if is_off:
        return f"repaired; it was switched off, {_switch_on(gitlab, owner, int(saved['id']))}"
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


def lacks_events(hook: dict[str, Any]) -> list[str]:
    """List the events that we need and *hook* does not tell of."""
    return [name for name, is_on in EVENTS.items() if is_on and not hook.get(name)]


def _switch_on(gitlab: GitLab, owner: HookOwner, hook_id: int) -> str:
    for trigger in TRIGGERS:
        try:
            gitlab.test_hook(owner, hook_id, trigger)
        except GitLabError:
            continue  # nothing of that kind to send, or GitLab could not reach us
        return "and a test got through"
    return "and no test got through: check that GitLab reaches the bot"


def _is_right(hook: dict[str, Any], fields: dict[str, Any], keys: dict[str, str]) -> bool:
    # A GitLab that does not tell whether there is a key is taken at its word for one.
    return all(hook.get(name) == value for name, value in fields.items()) and all(
        hook.get(f"{name}_present", True) for name in keys
    )


def _keys(settings: Settings) -> dict[str, str]:
    signing = settings.active_webhook_keys("webhook_signing_token")
    secret = settings.active_webhook_keys("webhook_secret")
    return ({"signing_token": signing[0]} if signing else {}) | ({"token": secret[0]} if secret else {})
