"""The table's page, and the API's list, with 100,000 tasks; for somebody who sees a third of the projects, one bot."""

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
from urllib.parse import parse_qsl, urlsplit

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
        asyncio.run(fill(redis.url, seen[0].id))
        _measure(gitlab, redis.url)


async def fill(url: str, first_project: int) -> None:
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


def _measure(gitlab: GitLabServer, redis_url: str) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    application = gitlab.world.add_application("Ablehand", [f"{url}/sign-in/callback"])
    settings = {
        "redis_url": redis_url, "gitlab_url": gitlab.url, "webhook_secret": "invented-secret-of-the-benchmark",
        "port": str(port), "public_url": url, "api_requests_per_minute": "1000000",
        "oidc_client_id": application.client_id, "oidc_client_secret": application.secret,
        "session_secret": "an invented secret of enough length",
    }  # fmt: skip
    environment = {f"ABLEHAND_{name.upper()}": value for name, value in settings.items()} | {"PATH": os.environ["PATH"]}
    bot = subprocess.Popen([sys.executable, "-m", "ablehand", "bot"], env=environment, stderr=subprocess.DEVNULL)
    try:
        with httpx2.Client(base_url=url, timeout=30) as client:
            _wait(client)
            _sign_in(client, gitlab.url)
            for name, query in QUERIES.items():
                _time(client, f"API: {name}", f"/api/v1/tasks?{query}", '"status":')
                _time(client, f"page: {name}", f"/?{query.replace('requester', 'person')}", '<tr id="task-')
    finally:
        bot.terminate()
        bot.wait()


def _sign_in(client: httpx2.Client, gitlab_url: str) -> None:
    asked = dict(parse_qsl(urlsplit(client.get("/sign-in").headers["location"]).query))
    with httpx2.Client() as browser:
        back = browser.post(f"{gitlab_url}/oauth/authorize", data={**asked, "person": "alice"}).headers["location"]
    assert client.get(back).status_code == 303


def _wait(client: httpx2.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the bot did not start")


def _time(client: httpx2.Client, name: str, path: str, row: str) -> None:
    client.get(path).raise_for_status()  # GitLab is asked now, and then not for five minutes
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        answer = client.get(path)
        taken.append((time.perf_counter() - begin) * 1000)
    p95 = statistics.quantiles(taken, n=20)[-1]
    rows, size = answer.text.count(row), len(answer.content) / 1024
    figures = f"p50 {statistics.median(taken):5.1f} ms  p95 {p95:5.1f} ms (asked: 50 ms)"
    print(f"{name:42} {rows:3} rows {size:5.0f} KiB  {figures}")
