"""Chromium, driven by Playwright, and a watch for what no page of ours may do in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, ViewportSize, sync_playwright

PATIENCE_MS = 60_000
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
NARROW: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}


def require(there: object, what: str) -> None:
    """Skip a test that lacks *what* on this machine; in CI it fails."""
    if there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and this is CI")
    pytest.skip(f"{what} is missing")


@contextmanager
def running() -> Iterator[Browser]:
    """Run Chromium. An event loop of Playwright's runs in this thread meanwhile: asyncio.run is for other threads."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    require(program, "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS), timeout=PATIENCE_MS)
        yield browser
        browser.close()


@dataclass(kw_only=True)
class Windows:
    """Opens windows onto the pages at *url*, each with cookies of its own; *troubles* is what pages did amiss.

    A page that is not found is said in the console too, and no fault of the page: such messages are *excused*.
    """

    browser: Browser
    url: str
    gitlab_url: str
    excused: list[str] = field(default_factory=lambda: ["responded with a status of 4"])
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str = "/", **options: Any) -> Page:
        """Open a page as nobody."""
        context = self.browser.new_context(**{"viewport": DESK, "base_url": self.url, **options})
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        page.goto(path)
        return page

    def sign_in(self, username: str, path: str = "/", **options: Any) -> Page:
        """Open a page as a person, who signs in on the way."""
        page = self.open(path, **options)
        page.get_by_label("Who are you?").select_option(username)
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url(f"{self.url}{path}")
        return page

    def close(self) -> None:
        """Close every window."""
        for context in self.browser.contexts:
            context.close()

    def _dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(each in message.text for each in self.excused):
            self.troubles.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        place = urlsplit(request.url)
        if f"{place.scheme}://{place.netloc}" not in {self.url, self.gitlab_url}:
            self.troubles.append(f"request to elsewhere: {request.url[:200]}")


def is_too_wide(page: Page) -> bool:
    """Tell whether the page as a whole has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
