"""The form in the browser: completed, sent by key, mended, and never emptied."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from tests.bot.town import Town
from tests.browser.axe import shortcomings
from tests.browser.chromium import NARROW, Windows, is_too_wide

FORM = "/tasks/new"
BRANCH = "Branch (optional)"
OFFERED = "[role=listbox] [role=option]"


@pytest.fixture
def branches(town: Town) -> list[str]:
    """Give the project some branches."""
    names = ["next", "next-but-one", "release"]
    for name in names:
        town.gitlab.world.commit_files(town.project, files={name: name}, branch=name)
    return names


def field(page: Page, name: str) -> str:
    """Give what stands in a field."""
    return page.get_by_label(name).input_value()


@pytest.mark.usefixtures("branches")
def test_the_keyboard_alone_starts_a_task(windows: Windows, town: Town) -> None:
    """Project and branch are completed from what this person may use; Ctrl+Enter sends, and the task's page opens."""
    town.gitlab.world.add_project("shop/hidden", files={"a": "b"})
    page = windows.sign_in("alice", FORM)
    press, offered = page.keyboard.press, page.locator(OFFERED)

    page.keyboard.type("sho")
    expect(offered).to_have_text(["shop/web"])
    press("ArrowDown")
    press("Enter")
    expect(page.get_by_label(BRANCH)).to_have_attribute("placeholder", "main")
    press("Tab")
    page.keyboard.type("nex")
    expect(offered).to_have_text(["next", "next-but-one"])
    press("ArrowDown")
    press("ArrowDown")
    expect(page.get_by_label(BRANCH)).to_have_attribute("aria-activedescendant", "branch-suggestions-1")
    press("Enter")
    press("Tab")
    page.keyboard.type("Add a /health endpoint")
    press("Control+Enter")
    page.wait_for_url(f"{windows.url}/tasks/1")

    task = town.raw.hgetall("{ablehand}:task:1")
    assert [task[name] for name in ("repository", "branch", "prompt")] == [
        "shop/web", "next-but-one", "Add a /health endpoint",
    ]  # fmt: skip


@pytest.mark.usefixtures("branches")
def test_suggestions_can_be_clicked_and_put_away(windows: Windows) -> None:
    """The mouse takes one; Escape closes the list and leaves what was typed; Enter takes nothing that is not chosen."""
    page = windows.sign_in("alice", FORM)
    page.get_by_label("Repository").fill("sh")
    page.locator(OFFERED).get_by_text("shop/web").click()
    assert field(page, "Repository") == "shop/web"

    page.get_by_label(BRANCH).press_sequentially("rel")
    expect(page.locator(OFFERED)).to_have_text(["release"])
    page.keyboard.press("Escape")
    expect(page.locator(OFFERED)).to_have_count(0)

    assert field(page, BRANCH) == "rel"


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(windows: Windows, town: Town) -> None:
    """An address is refused with what is expected; mended, the same form starts the task."""
    page = windows.sign_in("alice", FORM)
    page.get_by_label("Repository").fill("http://169.254.169.254/latest")
    page.get_by_label("What is to be done").fill("  Two\nlines")
    before = len(town.gitlab.calls)
    page.get_by_role("button", name="Start the task").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was started")
    repository = page.get_by_label("Repository")
    expect(repository).to_be_focused()
    expect(repository).to_have_accessible_description(re.compile("group/project"))
    assert (field(page, "Repository"), field(page, "What is to be done")) == (
        "http://169.254.169.254/latest", "  Two\nlines",
    )  # fmt: skip
    assert len(town.gitlab.calls) == before
    assert shortcomings(page) == []

    repository.fill("shop/web")
    page.get_by_role("button", name="Start the task").click()
    page.wait_for_url(f"{windows.url}/tasks/1")


def test_a_sign_in_that_comes_in_between_loses_nothing(windows: Windows, raw: Redis) -> None:
    """Whoever wrote for longer than the session lasted has it all back, and sends it."""
    page = windows.sign_in("alice", FORM)
    page.get_by_label("Repository").fill("shop/web")
    page.get_by_label("What is to be done").fill("A long\nthought")
    raw.delete(*raw.scan_iter("{ablehand}:session:*"))
    page.get_by_role("button", name="Start the task").click()

    page.get_by_role("link", name="Sign in again").click()
    page.get_by_label("Who are you?").select_option("alice")
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(f"{windows.url}{FORM}")
    assert (field(page, "Repository"), field(page, "What is to be done")) == ("shop/web", "A long\nthought")
    page.get_by_role("button", name="Start the task").click()
    page.wait_for_url(f"{windows.url}/tasks/1")


def test_without_javascript_the_form_is_a_form(windows: Windows) -> None:
    """It starts a task, and tells what is wrong."""
    page = windows.sign_in("alice", FORM, java_script_enabled=False)
    page.get_by_label("Repository").fill("shop/web")
    page.get_by_role("button", name="Start the task").click()
    expect(page.get_by_text("Say what is to be done")).to_be_visible()

    page.get_by_label("What is to be done").fill("Add a thing")
    page.get_by_role("button", name="Start the task").click()
    page.wait_for_url(f"{windows.url}/tasks/1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_is_for_everybody(windows: Windows, scheme: str) -> None:
    """Nothing that axe finds, with suggestions open too, and nothing to scroll sideways on a phone."""
    page = windows.sign_in("alice", FORM, color_scheme=scheme)
    page.get_by_label("Repository").fill("sho")
    expect(page.locator(OFFERED)).to_have_count(1)
    page.keyboard.press("ArrowDown")

    assert shortcomings(page) == []
    page.set_viewport_size(NARROW)
    assert shortcomings(page) == []
    assert not is_too_wide(page)
