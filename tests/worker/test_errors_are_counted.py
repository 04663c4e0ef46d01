"""What GitLab and the cluster refuse is counted where it happens, by kind."""

from __future__ import annotations

from functools import partial

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from core.counts import COUNTS, ErrorCounts, kind_of
from core.errors import AblehandError, ExecutorError, ExecutorUnavailable, GitLabError, GitLabUnavailable, TokenRefused
from core.gitlab.client import connect
from core.reasons import Reason
from core.settings import Settings
from tests.worker.town import Town
from worker.wiring import Desk, choose_executor, furnish

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(GitLabUnavailable("x"), "unavailable", id="away"),
        pytest.param(TokenRefused("x"), "token", id="token"),
        pytest.param(GitLabError("x"), "refused", id="any-other"),
        pytest.param(ExecutorUnavailable("x", Reason.CLUSTER), "unavailable", id="cluster-away"),
        pytest.param(ExecutorError("x", Reason.QUOTA), "quota", id="quota"),
        pytest.param(ExecutorError("x"), "refused", id="cluster-refuses"),
    ],
)
def test_every_error_has_a_kind(error: AblehandError, kind: str) -> None:
    """One word, out of a few."""
    assert kind_of(error) == kind


async def test_gitlabs_errors_are_counted(town: Town, settings: Settings, redis: AsyncRedis) -> None:
    """Each answer, also those that were tried again."""
    executor = choose_executor(settings)
    desk: Desk = furnish(settings, executor)
    town.server.faults.answer("GET", "/user$", status=502, body="", times=2)

    desk.gitlab.me()
    with pytest.raises(GitLabError):
        desk.gitlab.project(987654)

    assert await redis.hgetall(COUNTS) == {
        "gitlab_errors own unavailable": "2", "gitlab_errors own not_found": "1",
    }  # fmt: skip
    await desk.redis.aclose()


def test_a_redis_that_is_away_hides_no_error(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """Who asked GitLab gets its answer, counted or not."""
    counts = ErrorCounts(Redis.from_url("redis://127.0.0.1:1"))
    gitlab = connect(town.settings(), on_error=partial(counts.note, "gitlab_errors own"))
    caplog.set_level("INFO")

    with pytest.raises(GitLabError, match="404"):
        gitlab.project(987654)

    assert "an error was not counted" in caplog.messages
