"""The table of tasks, as the server draws it: what is in it, how it is narrowed, what nobody gets to see."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import bot
from bot.pages.table import ROWS
from tests.bot.town import Town

LIGHT_BYTES = 100 * 1024
STATIC = Path(bot.__file__).parent / "static"


@pytest.fixture
def alice(town: Town, web: TestClient) -> TestClient:
    """Give Alice's browser, signed in."""
    town.sign_in(web, "alice")
    return web


def listed(web: TestClient, path: str = "/") -> list[int]:
    """Give the ids of the rows, from top to bottom."""
    answer = web.get(path)
    assert answer.status_code == 200
    return [int(number) for number in re.findall(r'<tr id="task-(\d+)"', answer.text)]


def test_a_row_tells_all_that_is_asked_of_it(town: Town, alice: TestClient) -> None:
    """Status, project, prompt, asker, agent, age, duration, cost, merge request."""
    town.task(
        phase="completed", repository="shop/web", prompt="Add a thing", requester_username="rob", agent="claude",
        model="sonnet", created_at="1700000000.0", started_at="1700000000.0", ended_at="1700000185.0",
        cost_usd="0.31", merge_request_iid="7", merge_request_url="https://gitlab.example/shop/web/-/merge_requests/7",
    )  # fmt: skip

    row = alice.get("/").text.partition("<tbody")[2].partition("</tbody>")[0]

    words = " ".join(re.sub(r"<[^>]*>", " ", row).split())
    assert re.fullmatch(
        r".*> Completed shop/ web Add a thing @rob claude sonnet [\d,]+ d 3 min 5 s \$0\.31 !7", words
    ), words
    assert 'datetime="2023-11-14T22:13:20Z"' in row
    assert 'href="https://gitlab.example/shop/web/-/merge_requests/7"' in row


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"phase": "queued"}, "queued"),
        ({"phase": "failed", "reason": "out-of-memory"}, "out of memory"),
        ({"prompt": "", "title": "The title"}, "The title"),
        ({"prompt": "a\x1b[31m \u202eb\n\nc"}, "a [U+202E]b c"),
        ({"prompt": "x" * 1_000_000}, "x" * 160 + "…"),
        ({"prompt": "<script>alert(1)</script>"}, "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ],
)  # fmt: skip
def test_words_of_a_row(town: Town, alice: TestClient, fields: dict[str, Any], says: str) -> None:
    """What it is doing or why it ended; a title where there is no prompt; nothing that does more than be read."""
    town.task(**fields)

    assert f">{says}<" in alice.get("/").text


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", " javascript:x"])
def test_only_web_addresses_are_links(town: Town, alice: TestClient, address: str) -> None:
    """A merge request's address that is none is not one to click on."""
    town.task(merge_request_iid="7", merge_request_url=address)

    page = alice.get("/").text

    assert "!7" in page
    assert address not in page


def test_the_table_is_narrowed_by_its_address(town: Town, alice: TestClient) -> None:
    """By status, project, person and words, alone and together; an @ before the name is no part of it."""
    api = town.gitlab.world.add_project("shop/api", files={"a": "b"})
    town.gitlab.world.add_member(api, town.people["alice"], access_level=20)
    one = town.task(phase="failed", requester_username="rob", prompt="Add a HEALTH check")
    two = town.task(phase="failed", requester_username="alice", project=api)
    three = town.task(requester_username="rob", project=api)

    assert listed(alice) == [three, two, one]
    assert listed(alice, "/?status=failed") == [two, one]
    assert listed(alice, "/?project=Shop/API") == [three, two]
    assert listed(alice, f"/?project={api.id}") == [three, two]
    assert listed(alice, "/?person=@rob") == [three, one]
    assert listed(alice, "/?text=health") == [one]
    assert listed(alice, "/?status=failed&project=shop/api&person=alice") == [two]
    for nothing in ("/?project=shop/none", "/?person=no%20body", "/?person=a,rob", "/?text=nowhere"):
        assert listed(alice, nothing) == []
        assert "Nothing matches" in alice.get(nothing).text


