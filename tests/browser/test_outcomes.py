"""The outcome page in the browser: pictures and tables, for everybody, on every screen."""

from __future__ import annotations

import random

import pytest
from playwright.sync_api import expect
from redis import Redis

from tests.bot.outcome_figures import worked
from tests.bot.town import Town
from tests.browser.axe import shortcomings
from tests.browser.chromium import NARROW, PATIENCE_MS, Windows, is_too_wide

expect.set_options(timeout=PATIENCE_MS)
HOSTILE = "shop/\u202egnp.<img src=x onerror=alert(1)>" + "w" * 200


def filled(town: Town, raw: Redis) -> None:
    """Have worked for ninety days, on some more than on others."""
    chance = random.Random(5)  # noqa: S311 - no secret
    for day in range(90):
        if day % 7 < 5:
            figures = {"completed": chance.randrange(9), "failed": chance.randrange(4), "merged": chance.randrange(5)}
            worked(raw, town.project.id, "shop/web", days_ago=day, **figures, usd=chance.random() * 20)
    for number in range(2):
        other = town.gitlab.world.add_project(f"shop/other-{number}", files={"README.md": "# It\n"})
        town.gitlab.world.add_member(other, town.people["alice"], access_level=20)
        worked(raw, other.id, (HOSTILE, "shop/tools")[number], days_ago=3)


def test_periods_and_projects_are_a_click_away(windows: Windows, town: Town, raw: Redis) -> None:
    """From the navigation, without a script; each address can be shared."""
    filled(town, raw)
    page = windows.sign_in("alice", java_script_enabled=False)

    page.get_by_role("link", name="Outcomes").click()
    expect(page.get_by_role("link", name="30 days")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="90 days").click()
    page.get_by_label("Project", exact=True).select_option("shop/tools")
    page.get_by_role("button", name="Show").click()

    expect(page.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("definition").first).to_have_text("9")
    row = page.get_by_role("row", name="shop/tools")
    expect(row.get_by_role("cell")).to_have_text(
        ["9", "5", "2", "1", "1", "4", "2", "1", "1", "14 min", "$3.75", "$1.88"]
    )


def test_the_pictures_have_words(windows: Windows, town: Town, raw: Redis) -> None:
    """Whoever does not see them hears what they show."""
    worked(raw, town.project.id, "shop/web")
    page = windows.sign_in("alice", "/outcomes")

    tasks = page.get_by_role(
        "img", name="Tasks, day by day Completed 5, above the line failed 2 rejected 1 cancelled 1"
    )
    requests = page.get_by_role("img", name="Merge requests that were opened Merged 2 (50 %) open 1 (25 %) closed 1")
    expect(tasks).to_be_visible()
    expect(requests).to_be_visible()


def test_where_nothing_has_ended_it_says_so(windows: Windows) -> None:
    """And where to go."""
    page = windows.sign_in("alice", "/outcomes?days=7")

    expect(page.get_by_role("heading", name="Nothing has ended in these 7 days")).to_be_visible()
    assert shortcomings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_everybody(windows: Windows, town: Town, raw: Redis, scheme: str) -> None:
    """Nothing that axe finds, nothing to scroll sideways on a phone but tables, and hostile names do nothing."""
    filled(town, raw)
    page = windows.sign_in("alice", "/outcomes", color_scheme=scheme)
    page.get_by_text("Day by day, in figures").click()

    assert shortcomings(page) == []
    assert page.locator("img[src=x]").count() == 0
    page.set_viewport_size(NARROW)
    assert not is_too_wide(page)
    assert shortcomings(page) == []
