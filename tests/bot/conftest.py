"""What the tests of the bot share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from starlette.testclient import TestClient

from simulators.gitlab.server import GitLabServer
from tests.bot.town import Town, build_town


@pytest.fixture
def raw(redis_url: str) -> Iterator[Redis]:
    """Give Redis itself, to look into."""
    with Redis.from_url(redis_url, decode_responses=True) as connection:
        yield connection


@pytest.fixture
def town(tmp_path: Path, redis_url: str, raw: Redis) -> Iterator[Town]:
    """Give a GitLab with people, and the settings of a bot that belongs to it."""
    with GitLabServer(tmp_path / "gitlab") as gitlab:
        yield build_town(gitlab, redis_url, raw)


@pytest.fixture
def web(town: Town) -> Iterator[TestClient]:
    """Give a client of the town's bot."""
    with town.bot() as client:
        yield client
