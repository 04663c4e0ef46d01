"""What a scrape tells: parsed as Prometheus does, each value out of a story in a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from rq import Queue
from rq.serializers import JSONSerializer
from starlette.testclient import TestClient

from bot.app import build
from core.connections import open_store_redis
from core.counts import MOST_PAYERS, count
from core.disabled_hooks import remember_disabled_hooks
from core.doorbell import Doorbell
from core.limits import Limits
from core.measure import TURNS
from core.reasons import Reason
from core.settings import Settings
from core.store import TaskStore
from core.task import Phase, Source, Task, Trigger
from operate.up import free_port
from tests.bot.deliveries import SIGNING_TOKEN, encoded, note, signed
from tests.bot.scrape import parsed, scraped, value

pytestmark = pytest.mark.anyio

LIMITS = Limits(all=10)


async def queued(store: TaskStore, event_id: int, *, project_id: int = 5, **fields: Any) -> Task:
    """Ask for a task and queue it."""
    trigger = Trigger(source=Source.COMMENT, project_id=project_id, iid=7, event_id=event_id)
    _, task_id = await store.accept(trigger)
    return await change(store, task_id, Phase.QUEUED, repository=f"shop/p{project_id}", **fields)


async def change(store: TaskStore, task_id: int, *phases: Phase, **fields: Any) -> Task:
    """Move a task on, with *fields* on the last way."""
    task: Task | None = None
    for phase in phases:
        before = await store.get(task_id)
        assert before is not None
        given = fields if phase is phases[-1] else {}
        task = await store.change(before, phase, deadline_seconds=60, **given)
    assert task is not None
    return task


async def admitted(store: TaskStore) -> int:
    """Give the next task a slot; its id."""
    task = await store.admit(LIMITS, deadline_seconds=60)
    assert task is not None
    return task.id


async def test_an_empty_ledger_has_every_metric(redis: AsyncRedis) -> None:
    """All is zero, and there from the beginning: a first error is an increase."""
    found = await scraped(redis)

    assert value(found, "up") == 1
    assert value(found, "tasks", phase="queued") == 0
    assert value(found, "webhook_deliveries_total", result="refused", why="signature") == 0
    assert value(found, "gitlab_errors_total", token="own", kind="token") == 0
    assert [value(found, "tasks_ended_total", phase="failed", reason=reason) for reason in Reason] == [0] * len(Reason)
    assert value(found, "time_to_reaction_seconds_bucket", le="+Inf") == 0
    assert {number for (name, _), number in found.items() if name != "ablehand_up"} == {0}


async def test_tasks_are_told_by_phase(redis: AsyncRedis, store: TaskStore) -> None:
    """What waits, what runs, and what has come in; what has ended is in none."""
    for number in range(1, 7):
        await queued(store, number)
    await store.accept(Trigger(source=Source.LABEL, project_id=5, iid=8, event_id=9))
    first, second, third = [await admitted(store) for _ in range(3)]
    await change(store, first, Phase.STARTING, Phase.WORKING)
    await change(store, second, Phase.STARTING)
    await change(store, third, Phase.CANCELLED)
    await redis.zincrby("{ablehand}:queue", -100, "4")

    found = await scraped(redis)

    phases = {phase: value(found, "tasks", phase=phase.value) for phase in Phase if not phase.is_final}
    assert {phase: number for phase, number in phases.items() if number} == {
        Phase.RECEIVED: 1, Phase.QUEUED: 3, Phase.STARTING: 1, Phase.WORKING: 1,
    }  # fmt: skip
    assert 100 <= value(found, "queue_oldest_seconds") < 160
    assert value(found, "tasks_received_total", source="comment") == 6
    assert value(found, "tasks_received_total", source="label") == 1
    assert value(found, "tasks_stored") == 7


async def test_ends_are_counted_by_reason(redis: AsyncRedis, store: TaskStore) -> None:
    """Once each, and for good: the count stays when the task is gone. A word that is no reason of ours is other."""
    ends = [(Phase.FAILED, "timeout"), (Phase.FAILED, "timeout"), (Phase.COMPLETED, ""), (Phase.FAILED, "nonsense")]
    for number, (phase, reason) in enumerate(ends, start=1):
        task = await queued(store, number)
        await change(store, task.id, phase, reason=reason)
    await redis.delete("{ablehand}:task:1")

    found = await scraped(redis)

    assert value(found, "tasks_ended_total", phase="failed", reason=Reason.TIMEOUT) == 2
    assert value(found, "tasks_ended_total", phase="completed", reason="none") == 1
    assert value(found, "tasks_ended_total", phase="failed", reason="other") == 1


async def test_how_long_people_wait_is_a_histogram(redis: AsyncRedis, store: TaskStore) -> None:
    """To the sign, to the start and to the merge request; each task once, also where it was tried again."""
    task = await queued(store, 1)
    await redis.hset("{ablehand}:task:1", "phase", "received")
    await change(store, task.id, Phase.QUEUED, reacted_at=task.created_at + 3)
    await admitted(store)
    await change(store, task.id, Phase.STARTING, Phase.PREPARING, started_at=task.created_at + 45)
    await change(store, task.id, Phase.FINISHING)
    await change(store, task.id, Phase.QUEUED, attempt=2, started_at=0.0)
    await admitted(store)
    await change(store, task.id, Phase.STARTING, Phase.PREPARING, started_at=task.created_at + 500)
    await redis.hset("{ablehand}:task:1", "created_at", str(task.created_at - 100))
    await change(store, task.id, Phase.FINISHING, Phase.COMPLETED, merge_request_iid=4)

    found = await scraped(redis)

    assert value(found, "time_to_reaction_seconds_bucket", le="2.0") == 0
    assert value(found, "time_to_reaction_seconds_bucket", le="5.0") == 1
    assert value(found, "time_to_reaction_seconds_sum") == pytest.approx(3)
    assert value(found, "time_to_start_seconds_bucket", le="30.0") == 0
    assert value(found, "time_to_start_seconds_bucket", le="60.0") == 1
    assert value(found, "time_to_start_seconds_count") == 1
    assert value(found, "time_to_merge_request_seconds_bucket", le="60.0") == 0
    assert value(found, "time_to_merge_request_seconds_bucket", le="300.0") == 1
    assert value(found, "merge_requests_total", event="opened") == 1


async def test_cost_is_told_by_project_and_no_name_is_told_for_more_than_a_hundred(
    redis: AsyncRedis, store: TaskStore
) -> None:
    """The first keep their names; what the others spend is one sum, which never goes down."""
    for number in range(1, MOST_PAYERS + 3):
        await queued(store, number, project_id=number)
    for _ in range(MOST_PAYERS + 2):
        task = await store.admit(Limits(all=1000), deadline_seconds=60)
        assert task is not None
        await change(store, task.id, Phase.WORKING, Phase.COMPLETED, cost_usd=0.25, cost_told=True)
    await queued(store, 1000, project_id=1)
    await change(store, await admitted(store), Phase.WORKING, Phase.COMPLETED, cost_usd=1.0, cost_told=True)

    costs = {
        dict(labels)["project"]: usd
        for (name, labels), usd in (await scraped(redis)).items()
        if "cost_usd_total" in name
    }

    assert len(costs) == MOST_PAYERS + 1
    assert (costs["shop/p1"], costs["shop/p2"], costs["other"]) == (1.25, 0.25, 0.5)


async def test_the_reconciler_is_told_of(redis: AsyncRedis, store: TaskStore) -> None:
    """Who leads, how often that changed, what is late, and when each turn got through."""
    await queued(store, 1)
    await queued(store, 2)
    await redis.zadd("{ablehand}:deadlines", {"1": await store.now() - 90})
    await redis.zadd("{ablehand}:outbox", {"1": await store.now() - 30, "2": await store.now() + 1000})
    await redis.hset(TURNS, "sweep", "1800000000.5")
    before = await scraped(redis)
    await store.lead("one", milliseconds=60_000, fence=0)

    found = await scraped(redis)

    assert (value(before, "reconciler_leaders"), value(found, "reconciler_leaders")) == (0, 1)
    assert value(found, "reconciler_terms_total") == 1
    assert (value(found, "tasks_overdue"), value(found, "tasks_untold")) == (1, 1)
    assert 90 <= value(found, "reconciler_lag_seconds") < 150
    assert 30 <= value(found, "untold_oldest_seconds") < 90
    assert value(found, "reconciler_turn_timestamp_seconds", turn="sweep") == 1800000000.5


async def test_hooks_that_are_off_and_waiting_steps_are_told(
    redis: AsyncRedis, store: TaskStore, redis_url: str
) -> None:
    """As the reconciler found them, and as RQ has them."""
    await remember_disabled_hooks(store, ["shop/web", "shop"])
    with Redis.from_url(redis_url) as raw:
        Doorbell(raw).ring("report", 1, 2, 3)
        queue = Queue("ablehand", connection=raw, serializer=JSONSerializer)
        failed = queue.jobs[0]
        queue.remove(failed)
        queue.failed_job_registry.add(failed, ttl=3600)

    found = await scraped(redis)

    assert value(found, "disabled_hooks") == 2
    assert (value(found, "jobs", state="waiting"), value(found, "jobs", state="failed")) == (2, 1)
    assert value(found, "workers") == 0


async def test_what_the_webhook_answered_is_counted(redis: AsyncRedis, redis_url: str) -> None:
    """Each answer by its kind, however the process ends after it."""
    settings = Settings(redis_url=redis_url, gitlab_url="https://gitlab.example", webhook_signing_token=SIGNING_TOKEN)
    asks, talks = encoded(note()), encoded(note("hello"))

    with TestClient(build(settings)) as client:
        for body, headers in (
            (asks, signed(asks)), (asks, signed(asks)), (talks, signed(talks, delivery="d-2")), (asks, {}),
            (asks, signed(asks, age=9999)), (asks, signed(talks)), (b"{}", signed(b"{}")),
        ):  # fmt: skip
            client.post("/webhooks/gitlab", content=body, headers=headers)

    found = await scraped(redis)
    results = {labels: number for (name, labels), number in found.items() if "webhook" in name and number}
    assert {(dict(labels)["result"], dict(labels)["why"]): number for labels, number in results.items()} == {
        ("accepted", "none"): 1, ("duplicate", "none"): 1, ("ignored", "none"): 1, ("refused", "timestamp"): 2,
        ("refused", "signature"): 1, ("refused", "malformed"): 1,
    }  # fmt: skip


async def test_a_hostile_path_is_a_labels_value(redis: AsyncRedis) -> None:
    """Whatever GitLab lets a project be called, it breaks no line."""
    await redis.hset("{ablehand}:costs", "5", "1.5")
    await redis.hset("{ablehand}:paths", "5", 'a"}\n# HELP x\\')

    assert value(await scraped(redis), "cost_usd_total", project='a"}\n# HELP x\\') == 1.5


async def test_counts_of_another_version_break_nothing(redis: AsyncRedis) -> None:
    """Words that this version does not know are left out, or are other."""
    await count(redis, {"yodelled": 3, "ended failed timeout twice": 1, "webhook refused moon": 2})

    found = await scraped(redis)

    assert value(found, "webhook_deliveries_total", result="refused", why="other") == 2


async def test_without_redis_it_says_so() -> None:
    """A scrape that gets an answer tells that Redis has none: that alone, and no stale figure."""
    redis = open_store_redis(Settings(redis_url="redis://127.0.0.1:1"))

    assert await scraped(redis) == {("ablehand_up", frozenset()): 0}


async def test_a_redis_that_forgot_the_script_is_told_it_again(redis: AsyncRedis) -> None:
    """As after a restart."""
    await scraped(redis)
    await redis.script_flush()

    assert value(await scraped(redis), "up") == 1


@contextmanager
def listening(redis_url: str, port: int) -> Iterator[TestClient]:
    """Run a bot with its metrics on *port*."""
    settings = Settings(
        redis_url=redis_url, gitlab_url="https://gitlab.example", webhook_signing_token=SIGNING_TOKEN, metrics_port=port
    )
    with TestClient(build(settings), base_url="http://127.0.0.1:8080") as client:
        yield client


def test_metrics_are_on_their_port_and_nowhere_else(redis_url: str) -> None:
    """People's port knows none; theirs knows nothing else, and is closed with the bot."""
    port = free_port()
    with listening(redis_url, port) as pages:
        assert pages.get("/metrics").status_code == 404
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as scraper:
            told = scraper.get("/metrics")
            others = [scraper.get(path).status_code for path in ("/", "/readyz", "/api/v1/tasks")]
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/metrics")

    assert parsed(told.text)["ablehand_up", frozenset()] == 1
    assert others == [404, 404, 404]
