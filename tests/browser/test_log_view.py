"""The log on a task's page: live, long, searched, and hostile."""

from __future__ import annotations

import re
import socket

from playwright.sync_api import Browser, Page, expect
from redis import Redis

from tests.bot.serving import served
from tests.bot.test_streams import written
from tests.bot.town import Town, changed
from tests.browser.chromium import PATIENCE_MS, Windows

expect.set_options(timeout=PATIENCE_MS)
HOSTILE = (
    "<script>alert('x')</script>", "<img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>x</a>",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "\x1b]52;c;ZXZpbA==\x07", "\x1b]0;evil title\x07",
    "\x1b[2J\x1b[1;1H\x1b[31;41mred on red", "\u202eexe.txt\u2066", "\ufffd\ufffd invalid", "\x00\x08\x7f\x9b31m",
    "</div></section><h1>broken out</h1>", "{{ 7 * 7 }} ${7 * 7} data: x", "\u0301" * 500, "\U000e0041hidden",
)  # fmt: skip
# Looked at and asked in one go: what is in view may be drawn anew at any time.
SIZE = """
[document.querySelector("#log .rows .line").getBoundingClientRect()].flatMap(({width, height}) => [width, height])
"""


def lines(page: Page) -> list[str]:
    """Give the lines that are in the document."""
    return page.locator("#log .rows .line > span").all_inner_texts()


def last_line(page: Page, text: str) -> None:
    """Wait until that is the last line in view."""
    expect(page.locator("#log .rows .line > span").last).to_have_text(text)
    expect(page.locator("#log .rows .line > span").last).to_be_in_viewport()


def test_lines_come_as_they_are_printed(windows: Windows, town: Town, raw: Redis) -> None:
    """The end stays in view; whoever pauses reads on in peace, and misses nothing."""
    task_id = town.task()
    written(raw, task_id, *(f"line {number}" for number in range(1, 301)))
    page = windows.sign_in("alice", f"/tasks/{task_id}")
    last_line(page, "line 300")

    written(raw, task_id, "line 301", begin=301)
    last_line(page, "line 301")
    page.get_by_role("button", name="Pause").click()
    written(raw, task_id, "line 302", "line 303", begin=302)
    expect(page.locator("#log-state")).to_have_text("Live · 301 lines · paused, 2 more waiting")
    last_line(page, "line 301")
    page.get_by_role("button", name="Pause").click()

    last_line(page, "line 303")
    expect(page.locator("#log-state")).to_have_text("Live · 303 lines")


def test_who_scrolls_away_is_left_there(windows: Windows, town: Town, raw: Redis) -> None:
    """Until they follow again."""
    task_id = town.task()
    written(raw, task_id, *(f"line {number}" for number in range(1, 301)))
    page = windows.sign_in("alice", f"/tasks/{task_id}")
    last_line(page, "line 300")
    follow = page.get_by_role("button", name="Follow")

    end = page.locator("#log").evaluate("log => log.scrollTop")
    page.locator("#log").hover()
    page.mouse.wheel(0, -2000)
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.wait_for_function("top => document.getElementById('log').scrollTop === top - 2000", arg=end)
    written(raw, task_id, "line 301", begin=301)
    expect(page.locator("#log-state")).to_have_text("Live · 301 lines")
    assert page.locator("#log").evaluate("log => log.scrollTop") == end - 2000
    follow.click()

    last_line(page, "line 301")


def test_a_step_is_jumped_to(windows: Windows, town: Town, raw: Redis) -> None:
    """Where it begins."""
    task_id = town.task(phase="completed")
    for series, step in ((10, "prepare"), (11, "agent"), (12, "publish")):
        for number in range(1, 200):
            raw.xadd(
                f"{{ablehand}}:log:{task_id}",
                {"s": step, "t": f"{step} {number}", "at": "1.5"},
                id=f"{series}-{number}",
            )
    page = windows.sign_in("alice", f"/tasks/{task_id}")
    expect(page.locator("#log-state")).to_have_text("Complete · 597 lines")

    for step in ("agent", "prepare", "publish"):
        page.get_by_role("group", name="Jump to a step").get_by_role("button", name=step).click()
        expect(page.get_by_text(f"{step} 1", exact=True)).to_be_in_viewport()


