"""What is around every page, in the browser: the way to the others, small screens, dark, no mouse."""

from __future__ import annotations

from functools import partial

import pytest

from tests.browser.axe import shortcomings
from tests.browser.chromium import NARROW, Windows, is_too_wide


def test_somebody_signs_in_and_out(windows: Windows) -> None:
    """Their name is on every page; whoever has signed out is asked again."""
    page = windows.sign_in("alice")
    assert page.get_by_text("@alice").is_visible()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    page.goto("/")

    assert page.get_by_label("Who are you?").is_visible()


def test_what_is_not_there_is_a_page_with_a_way_back(windows: Windows) -> None:
    """Another's task and none at all look the same."""
    page = windows.sign_in("alice", "/tasks/999")

    assert page.get_by_role("heading", name="Not Found").is_visible()
    page.get_by_role("link", name="Go to the tasks").click()
    page.wait_for_url(f"{windows.url}/")


def test_the_keyboard_skips_to_the_content(windows: Windows) -> None:
    """The first key leads past the navigation."""
    page = windows.sign_in("alice")

    page.keyboard.press("Tab")
    assert page.get_by_role("link", name="Skip to the content").evaluate("link => link === document.activeElement")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/tasks/999", "/signed-out"])
def test_pages_of_the_frame_are_for_everybody(windows: Windows, path: str, scheme: str) -> None:
    """Nothing that axe finds, and nothing to scroll sideways on a phone."""
    arrive = windows.open if path == "/signed-out" else partial(windows.sign_in, "alice")
    page = arrive(path, color_scheme=scheme)

    assert shortcomings(page) == []
    page.set_viewport_size(NARROW)
    assert not is_too_wide(page)
