"""A browser, and what it looks at: the town's bot with people who sign in, or the whole product."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from redis import Redis

from simulators.gitlab.server import GitLabServer
from tests.bot.serving import served
from tests.bot.town import Town, build_town
from tests.browser import chromium
from tests.browser.chromium import Windows
from tests.product.conftest import short_folder
from tests.product.stack import Stack, run_stack

expect.set_options(timeout=chromium.PATIENCE_MS)


# Not for the whole session: while it runs, other tests of this process can't have event loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give Chromium."""
    with chromium.running() as started:
        yield started


@pytest.fixture
def raw(redis_url: str) -> Iterator[Redis]:
    """Give Redis itself, to put tasks into."""
    with Redis.from_url(redis_url, decode_responses=True) as connection:
        yield connection


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Give the port that the bot will listen on."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


@pytest.fixture
def town(tmp_path: Path, redis_url: str, raw: Redis, listener: socket.socket) -> Iterator[Town]:
    """Give a GitLab with people, and the settings of a bot that belongs to it."""
    with GitLabServer(tmp_path / "gitlab") as gitlab:
        yield build_town(gitlab, redis_url, raw, here=f"http://127.0.0.1:{listener.getsockname()[1]}")


@pytest.fixture
def windows(browser: Browser, town: Town, listener: socket.socket) -> Iterator[Windows]:
    """Give windows onto the town's bot; in the end, nothing may have gone wrong in any of them."""
    with served(town, listener) as url:
        yield from _watched(Windows(browser=browser, url=url, gitlab_url=town.gitlab.url))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Give the running product, with sign-in."""
    with short_folder() as folder, run_stack(folder, session_secret=secrets.token_hex(32)) as running:
        yield running


@pytest.fixture
def product(browser: Browser, stack: Stack) -> Iterator[Windows]:
    """Give windows onto the whole product, watched likewise."""
    yield from _watched(Windows(browser=browser, url=stack.settings.public_url, gitlab_url=stack.gitlab.url))


def _watched(windows: Windows) -> Iterator[Windows]:
    try:
        yield windows
    finally:
        windows.close()
    assert windows.troubles == []
