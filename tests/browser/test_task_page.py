"""A task's page in the browser: it keeps itself true, and is there for everybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from tests.bot.test_streams import written
from tests.bot.town import Town, changed
from tests.browser.axe import shortcomings
from tests.browser.chromium import NARROW, PATIENCE_MS, Windows, is_too_wide

expect.set_options(timeout=PATIENCE_MS)
FIRST_LOAD_LIMIT_BYTES = 100 * 1024
TIMES: dict[str, Any] = {"at:received": "1800000000.0", "at:queued": "1800000001.0", "at:working": "1800000005.0"}


def progress(current: str, *items: tuple[str, str]) -> str:
    """Give progress as it lies in the ledger."""
    lines = [{"mark": "agent", "state": "active", "seconds": 0.0, "text": ""}]
    return json.dumps({"lines": lines, "items": items, "current": current, "turns": 3, "cost_usd": 0.2})


def a_page(windows: Windows, town: Town, raw: Redis, **options: Any) -> tuple[Page, int]:
    """Open the page of a task that is being worked on, with much that is hostile about it."""
    task_id = town.task(
        prompt="Add a thing <b>\u202e" + "very_long_word" * 10, title="", repository="shop/web", branch="b" * 200,
        requester_username="alice", progress=progress("reading <i>x.go", ("y" * 150, "done"), ("Write", "active")),
        agent="claude", model="m" * 100, **TIMES,
    )  # fmt: skip
    written(raw, task_id, *(f"\x1b[3{n % 8}mcolour\x1b[0m \x1b[4{n % 8}mback\x1b[0m {n}" for n in range(100)))
    return windows.sign_in("alice", f"/tasks/{task_id}", **options), task_id


def test_the_page_follows_the_task(windows: Windows, town: Town, raw: Redis) -> None:
    """Status, phases, checklist and what the agent is at, without a reload; what is selected and in focus stays."""
    page, task_id = a_page(windows, town, raw)
    page.get_by_text("Cancel…").click()
    page.get_by_role("button", name="Cancel the task").focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    selected = page.evaluate("getSelection().toString()")
    page.evaluate("window.isStillHere = true")

    changed(raw, task_id, progress=progress("writing y.go", ("Read", "done"), ("Write", "done"), ("Test", "active")))
    expect(page.locator(".current")).to_have_text("writing y.go")
    assert page.locator(".checks .item").all_text_contents() == ["done: Read", "done: Write", "active: Test"]
    changed(raw, task_id, phase="publishing", **{"at:publishing": "1800000060.0"})
    expect(page.locator("[aria-current=step]")).to_contain_text("Publishing")
    expect(page.locator("#log-news")).to_have_text("The task is publishing.")
    expect(page.get_by_role("button", name="Cancel the task")).to_be_focused()
    assert page.evaluate("getSelection().toString()") == selected
    changed(raw, task_id, phase="failed", reason="policy", detail="x", ended_at="1800000070.0")

    expect(page.locator("#status")).to_have_text("Failed")
    expect(page.locator("#ending")).to_contain_text("The change touches files that the agent may not change")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    expect(page.get_by_text("Cancel…")).to_have_count(0)
    assert page.evaluate("window.isStillHere")


def test_who_is_signed_out_is_told(windows: Windows, town: Town, raw: Redis) -> None:
    """And asked for nothing any more."""
    page, task_id = a_page(windows, town, raw)
    expect(page.locator("#log-state")).to_contain_text("Live")

    page.context.clear_cookies()
    changed(raw, task_id, progress=progress("writing y.go"))

    expect(page.get_by_text("since you are signed out").first).to_be_visible()
    expect(page.locator("#log-state")).to_contain_text("Not live any more")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phase", ["working", "failed"])
def test_everybody_can_use_it(windows: Windows, town: Town, raw: Redis, scheme: str, phase: str) -> None:
    """Nothing that axe finds, in either light; and on a phone nothing to scroll sideways but the log."""
    page, task_id = a_page(windows, town, raw, color_scheme=scheme)
    if phase == "failed":
        changed(raw, task_id, phase=phase, reason="agent", detail="<b>seen</b> " + "z" * 300, ended_at="1800000070.0")
        expect(page.locator("#ending")).to_be_visible()
    else:
        page.get_by_text("Cancel…").click()
    expect(page.locator("#log .rows .line").last).to_contain_text("99")

    page.get_by_label("Search the log").fill("colour")
    assert shortcomings(page) == []
    page.set_viewport_size(NARROW)
    assert not is_too_wide(page)
    assert shortcomings(page) == []


def test_the_keyboard_is_enough(windows: Windows, town: Town, raw: Redis) -> None:
    """From the top of the page to the log, its search, and the cancel."""
    page, _ = a_page(windows, town, raw)
    expect(page.locator("#log .rows .line").last).to_contain_text("99")

    def tab_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()").startswith(name):
                return
        raise AssertionError(name)

    tab_to("Cancel…")
    page.keyboard.press("Enter")
    tab_to("Cancel the task")
    page.locator("#log").focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("colour back 0")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("/")
    page.keyboard.type("back 42")
    page.keyboard.press("Enter")
    expect(page.locator("#log .current")).to_contain_text("back 42")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Previous match"


def test_it_can_be_read_without_scripts(windows: Windows, town: Town, raw: Redis) -> None:
    """And the task cancelled; the whole log is a link."""
    page, task_id = a_page(windows, town, raw, java_script_enabled=False)

    expect(page.locator("#log .line").last).to_have_text("00:00:01colour back 99")
    page.locator("#log").scroll_into_view_if_needed()
    expect(page.locator("#log .line").last).to_be_in_viewport()
    expect(page.locator(".current")).to_have_text("reading <i>x.go")
    expect(page.get_by_label("Search the log")).to_be_hidden()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the whole log").click()
    assert download.value.path().read_text("utf-8").splitlines()[0] == "colour back 0"
    page.get_by_text("Cancel…").click()
    page.get_by_role("button", name="Cancel the task").click()

    page.wait_for_url(f"{windows.url}/tasks/{task_id}?asked=cancel")
    expect(page.get_by_text("The cancel was asked for.")).to_be_visible()


def test_the_first_load_is_light(windows: Windows, town: Town, raw: Redis) -> None:
    """The page with the end of the log, and all that it is made of."""
    page, _ = a_page(windows, town, raw)
    expect(page.locator("#log .rows .line").last).to_contain_text("99")

    loaded = page.evaluate("performance.getEntries().map((entry) => [entry.name, entry.encodedBodySize])")
    sizes = {name: size for name, size in loaded if size and "/api/" not in name}

    assert len(sizes) > 10
    assert sum(sizes.values()) < FIRST_LOAD_LIMIT_BYTES
