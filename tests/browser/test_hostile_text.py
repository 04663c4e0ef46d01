"""What people, repositories and agents write is text in every place of every page, in the real browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.bot.town import Town
from tests.browser import corpus
from tests.browser.chromium import NARROW, PATIENCE_MS, Windows, is_too_wide

FOREIGN = """
[...document.querySelectorAll("*")].filter((element) =>
  ["iframe", "object", "embed", "base", "style", "svg", "video", "math", "template"].includes(element.localName)
  || [...element.attributes].some(({name}) => name.startsWith("on"))
  || (element.localName === "script" && !element.getAttribute("src")?.startsWith("/static/"))
  || (element.localName === "link" && !element.getAttribute("href").startsWith("/static/"))
  || (element.localName === "a" && !/^https?:$/.test(element.protocol))
).map((element) => element.outerHTML.slice(0, 200))
"""
"""What no template of ours has."""
PAUSE_MS = 50
PLACES = (
    "prompt",
    "title",
    "branch",
    "repository",
    "requester_username",
    "agent",
    "model",
    "reason",
    "detail",
    "summary",
)


def hostile(town: Town, text: str, iid: int = 7) -> int:
    """Put a task into the ledger whose every word is *text*; give its id."""
    words: dict[str, Any] = dict.fromkeys(PLACES, text)
    return town.task(phase="failed", merge_request_url=text, merge_request_iid=str(iid), **words)


def check(page: Page) -> None:
    """Check that nothing of what is shown is more than text; the watch over the windows does the rest."""
    assert page.evaluate(FOREIGN) == []
    assert page.evaluate("window.struck") is None
    assert page.title().endswith("Ablehand")


def ends(page: Page) -> None:
    """Do what sets off what waits for it: everything is in focus once, and under the mouse."""
    page.evaluate("document.querySelectorAll('a, input, button').forEach((each) => each.focus())")
    page.mouse.move(300, 300)


def test_the_table_shows_it_as_text(windows: Windows, town: Town) -> None:
    """In each of a row's words, live and anew, on a phone too."""
    for number, text in enumerate(corpus.HOSTILE):
        hostile(town, text, number + 1)

    for path in ("/", f"/?cursor={len(corpus.HOSTILE) - 49}"):
        page = windows.sign_in("alice", path)
        expect(page.get_by_role("status")).to_have_text("Live")
        ends(page)
        check(page)
        assert not is_too_wide(page)
        page.set_viewport_size(NARROW)
        assert not is_too_wide(page)
    assert "\u202e" not in page.locator("body").inner_text()


@pytest.mark.parametrize("batch", range(5))
def test_a_tasks_page_and_the_form_like_it_show_it_as_text(windows: Windows, town: Town, batch: int) -> None:
    """Wherever the task's page has words, and in the fields of the form that asks for the same."""
    page = windows.sign_in("alice")
    for text in corpus.HOSTILE[batch::5]:
        number = hostile(town, text)
        town.raw.xadd(f"{{ablehand}}:log:{number}", {"s": "agent", "t": text, "at": "1.5"})
        for path in (f"/tasks/{number}", f"/tasks/new?like={number}"):
            page.goto(path)
            ends(page)
            check(page)


def test_addresses_are_not_believed(windows: Windows) -> None:
    """What stands in an address is in the fields of the filter and the form, and nowhere else more than text."""
    page = windows.sign_in("alice")
    for text in [*(each for each in corpus.HOSTILE if len(each) < 2000), "\udcff"]:
        said = quote(text, safe="", errors="surrogateescape")
        for path in (
            f"/?text={said}&project={said}&person={said}",
            f"/tasks/new?prompt={said}&branch={said}&agent={said}",
        ):
            page.goto(path)
            ends(page)
            check(page)


def test_names_on_gitlab_are_text(windows: Windows, town: Town) -> None:
    """A person's name in the navigation, and a branch's among what is suggested."""
    branch = f"<img/src=x/onerror={corpus.STRIKE}>".replace("window.struck=1;", "")
    town.gitlab.world.commit_files(town.project, files={"a": "b"}, branch=branch)
    mallory = town.gitlab.world.add_user("mallory", name=f'"><script>{corpus.STRIKE}</script>')
    town.gitlab.world.add_member(town.project, mallory, access_level=30)
    page = windows.sign_in("mallory", "/tasks/new?repository=shop/web")

    page.get_by_label("Branch (optional)").press_sequentially("img")
    expect(page.get_by_role("option", name="onerror")).to_be_visible()
    ends(page)
    check(page)


def test_a_watch_that_sees_nothing_would_be_no_watch(windows: Windows) -> None:
    """A dialog, an error, a request to elsewhere and what breaks the policy are each seen."""
    page = windows.open("/signed-out")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    expect(page.locator("img[src=x]")).to_be_attached()
    assert page.evaluate(FOREIGN)
    page.evaluate(f"fetch({corpus.OUT!r}).catch(() => {{}})")
    page.evaluate("setTimeout(() => { throw new Error('thrown') })")
    page.evaluate("alert(1)")
    with page.expect_event("requestfailed"):
        page.evaluate(f"location.href = {corpus.OUT!r}")

    words = ("dialog", "thrown", "elsewhere", "inline", "Content Security Policy")
    for _ in range(PATIENCE_MS // PAUSE_MS):
        missing = [word for word in words if word not in " ".join(windows.troubles)]
        if not missing:
            break
        page.wait_for_timeout(PAUSE_MS)
    page.context.close()
    seen = " ".join(windows.troubles)
    windows.troubles.clear()
    assert missing == [], seen