def test_words_are_searched(windows: Windows, town: Town, raw: Redis) -> None:
    """Without regard to case and colours, from where one is, around the end; what comes later counts too."""
    task_id = town.task()
    texts = [f"line {number}" for number in range(1, 1001)]
    texts[99], texts[499], texts[899] = "an Err\x1b[31mor here", "error twice: error", "ERROR"
    written(raw, task_id, *texts)
    page = windows.sign_in("alice", f"/tasks/{task_id}")
    last_line(page, "line 1000")
    words, found = page.get_by_label("Search the log"), page.locator("#log-found")
    current = page.locator("#log .current > span")

    words.press_sequentially("error")
    expect(found).to_have_text("3 of 3")
    expect(current).to_have_text("ERROR")
    words.press("Enter")
    expect(current).to_have_text("an Error here")
    page.get_by_role("button", name="Next match").click()
    expect(current).to_have_text("error twice: error")
    expect(current).to_be_in_viewport()
    assert page.locator("#log .current mark").all_inner_texts() == ["error", "error"]
    words.press("Shift+Enter")
    expect(found).to_have_text("1 of 3")
    written(raw, task_id, "one more error", begin=1001)
    expect(found).to_have_text("1 of 4")
    words.fill("nowhere to be found")

    expect(found).to_have_text("No match")


def test_a_long_line_is_shown_piece_by_piece(windows: Windows, town: Town, raw: Redis) -> None:
    """A mebibyte would take the browser's breath away."""
    task_id = town.task()
    written(raw, task_id, "x" * 2**20, "short")
    page = windows.sign_in("alice", f"/tasks/{task_id}")
    last_line(page, "short")

    page.get_by_role("button", name="Show more (1,046,576 characters)").click()

    expect(page.get_by_role("button", name="Show more (1,026,576 characters)")).to_be_focused()
    assert len(lines(page)[0]) < 23_000


def test_wrapping_and_times_can_be_switched(windows: Windows, town: Town, raw: Redis) -> None:
    """What does not wrap is scrolled sideways, within the log."""
    task_id = town.task()
    written(raw, task_id, "word " * 200)
    page = windows.sign_in("alice", f"/tasks/{task_id}")
    time = page.locator("#log .rows .line time")
    expect(time).to_have_text("00:00:01")
    [width, height] = page.evaluate(SIZE)

    page.get_by_role("button", name="Wrap").click()
    page.get_by_role("button", name="Times").click()

    expect(time).to_be_hidden()
    [straight_width, straight_height] = page.evaluate(SIZE)
    assert (width < 1300, height > 40, straight_width > 1300, straight_height) == (True, True, True, 20)
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_a_hostile_log_is_text(windows: Windows, town: Town, raw: Redis) -> None:
    """No script, no element, no link of its own, no title, nothing on the clipboard, nothing turned around."""
    task_id = town.task()
    written(raw, task_id, *HOSTILE, "end")
    page = windows.sign_in("alice", f"/tasks/{task_id}")
    last_line(page, "end")

    shown = lines(page)
    page.get_by_label("Search the log").fill("<")
    expect(page.locator("#log-found")).to_have_text(re.compile("of 4"))
    names = page.locator("#log").evaluate(
        "log => [...new Set([...log.querySelectorAll('*')].map((one) => one.localName))]"
    )
    colours = page.get_by_text("red on red").evaluate(
        "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
    )

    assert shown[:5] == [*HOSTILE[:3], "click", ""]
    assert shown[7] == "U+202Eexe.txtU+2066"
    assert shown[9] == ""
    assert set(names) <= {"div", "span", "time", "mark"}
    assert colours[0] != colours[1]
    assert page.title().startswith("Add a thing")


def test_a_restart_of_the_bot_leaves_no_gap_and_repeats_nothing(
    browser: Browser, town: Town, raw: Redis, listener: socket.socket
) -> None:
    """Lines that were printed meanwhile come as soon as it is back, each once."""
    task_id, address = town.task(), listener.getsockname()
    written(raw, task_id, *(f"line {number}" for number in range(1, 11)))
    with served(town, listener) as url:
        page = Windows(browser=browser, url=url, gitlab_url=town.gitlab.url).sign_in("alice", f"/tasks/{task_id}")
        last_line(page, "line 10")
    expect(page.locator("#log-state")).to_have_text("The connection is lost; trying again · 10 lines")
    expect(page.locator("#log-news")).to_have_text("The connection to the log is lost.")
    written(raw, task_id, "line 11", begin=11)

    with served(town, socket.create_server(address)):
        last_line(page, "line 11")
        written(raw, task_id, "line 12", begin=12)
        last_line(page, "line 12")
        expect(page.locator("#log-news")).to_have_text("The log is live again.")
        changed(raw, task_id, phase="completed", ended_at="1800000100.0")
        expect(page.locator("#log-state")).to_have_text("Complete · 12 lines")
        shown = lines(page)
        page.context.close()

    assert shown == [f"line {number}" for number in range(1, 13)]
