"""Who sees which sums, on the page and over the API."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from redis import Redis
from starlette.testclient import TestClient

from bot.app import build
from bot.pages.outcome_pictures import Rectangle, columns, shares
from bot.pages.outcomes import dollars, roughly
from core.outcomes import Report, Sums
from simulators.gitlab.records import Project
from tests.bot.outcome_figures import worked
from tests.bot.town import REPORTER, Town

API = "/api/v1/outcomes"


@pytest.fixture
def other(town: Town, raw: Redis) -> Project:
    """Have two projects worked on; give the one that Alice has nothing to do with."""
    project = town.gitlab.world.add_project("secret/other", files={"README.md": "# It\n"})
    town.gitlab.world.add_member(project, town.people["eve"], access_level=REPORTER)
    worked(raw, town.project.id, "shop/web")
    worked(raw, project.id, "secret/other", completed=700)
    return project


@pytest.mark.parametrize(
    ("name", "seen"),
    [("alice", {"shop/web"}), ("rob", {"shop/web"}), ("gus", set[str]()), ("eve", {"secret/other"})],
)
@pytest.mark.usefixtures("other")
def test_only_what_a_viewer_may_see_is_summed_up(town: Town, web: TestClient, name: str, seen: set[str]) -> None:
    """From the Reporter's role on, like the tasks themselves; the whole is the sum of these alone."""
    found = web.get(API, headers=town.bearer(name)).json()

    assert {project["path"] for project in found["by_project"]} == seen
    assert found["total"]["completed"] == {"shop/web": 5, "secret/other": 700, "": 0}[next(iter(seen), "")]


def test_anothers_project_is_not_found(town: Town, web: TestClient, other: Project) -> None:
    """As one that is not there; on the page too, which names it nowhere."""
    missing = web.get(API, params={"project": 987654}, headers=town.bearer("alice"))
    denied = web.get(API, params={"project": other.id}, headers=town.bearer("alice"))
    assert (denied.status_code, denied.json()) == (404, missing.json())

    town.sign_in(web, "alice")
    pages = [web.get("/outcomes", params={"project": text}) for text in (other.id, 987654, "1e3", "-1", "9" * 40)]
    assert [page.status_code for page in pages] == [404] * 5
    assert "secret" not in web.get("/outcomes").text


def test_the_api_tells_all_sums(town: Town, web: TestClient, raw: Redis) -> None:
    """By day and by project too, over the period that was asked for."""
    worked(raw, town.project.id, "shop/web", days_ago=6)
    worked(raw, town.project.id, "shop/web", days_ago=7)

    week, month = (web.get(API, params={"days": days}, headers=town.bearer("alice")).json() for days in (7, 30))

    total: dict[str, Any] = {
        "completed": 5, "failed": 2, "rejected": 1, "cancelled": 1, "merge_requests_merged": 2,
        "merge_requests_open": 1, "merge_requests_closed": 1, "median_seconds": pytest.approx(828, rel=0.01),
        "cost_usd": 3.75, "cost_usd_per_merged": 1.875,
    }  # fmt: skip
    assert (week["days"], week["total"]) == (7, total)
    assert week["by_project"] == [{"id": town.project.id, "path": "shop/web", **total}]
    assert [day["completed"] for day in week["by_day"]] == [5, 0, 0, 0, 0, 0, 0]
    assert (month["total"]["completed"], len(month["by_day"])) == (10, 30)


@pytest.mark.parametrize("query", [{"days": "31"}, {"project": "shop/web"}, {"days": "7", "more": "1"}])
def test_what_is_no_query_is_refused(town: Town, web: TestClient, query: dict[str, str]) -> None:
    """With what was expected; the page takes its usual period for a wrong one."""
    assert web.get(API, params=query, headers=town.bearer("alice")).status_code == 400


