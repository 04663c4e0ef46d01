"""Somebody follows the link of a comment and watches the agent, in the whole product."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import Page, expect

from simulators.gitlab.records import Issue
from tests.browser.axe import shortcomings
from tests.browser.chromium import NARROW, PATIENCE_MS, Windows, is_too_wide
from tests.product.stack import Gate, Stack

expect.set_options(timeout=PATIENCE_MS)


def ask(stack: Stack, gate: Gate, *words: str) -> Issue:
    """Ask for something that waits at the gate; give the issue."""
    issue = stack.issue(title="A health endpoint")
    stack.ask(issue, " ".join(["/agent Add a file DO say=begun", f"wait={gate.name}", *words]))
    return issue


def watch(stack: Stack, product: Windows, issue: Issue, gate: Gate, **options: str) -> Page:
    """Follow the link in the bot's comment while the agent works."""
    note = stack.wait(lambda: next(iter(stack.replies(issue)), None), "the bot's comment")
    found = re.search(r"log\]\([^)]*(/tasks/\d+)\)", note.body)
    assert found
    gate.wait_for_agent()
    return product.sign_in("alice", found[1], **options)


def come_to_rest(stack: Stack) -> None:
    """Wait until nothing is left over; from another thread, since this one's event loop is Playwright's."""
    with ThreadPoolExecutor(1) as other:
        other.submit(stack.wait_until_quiet).result()


def test_a_task_is_watched_until_its_merge_request(stack: Stack, product: Windows) -> None:
    """The log comes live, the page follows, and in the end there is the link to the merge request, without a reload."""
    gate = Gate()
    issue = ask(stack, gate, "say=edited", "edit=new.txt")
    page = watch(stack, product, issue, gate)
    page.evaluate("window.isStillHere = true")

    expect(page.locator("#log .rows")).to_contain_text("waiting")
    expect(page.locator("[aria-current=step]")).to_contain_text("Working")
    expect(page.locator("#status")).to_have_text("Running")
    expect(page.locator("#log .rows")).not_to_contain_text("edited")
    gate.open()
    expect(page.locator("#log .rows")).to_contain_text("edited")
    expect(page.locator("#status")).to_have_text("Completed")
    expect(page.get_by_role("group", name="Jump to a step").get_by_role("button")).to_have_text(
        ["prepare", "agent", "publish"]
    )
    expect(page.locator("#log-state")).to_contain_text("Complete")
    expect(page.locator(".timeline > .done")).to_have_count(8)
    expect(page.get_by_text("1 file +1 −0")).to_be_visible()
    assert page.evaluate("window.isStillHere")
    page.get_by_role("link", name="Open merge request").click()

    [request] = stack.merge_requests(issue.project)
    page.wait_for_url(f"**/merge_requests/{request.iid}")
    come_to_rest(stack)


def test_a_task_is_cancelled_and_tried_again_on_a_phone(stack: Stack, product: Windows) -> None:
    """In the dark; the second attempt comes to its end on a page of its own."""
    gate = Gate()
    issue = ask(stack, gate, "edit=new.txt")
    page = watch(stack, product, issue, gate, color_scheme="dark", viewport=NARROW)  # type: ignore[arg-type]
    expect(page.locator("#log .rows")).to_contain_text("waiting")
    assert not is_too_wide(page)
    assert shortcomings(page) == []
    watched = page.url

    page.get_by_text("Cancel…").click()
    page.get_by_role("button", name="Cancel the task").click()
    expect(page.locator("#status")).to_have_text("Cancelled")
    expect(page.locator("#ending")).to_have_text("Cancelled by @alice.")
    gate.open()
    come_to_rest(stack)
    page.get_by_role("button", name="Retry").click()

    page.wait_for_url(lambda url: url != watched.partition("?")[0] and "asked" not in url)
    expect(page.locator("#status")).to_have_text("Completed")
    expect(page.get_by_role("link", name="Open merge request")).to_be_visible()
    assert not is_too_wide(page)
    come_to_rest(stack)
