"""The switches: what a client sees, and what has really happened then."""

import time

import pytest
import requests
from gitlab.exceptions import GitlabCreateError, GitlabHttpError

from simulators.gitlab.faults import Outage
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Client, Shop

NOTES = r"/issues/1/notes$"


def test_an_answer_is_injected_for_the_next_calls_only(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """Two throttled calls, the third goes through; nothing was handled before."""
    notes = client(shop.bot).projects.get(shop.project.id, lazy=True).issues.get(1, lazy=True).notes
    gitlab.faults.answer("POST", NOTES, status=502, times=2, body="oh", headers={"X-Reason": "test"})

    for _ in range(2):
        with pytest.raises(GitlabCreateError, match="502"):
            notes.create({"body": "hello"})
    notes.list(get_all=True)
    assert gitlab.world.notes(shop.issue) == []
    notes.create({"body": "hello"})

    assert len(gitlab.world.notes(shop.issue)) == 1


def test_throttling_carries_its_headers(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """`Retry-After` reaches the client."""
    gitlab.faults.answer("GET", "/user$", status=429, body="Retry later", headers={"Retry-After": "3"})

    with pytest.raises(GitlabHttpError, match="429") as refused:
        client(shop.bot).http_get("/user", obey_rate_limit=False)

    assert refused.value.response_body == b"Retry later"


def test_a_lost_answer_hides_a_write_that_happened(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """The connection closes after the comment was saved."""
    notes = client(shop.bot).projects.get(shop.project.id, lazy=True).issues.get(1, lazy=True).notes
    gitlab.faults.drop_answer("POST", NOTES)

    with pytest.raises(requests.ConnectionError):
        notes.create({"body": "hello"})

    assert [note.body for note in gitlab.world.notes(shop.issue)] == ["hello"]


def test_a_refused_connection_has_done_nothing(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """The connection closes before anything is handled."""
    notes = client(shop.bot).projects.get(shop.project.id, lazy=True).issues.get(1, lazy=True).notes
    gitlab.faults.refuse("POST", NOTES)

    with pytest.raises(requests.ConnectionError):
        notes.create({"body": "hello"})

    assert gitlab.world.notes(shop.issue) == []
    assert gitlab.calls[-1].status == 0


def test_a_late_answer_comes_late(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """The client's own timeout is what ends the wait."""
    gitlab.faults.delay("*", "/user$", seconds=0.2)
    started = time.monotonic()

    client(shop.bot).http_get("/user")

    assert time.monotonic() - started >= 0.2


def test_the_whole_gitlab_goes_down_and_comes_back(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """502 for everything, closed connections for everything, and then as if nothing had been."""
    bot = client(shop.bot)

    gitlab.faults.down = Outage.BAD_GATEWAY
    with pytest.raises(GitlabHttpError, match="502"):
        bot.http_get("/user")
    gitlab.faults.down = Outage.CLOSED
    with pytest.raises(requests.ConnectionError):
        bot.http_get("/user")
    gitlab.faults.clear()

    assert requests.get(gitlab.url, timeout=60).status_code == 200
    assert isinstance(bot.http_get("/user"), dict)
