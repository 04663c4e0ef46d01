"""What a real RQ worker does with jobs that somebody else has put into Redis: nothing."""

from __future__ import annotations

import asyncio
import json
import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from core.connections import open_store_redis
from core.doorbell import FUNCTIONS, QUEUE, Doorbell
from core.store import TaskStore
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger
from tests.worker.town import Town
from worker.rq_worker import StepJob
from worker.steps import entry


@pytest.fixture
def connection(redis_url: str) -> Iterator[Redis]:
    """Give RQ's own connection."""
    with Redis.from_url(redis_url) as redis:
        yield redis


def work(redis: Redis) -> None:
    """Work off the queue as `worker.rq_worker.serve` does, in this process."""
    queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer, job_class=StepJob)
    worker = SimpleWorker([queue], connection=redis, serializer=JSONSerializer, job_class=StepJob)
    worker.work(burst=True, logging_level="CRITICAL")


def put(redis: Redis, data: bytes, **fields: str) -> str:
    """Put a job into the queue by hand, as whoever reaches Redis can."""
    job = Job.create(FUNCTIONS["report"], [1], connection=redis, serializer=JSONSerializer)
    job.save()
    values: dict[Any, Any] = {"data": zlib.compress(data), "origin": QUEUE, "status": "queued", **fields}
    redis.hset(job.key, mapping=values)
    redis.lpush(f"rq:queue:{QUEUE}", job.id)
    return str(job.id)


def named(function: str, *arguments: Any, instance: Any = None, **keywords: Any) -> bytes:
    """Give the data of a job that calls *function*."""
    return json.dumps([function, instance, list(arguments), keywords]).encode()


class _Bomb:
    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._mark,)


REFUSED = {
    "os.system": lambda mark: named("os.system", f"touch {mark}"),
    "subprocess": lambda mark: named("subprocess.check_call", ["touch", str(mark)]),
    "builtin": lambda mark: named("builtins.open", str(mark), "w"),
    "with-an-id": lambda _: named("os.umask", 1),
    "another-of-ours": lambda _: named("worker.steps.entry.configure", 1),
    "beside-a-step": lambda _: named("worker.steps.report.report", 1),
    "text-argument": lambda _: named(FUNCTIONS["report"], "1"),
    "truth-argument": lambda _: named(FUNCTIONS["report"], True),  # noqa: FBT003
    "list-argument": lambda _: named(FUNCTIONS["report"], [1]),
    "no-argument": lambda _: named(FUNCTIONS["report"]),
    "two-arguments": lambda _: named(FUNCTIONS["report"], 1, 2),
    "keyword": lambda _: named(FUNCTIONS["report"], task_id=1),
    "keyword-beside": lambda _: named(FUNCTIONS["report"], 1, step=2),
    "method": lambda _: named(FUNCTIONS["report"], 1, instance="text"),
    "pickle": lambda mark: pickle.dumps(("os.system", None, (_Bomb(mark),), {})),
    "noise": lambda _: b"\x00\xff\x00",
}


@pytest.mark.parametrize("job", REFUSED.values(), ids=REFUSED.keys())
def test_a_job_that_is_no_step_runs_nothing(connection: Redis, tmp_path: Path, job: Any) -> None:
    """The job fails before anything is called."""
    mark = tmp_path / "mark"
    name = put(connection, job(mark))

    work(connection)

    assert not mark.exists()
    assert why_failed(connection, name) in {"JobRefused", "DeserializationError"}


@pytest.mark.parametrize("outcome", ["success", "failure", "stopped"])
def test_callbacks_and_webhooks_are_forgotten(connection: Redis, tmp_path: Path, outcome: str) -> None:
    """A step that runs, and one that fails, call nothing else: the callback's module is not even imported."""
    (tmp_path / "called.py").write_text("raise SystemExit('imported')")
    data = named(FUNCTIONS["report"], 1 if outcome == "success" else "1")
    hook = json.dumps([{"url": "http://127.0.0.1:9/", "method": "POST"}])
    name = put(connection, data, **{f"{outcome}_callback_name": "called.at_once", "webhooks": hook})

    job = StepJob.fetch(name, connection=connection, serializer=JSONSerializer)

    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)
    assert job.webhooks == []


def test_a_step_that_is_rung_is_run(connection: Redis, town: Town, redis_url: str) -> None:
    """A bell of ours arrives at its step with its task."""
    note = town.say("/agent help")
    entry.configure(town.settings(redis_url), HandExecutor())
    store_redis = open_store_redis(town.settings(redis_url))

    async def accepted() -> int:
        """Accept the trigger."""
        try:
            return (await TaskStore(store_redis).accept(comment_trigger(note)))[1]
        finally:
            await store_redis.aclose()

    Doorbell(connection).ring("intake", asyncio.run(accepted()), 4711)
    work(connection)

    assert len(town.bodies()) == 1
    assert connection.keys("rq:job:*") == []


def why_failed(redis: Redis, name: str) -> str:
    """Give the last line's error of a failed job."""
    job = StepJob.fetch(name, connection=redis, serializer=JSONSerializer)
    assert job.is_failed
    result = job.latest_result()
    assert result is not None
    last = (result.exc_string or "").strip().splitlines()[-1]
    return last.partition(":")[0].rpartition(".")[2]


def test_who_asks_goes_first(connection: Redis) -> None:
    """Intake is rung before whatever waits: people look for a sign that they were heard."""
    bell = Doorbell(connection)
    bell.ring("report", 1, 2)
    bell.ring("intake", 3)
    bell.ring("launch", 4)

    waiting = Queue(QUEUE, connection=connection, serializer=JSONSerializer).jobs

    assert [job.args[0] for job in waiting] == [3, 1, 2, 4]
