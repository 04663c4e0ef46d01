"""A page of the API's list with 100,000 tasks stored, for somebody who sees a third of the projects; one bot."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from core.connections import open_store_redis
from core.scripts import PREFIX, SCRIPTS
from core.settings import Settings
from core.store import TaskStore
from core.task import Phase, Place, Source, Trigger
from operate.embedded_redis import EmbeddedRedis
from operate.up import free_port
from simulators.gitlab.server import GitLabServer

TASKS, AT_ONCE, PROJECTS, SEEN, PEOPLE, WORDS, ROUNDS = 100_000, 500, 300, 100, 500, 3000, 100
ENDS, WEIGHTS = (Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED), (80, 18, 2)
QUERIES = {
    "all": "",
    "failed": "status=failed",
    "pending": "status=pending",
    "of one person": "requester=user3",
    "with a frequent word": "text=word17",
    "with a word that is nowhere": "text=nowhere",
    "failed, of one person, with a word": "status=failed&requester=user3&text=word1",
}


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        GitLabServer(Path(folder) / "gitlab") as gitlab,
        EmbeddedRedis(Path(folder) / "redis", persistent=False) as redis,
    ):
        alice = gitlab.world.add_user("alice")
        seen = [gitlab.world.add_project(f"group/p{number}") for number in range(SEEN)]
        for project in seen:
            gitlab.world.add_member(project, alice, access_level=20)
        asyncio.run(_fill(redis.url, seen[0].id))
        _measure(gitlab.url, redis.url, gitlab.world.add_token(alice, scopes={"read_api"}))


async def _fill(url: str, first_project: int) -> None:
    redis, chance = open_store_redis(Settings(redis_url=url)), random.Random(1)  # noqa: S311 - no secret
    store = TaskStore(redis)
    words = [f"word{number}" for number in range(WORDS)]
    digests = {name: await redis.script_load(SCRIPTS[name]) for name in ("accept", "change")}
    for start in range(0, TASKS, AT_ONCE):
        pipeline = redis.pipeline(transaction=False)
        for number in range(start, start + AT_ONCE):
            project = first_project + (number * 7919 + number // PROJECTS) % PROJECTS
            trigger = Trigger(
                source=Source.API, place=Place.NOWHERE, project_id=project, iid=0, event_id=0, happened_at=str(number)
            )
            fields = {
                "prompt": " ".join(chance.choices(words, k=40)), "repository": f"group/p{project - first_project}",
                "requester_username": f"user{chance.randrange(PEOPLE)}", "title": f"Title {chance.choice(words)}",
            }  # fmt: skip
            pipeline.evalsha(digests["accept"], 1, PREFIX, *store._acceptance(trigger, "", fields))  # noqa: SLF001
        accepted = [int(task_id) for _, task_id in await pipeline.execute()]
        pipeline = redis.pipeline(transaction=False)
        for task_id in accepted:
            if chance.random() < 0.999:
                end = chance.choices(ENDS, WEIGHTS)[0]
                pipeline.evalsha(
                    digests["change"], 1, PREFIX, task_id, "received", end, 0, "{}", "", f"op{task_id}", 0, 86_400, ""
                )
        await pipeline.execute()
    await redis.aclose()


def _measure(gitlab_url: str, redis_url: str, token: str) -> None:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"], "ABLEHAND_REDIS_URL": redis_url, "ABLEHAND_GITLAB_URL": gitlab_url,
        "ABLEHAND_WEBHOOK_SECRET": "invented-secret-of-the-benchmark", "ABLEHAND_PORT": str(port),
        "ABLEHAND_API_REQUESTS_PER_MINUTE": "1000000",
    }  # fmt: skip
    bot = subprocess.Popen([sys.executable, "-m", "ablehand", "bot"], env=environment, stderr=subprocess.DEVNULL)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}) as client:
            _wait(client)
            for name, query in QUERIES.items():
                _time(client, name, f"/api/v1/tasks?{query}")
    finally:
        bot.terminate()
        bot.wait()


def _wait(client: httpx2.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the bot did not start")


def _time(client: httpx2.Client, name: str, path: str) -> None:
    client.get(path, timeout=30).raise_for_status()  # GitLab is asked now, and then not for five minutes
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        answer = client.get(path)
        taken.append((time.perf_counter() - begin) * 1000)
    shown = len(answer.json()["tasks"])
    p95 = statistics.quantiles(taken, n=20)[-1]
    print(f"{name:36} {shown:3} rows  p50 {statistics.median(taken):5.1f} ms  p95 {p95:5.1f} ms (asked: 50 ms)")