def test_a_wrong_period_on_the_page_is_the_usual_one(town: Town, web: TestClient) -> None:
    """Whoever mistypes an address gets a page."""
    town.sign_in(web, "alice")

    assert "in these 30 days" in web.get("/outcomes?days=5000000").text


@pytest.mark.usefixtures("other")
def test_without_sign_in_all_is_shown(town: Town) -> None:
    """On loopback, to whoever is there."""
    settings = town.settings.model_copy(update={"oidc_client_id": ""})
    with TestClient(build(settings), base_url="http://127.0.0.1:8080") as client:
        page = client.get("/outcomes")

    assert page.status_code == 200
    assert "secret/other" in page.text
    assert "shop/web" in page.text


def test_who_is_not_signed_in_is_sent_to_sign_in(web: TestClient) -> None:
    """And comes back to the very sums."""
    answer = web.get("/outcomes?days=90")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Foutcomes%3Fdays%3D90")


def test_a_full_page_is_light(town: Town, raw: Redis) -> None:
    """Ninety busy days and hundreds of projects, are below 100 KiB; what is not shown is a choice away."""
    for day in range(90):
        for number in range(1, 4):
            worked(raw, number, f"group/some-project-{number}", days_ago=day, usd=12.3456789)
    for number in range(4, 300):
        worked(raw, number, f"group/some-project-{number}", completed=1)
    settings = town.settings.model_copy(update={"oidc_client_id": ""})

    with TestClient(build(settings), base_url="http://127.0.0.1:8080") as client:
        page = client.get("/outcomes?days=90")
        loaded = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        weight = len(page.content) + sum(len(client.get(path).content) for path in loaded)

    assert len(loaded) >= 3
    assert weight < 100 * 1024
    assert "259 more projects" in page.text
    assert page.text.count("/outcomes?project=") == 40


def test_columns_stand_on_one_line() -> None:
    """What was completed above it, all else below, by one scale; a day without tasks has none."""
    days = {
        date(2026, 1, 1): Sums({"completed": 2, "failed": 1, "cancelled": 1}),
        date(2026, 1, 2): Sums(),
        date(2026, 1, 3): Sums({"failed": 3}),
    }

    drawn = columns(days)

    assert (drawn.days, drawn.above, drawn.below) == (3, 2, 3)
    assert [(piece.kind, round(piece.x, 2), piece.y, piece.height) for piece in drawn.rectangles] == [
        ("completed", 0.14, 0, 2), ("failed", 0.14, 2, 1), ("cancelled", 0.14, 3, 1), ("failed", 2.14, 2, 3),
    ]  # fmt: skip
    assert all(isinstance(piece, Rectangle) and piece.y + piece.height <= 5 for piece in drawn.rectangles)


def test_shares_fill_the_whole() -> None:
    """Merged, open, closed; of none there is nothing to divide."""
    drawn = shares(Sums({"merged": 2, "opened": 1, "closed": 1}))

    assert [(share.kind, share.count, share.percent, share.start) for share in drawn] == [
        ("merged", 2, 50, 0), ("opened", 1, 25, 50), ("closed", 1, 25, 75),
    ]  # fmt: skip
    assert [share.width for share in shares(Sums())] == [0, 0, 0]
    assert columns(Report(total=Sums(), days={date(2026, 1, 1): Sums()}, projects={}).days).rectangles == ()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "\N{EN DASH}"), (12.4, "12 s"), (829, "14 min"), (7300, "2.0 h"), (200_000, "2.3 days")],
)
def test_a_time_is_as_exact_as_it_is_known(seconds: float | None, words: str) -> None:
    """One unit, two digits or so."""
    assert roughly(seconds) == words


@pytest.mark.parametrize(("usd", "words"), [(None, "\N{EN DASH}"), (0, "$0"), (0.001, "under $0.01"), (3.5, "$3.50")])
def test_nothing_costs_nothing(usd: float | None, words: str) -> None:
    """And what nobody can say is not said."""
    assert dollars(usd) == words