def test_what_was_typed_stays(alice: TestClient) -> None:
    """Fields hold what the table is narrowed to, and other statuses keep it."""
    page = alice.get('/?text=a"b&project=shop/web&person=rob&status=failed').text

    assert 'value="a&#34;b"' in page
    assert 'href="/?status=running&amp;project=shop%2Fweb&amp;person=rob&amp;text=a%22b"' in page
    assert 'href="/?status=failed&amp;project=shop%2Fweb&amp;person=alice&amp;text=a%22b"' in page


@pytest.mark.parametrize("query", ["status=done", "cursor=-1", "cursor=x", f"cursor={'9' * 30}"])
def test_addresses_that_we_never_made_are_refused(alice: TestClient, query: str) -> None:
    """With a sentence."""
    assert alice.get(f"/?{query}").status_code == 400


def test_pages_follow_on_each_other(town: Town, alice: TestClient) -> None:
    """By the links on them, with the filter kept, to the last one."""
    tasks = [town.task(phase="failed") for _ in range(ROWS + 3)][::-1]
    first = alice.get("/?status=failed").text
    older = re.search(r'rel="next" href="([^"]*)"', first)
    assert older is not None

    path = older[1].replace("&amp;", "&")
    assert listed(alice, "/?status=failed") == tasks[:ROWS]
    assert listed(alice, path) == tasks[ROWS:]
    last = alice.get(path).text
    assert 'rel="next"' not in last
    assert 'href="/?status=failed">Youngest</a>' in last


def test_a_search_that_has_not_looked_at_everything_says_so(town: Town, alice: TestClient) -> None:
    """It is not said that nothing matches while older tasks may."""
    found = town.task(prompt="rare")
    for _ in range(1001):
        town.task()

    page = alice.get("/?text=rare").text
    older = re.search(r'rel="next" href="([^"]*)"', page)

    assert "Nothing so far" in page
    assert older is not None
    assert listed(alice, older[1].replace("&amp;", "&")) == [found]


def test_nobody_sees_a_row_or_a_project_of_anothers(town: Town, alice: TestClient) -> None:
    """Neither in the table nor among what the filter offers, nor by asking for it."""
    hidden = town.gitlab.world.add_project("secret/plans", files={"a": "b"})
    issue = town.gitlab.world.add_issue(town.project, author=town.people["gus"], title="Hush", confidential=True)
    mine, confidential = town.task(), town.task(issue)
    town.task(project=hidden, prompt="canary")

    town.sign_in(alice, "rob")

    assert listed(alice) == [confidential, mine]
    page = alice.get("/").text
    assert "secret/plans" not in page
    assert '<option value="shop/web">' in page
    assert listed(alice, "/?project=secret/plans") == listed(alice, f"/?project={hidden.id}") == []
    assert listed(alice, "/?text=canary") == []


def test_where_there_is_nothing_the_page_says_how_to_start(alice: TestClient) -> None:
    """With a link to the form, the words for a comment, and the label."""
    page = alice.get("/").text

    assert "No tasks yet" in page
    assert all(way in page for way in ('href="/tasks/new"', "/agent &lt;what to do&gt;", "agent-ready"))


def test_the_first_page_is_light(town: Town, alice: TestClient) -> None:
    """A full table with all that it loads is below 100 KiB, and all of that comes from us."""
    for _ in range(ROWS):
        town.task(
            phase="completed", repository="group/with/a/long/path", prompt="x" * 500, requester_username="somebody",
            agent="claude", model="a-model-of-some-name", branch="feature/with-a-name", merge_request_iid="7",
            merge_request_url="https://gitlab.example/group/with/a/long/path/-/merge_requests/7",
        )  # fmt: skip

    page = alice.get("/")
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))

    weight = len(page.content) + sum(len(alice.get(path).content) for path in loaded)
    assert len(loaded) >= 4
    assert weight < LIGHT_BYTES
    assert not re.search(r'<(?:script|link|img)[^>]*(?:src|href)="(?!/static/)', page.text)


def test_the_shared_stylesheet_is_small() -> None:
    """What every page loads stays below 20 KiB."""
    assert (STATIC / "ablehand.css").stat().st_size < 20 * 1024
