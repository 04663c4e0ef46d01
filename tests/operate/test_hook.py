"""Installing a webhook: created, repaired, left alone; and what is said of keys that GitLab never tells."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import GitLabDenied, GitLabNotFound, SettingsError
from operate.hook import install
from simulators.gitlab.access import DEVELOPER, OWNER
from simulators.gitlab.records import Hook
from tests.worker.town import PUBLIC_URL, Town

ADDRESS = f"{PUBLIC_URL}/webhooks/gitlab"
SIGNING = "whsec_" + "A" * 43 + "="
EVENTS = {
    "note_events", "confidential_note_events", "issues_events", "confidential_issues_events",
    "merge_requests_events", "pipeline_events",
}  # fmt: skip


def hooks(town: Town) -> list[Hook]:
    """List the project's hooks."""
    return list(town.project.hooks.values())


def installed(town: Town, **others: object) -> str:
    """Install the hook, and give what is said."""
    return install(town.settings(**{"webhook_secret": "", **others}), town.client(), "shop/web")  # type: ignore[arg-type]


def test_a_hook_is_created_and_then_left_alone(town: Town) -> None:
    """The second call writes nothing where there is no key to set."""
    assert [installed(town), installed(town)] == ["created", "unchanged"]

    (hook,) = hooks(town)
    assert (hook.url, hook.events, hook.enable_ssl_verification) == (ADDRESS, EVENTS, True)
    assert town.count("PUT", "/hooks") == 0


def test_a_key_that_cannot_be_compared_is_set_again(town: Town) -> None:
    """And the word for it is neither repaired nor unchanged."""
    assert installed(town, webhook_signing_token=SIGNING) == "created"
    hooks(town)[0].signing_token = "whsec_" + "B" * 43 + "="

    assert (
        installed(town, webhook_signing_token=f"{SIGNING},{'whsec_' + 'C' * 43 + '='}")
        == "unchanged, its key set again"
    )

    assert hooks(town)[0].signing_token == SIGNING


CHANGES: dict[str, dict[str, Any]] = {
    "events": {"events": {"push_events"}},
    "verification": {"enable_ssl_verification": False},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("secret", ["", "a-secret-of-ours"], ids=["without-key", "with-key"])
def test_what_was_changed_is_repaired(town: Town, change: dict[str, Any], secret: str) -> None:
    """Its events and its checking of certificates; no second hook is made, and a foreign one stays."""
    foreign = town.world.add_hook(town.project, "https://elsewhere.example/", events=["note_events"])
    installed(town, webhook_secret=secret)
    hook = hooks(town)[1]
    for name, value in change.items():
        setattr(hook, name, value)

    assert installed(town, webhook_secret=secret) == "repaired"

    assert hooks(town) == [foreign, hook]
    assert (hook.events, hook.enable_ssl_verification, hook.token) == (EVENTS, True, secret)


def test_a_missing_key_is_a_repair(town: Town) -> None:
    """GitLab tells whether there is one."""
    installed(town)

    assert installed(town, webhook_secret="a-secret-of-ours") == "repaired"


def test_a_developer_may_not(town: Town) -> None:
    """Nothing is half done."""
    town.world.add_member(town.project, town.bot, DEVELOPER)

    with pytest.raises(GitLabDenied, match="hooks: 403"):
        installed(town)

    assert hooks(town) == []


def test_a_project_that_is_not_there(town: Town) -> None:
    """A wrong path is told as such."""
    with pytest.raises(GitLabNotFound):
        install(town.settings(), town.client(), "shop/wbe")


def test_without_a_public_address_there_is_no_hook(town: Town) -> None:
    """The setting is named."""
    with pytest.raises(SettingsError, match="ABLEHAND_PUBLIC_URL"):
        installed(town, public_url="")


def test_a_groups_hook_is_made_and_repaired(town: Town) -> None:
    """One hook for all projects below; its key comes along."""
    group = town.world.group("shop")
    group.members[town.bot.id] = OWNER
    settings = town.settings(webhook_signing_token=SIGNING)

    assert install(settings, town.client(), "shop", is_group=True) == "created"
    (hook,) = group.hooks.values()
    hook.events = {"note_events"}
    assert install(settings, town.client(), "shop", is_group=True) == "repaired"

    assert (hook.url, hook.events, hook.signing_token) == (ADDRESS, EVENTS, SIGNING)
    assert hooks(town) == []


def test_only_an_owner_installs_a_groups_hook(town: Town) -> None:
    """What GitLab says is passed on."""
    town.world.group("shop")

    with pytest.raises(GitLabDenied, match="hooks: 403"):
        install(town.settings(), town.client(), "shop", is_group=True)


@pytest.mark.parametrize(
    ("reachable", "said"),
    [(True, "a test got through"), (False, "no test got through")],
    ids=["reached", "not-reached"],
)
def test_a_hook_that_was_switched_off_is_tested(town: Town, *, reachable: bool, said: str) -> None:
    """GitLab switches it on again when a test gets through."""
    installed(town)
    hooks(town)[0].failures = 40
    if not reachable:
        town.server.faults.answer("POST", "/test/", status=422, times=3)

    answer = installed(town)

    assert answer.startswith("repaired; it was switched off")
    assert said in answer
