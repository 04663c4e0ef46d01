"""What hooks tell of our merge requests: read leniently, believed for the sums alone."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from starlette.testclient import TestClient

from bot.merge_request_news import News, read_news
from tests.bot.deliveries import changed, encoded, signed
from tests.bot.town import Town


def event(**attributes: Any) -> dict[str, Any]:
    """Give the body of a merge request's event as GitLab sends it."""
    body = changed("merge_request", action="merge")
    body["object_attributes"] |= {
        "iid": 3, "state": "merged", "source_branch": "agent/17-abc", "target_project_id": 5, **attributes,
    }  # fmt: skip
    return body


def test_a_merge_is_news() -> None:
    """With its time, in the project that it goes to."""
    assert read_news(encoded(event())) == News(project_id=5, iid=3, state="merged", moment="2026-11-22T11:00:00Z")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(event(source_branch="feature"), id="a-persons-branch"),
        pytest.param(event(source_branch=None), id="no-branch"),
        pytest.param(event(iid=None), id="no-number"),
        pytest.param(event(iid=-1), id="no-such-number"),
        pytest.param({**event(), "object_attributes": None}, id="nothing"),
        pytest.param({**event(), "object_attributes": [1]}, id="a-list"),
        pytest.param({**event(), "object_kind": "issue"}, id="an-issue"),
        pytest.param([], id="no-object"),
    ],
)
def test_all_else_is_none(body: object) -> None:
    """Whatever it looks like."""
    assert read_news(encoded(body)) is None


def test_a_hook_moves_our_merge_request(town: Town, web: TestClient, raw: Redis) -> None:
    """At once, and no task comes of it; a forged delivery moves nothing."""
    key = f"{{ablehand}}:merge-request:{town.project.id}:3"
    raw.hset(key, mapping={"state": "opened", "day": 20000, "seen": 0})
    body = encoded(event() | {"project": {"id": town.project.id}})
    headers = signed(body) | {"x-gitlab-instance": town.gitlab.url}

    forged = web.post("/webhooks/gitlab", content=body, headers=headers | {"webhook-signature": "v1,AAAA"})
    assert (forged.status_code, raw.hget(key, "state")) == (401, "opened")
    answer = web.post("/webhooks/gitlab", content=body, headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"ignored": True})
    assert raw.hget(key, "state") == "merged"
    assert raw.hgetall("{ablehand}:outcomes:20000") == {
        f"{town.project.id} opened": "-1", f"{town.project.id} merged": "1",
    }  # fmt: skip
    assert not raw.exists("{ablehand}:tasks")
