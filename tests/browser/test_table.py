"""The table of tasks in the browser: it keeps up by itself and disturbs nobody; every way to look at it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from redis import Redis

from tests.bot.town import Town, changed
from tests.browser.axe import shortcomings
from tests.browser.chromium import NARROW, Windows, is_too_wide

FOCUSED = "document.activeElement?.closest('tr')?.id"
# Counts what the page is told, before it hears of it itself.
COUNT_NEWS = """
window.news = 0;
window.EventSource = class extends EventSource {
  constructor(address) {
    super(address);
    this.addEventListener("task", () => { window.news += 1; });
  }
};
"""


def filled(town: Town, count: int = 60) -> list[int]:
    """Put tasks of every kind into the ledger; give their ids, the oldest first."""
    kinds: list[dict[str, Any]] = [
        {"phase": "working", "started_at": "1700000000.0"},
        {"phase": "completed", "merge_request_iid": "7", "merge_request_url": f"{town.gitlab.url}/shop/web"},
        {"phase": "failed", "reason": "timeout", "cost_usd": "0.31"},
        {"phase": "received"},
    ]
    about = {"repository": "shop/web", "agent": "claude", "requester_username": "rob", "prompt": "Add a thing"}
    return [town.task(**about | kinds[number % len(kinds)]) for number in range(count)]


def is_live(page: Page) -> None:
    """Wait until the page follows what changes."""
    expect(page.get_by_role("status")).to_have_text("Live")


def test_a_task_comes_changes_and_goes_by_itself(windows: Windows, town: Town, raw: Redis) -> None:
    """The table of running tasks gains one, shows that it moves on, and loses it."""
    page = windows.sign_in("alice", "/?status=running")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    is_live(page)

    task = town.task(phase="preparing", prompt="Add a thing")
    changed(raw, task)
    expect(page.get_by_role("link", name="Add a thing")).to_be_visible()
    expect(page.get_by_role("cell", name="running preparing")).to_be_visible()

    changed(raw, task, phase="working")
    expect(page.get_by_role("cell", name="running working")).to_be_visible()

    raw.zrem("{ablehand}:tasks:status:running", task)
    changed(raw, task, phase="completed")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_what_changes_while_the_table_is_fetched_is_not_missed(windows: Windows, town: Town, raw: Redis) -> None:
    """What the server answered may be older than the news of it."""
    page = windows.sign_in("alice")
    task = town.task(phase="preparing", prompt="Add a thing")

    def overtaken(route: Route) -> None:
        answer = route.fetch()
        if route.request.resource_type == "fetch" and not page.evaluate("news"):
            changed(raw, task, prompt="Add another thing")
            page.wait_for_function("() => news > 0")
        route.fulfill(response=answer)

    page.add_init_script(COUNT_NEWS)
    page.route(f"{windows.url}/", overtaken)
    page.goto("/")

    expect(page.get_by_role("link", name="Add another thing")).to_be_visible()


def test_what_changes_takes_away_neither_place_nor_focus_nor_selection(
    windows: Windows, town: Town, raw: Redis
) -> None:
    """Somebody reads in the middle of the table while a task comes above and the one that they are on changes."""
    tasks = filled(town)
    page = windows.sign_in("alice")
    is_live(page)
    middle = page.locator(f"#task-{tasks[30]}")
    middle.get_by_role("link").first.focus()
    middle.scroll_into_view_if_needed()
    other = page.locator(f"#task-{tasks[31]} .of-task a")
    other.evaluate("link => getSelection().selectAllChildren(link)")
    before = middle.bounding_box()

    changed(raw, tasks[30], phase="failed", reason="timeout", prompt="Another thing")
    changed(raw, town.task(prompt="Come meanwhile"))
    expect(page.get_by_role("link", name="Come meanwhile")).to_have_count(1)
    expect(middle.get_by_role("link", name="Another thing")).to_be_focused()

    assert page.evaluate("getSelection().toString()") == "Add a thing"
    after = middle.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2
    assert page.evaluate("scrollY") > 0


def test_a_focused_task_that_goes_hands_the_focus_on(windows: Windows, town: Town, raw: Redis) -> None:
    """Whoever uses the keyboard is not sent back to the top of the page."""
    tasks = filled(town, 12)
    page = windows.sign_in("alice", "/?status=failed")
    is_live(page)
    page.locator(f"#task-{tasks[6]} .of-task a").focus()

    raw.zrem("{ablehand}:tasks:status:failed", tasks[6])
    changed(raw, tasks[6], phase="received")
    expect(page.locator(f"#task-{tasks[6]}")).to_have_count(0)

    assert page.evaluate(FOCUSED) == f"task-{tasks[2]}"


def test_whoever_is_signed_out_elsewhere_is_told(windows: Windows, town: Town, raw: Redis) -> None:
    """The table says that it is not live any more, rather than looking so."""
    filled(town, 4)
    page = windows.sign_in("alice")
    is_live(page)

    for key in raw.scan_iter("{ablehand}:session:*"):
        raw.delete(key)
    changed(raw, 1)

    expect(page.get_by_role("status")).to_have_text("You are signed out. Load the page again.")


def test_a_table_that_could_not_be_fetched_is_tried_again(windows: Windows, town: Town) -> None:
    """Without waiting for the next change."""
    filled(town, 4)
    windows.excused.append("responded with a status of 503")
    page = windows.sign_in("alice", "/tasks/new")

    def refused(route: Route) -> None:
        if route.request.resource_type == "document":
            route.continue_()
        else:
            route.fulfill(status=503)

    page.route(f"{windows.url}/", refused)
    page.goto("/")
    expect(page.get_by_role("status")).to_have_text("The table could not be refreshed.")

    page.unroute(f"{windows.url}/")
    is_live(page)


def test_a_gateway_that_was_away_does_not_end_it(windows: Windows, town: Town, raw: Redis) -> None:
    """While we restart, a proxy answers with an error, after which browsers would not try again."""
    filled(town, 4)
    windows.excused.append("responded with a status of 502")
    page = windows.sign_in("alice", "/tasks/new")
    page.route("**/api/v1/events", lambda route: route.fulfill(status=502))
    page.goto("/")
    expect(page.get_by_role("status")).to_have_text("Connecting …")

    page.unroute("**/api/v1/events")
    is_live(page)
    changed(raw, town.task(prompt="Come later"))
    expect(page.get_by_role("link", name="Come later")).to_be_visible()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with", "without-javascript"])
def test_somebody_filters_searches_and_pages(windows: Windows, town: Town, *, has_scripts: bool) -> None:
    """With the fields and links of the page; the address that comes of it shows the same to whoever gets it."""
    tasks = filled(town, 130)
    rare = town.task(phase="failed", prompt="A needle", requester_username="alice", repository="shop/web")
    page = windows.sign_in("alice", java_script_enabled=has_scripts)

    page.get_by_role("link", name="Older").click()
    expect(page.locator(f"#task-{tasks[80]}")).to_be_visible()
    page.get_by_role("link", name="Youngest").click()
    expect(page.locator(f"#task-{rare}")).to_be_visible()
    page.get_by_role("link", name="Failed").click()
    expect(page.get_by_role("cell", name="running")).to_have_count(0)
    page.get_by_label("Search").fill("needle")
    page.get_by_label("Project").fill("shop/web")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Mine").click()
    page.wait_for_url(re.compile("person=alice"))
    expect(page.locator(f"#task-{rare}")).to_be_visible()

    other = windows.sign_in("rob", page.url.removeprefix(windows.url))
    assert other.get_by_label("Search").input_value() == "needle"
    expect(other.locator(f"#task-{rare}")).to_be_visible()
    other.get_by_role("link", name="Clear").click()
    expect(other.get_by_role("link", name="All")).to_have_attribute("aria-current", "true")


def test_the_keyboard_alone_leads_to_a_task(windows: Windows, town: Town) -> None:
    """Past the navigation, through the fields, to the youngest task, each with a frame around it."""
    tasks = filled(town, 3)
    page = windows.sign_in("alice")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    seen = []
    while page.evaluate(FOCUSED) != f"task-{tasks[-1]}":
        page.keyboard.press("Tab")
        seen.append(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{windows.url}/tasks/{tasks[-1]}")

    assert set(seen) == {"solid"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/?status=failed&text=nowhere"], ids=["full", "nothing"])
def test_the_table_is_for_everybody(windows: Windows, town: Town, path: str, scheme: str) -> None:
    """Nothing that axe finds, and nothing to scroll sideways, wide or on a phone."""
    filled(town)
    town.task(prompt="x" * 2000, repository="a/" + "y" * 200, requester_username="z" * 200, agent="w" * 80)
    page = windows.sign_in("alice", path, color_scheme=scheme)
    is_live(page)

    assert shortcomings(page) == []
    assert not is_too_wide(page)
    page.set_viewport_size(NARROW)
    assert shortcomings(page) == []
    assert not is_too_wide(page)
