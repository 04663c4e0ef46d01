"""What following many runs on a cluster costs one reconciler: CPU, memory, and how late a log line is in Redis.

Every run's agent prints a line a second. The cluster is simulated in a process of its own, the reconciler is the real
one, Redis too; all share this machine's cores.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.simulated_cluster import IMAGE, NAMESPACE
from benchmarks.usage import cpu_seconds, proportional_mib
from core.connections import open_store_redis
from core.settings import Settings
from core.store import TaskStore
from core.task import Phase, Source, Trigger
from core.task_log import TaskLog
from operate.embedded_redis import EmbeddedRedis
from runtime.contract import Order
from worker.executors.kubernetes.connection import Cluster, load_configuration
from worker.executors.kubernetes.executor import KubernetesExecutor
from worker.executors.kubernetes.manifest import Placement
from worker.executors.protocol import RunRequest

COUNTS = (100, 200, 500, 1_000, 2_000)
SECONDS = 30
SETTLE_SECONDS = 10
SAMPLED = 50
"""Runs whose lines' lateness is measured."""
WAIT_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Row:
    """What so many runs cost."""

    runs: int
    cpu: float
    mib: float
    p50: float
    p99: float
    lines: float
    """A second, by the samples."""
    others: str


@dataclass(frozen=True, kw_only=True)
class World:
    """What the benchmark measures in."""

    settings: Settings
    executor: KubernetesExecutor
    reconciler: int
    cluster: int
    redis: int


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _world(Path(folder)) as world:
        rows = []
        for before, count in zip((0, *COUNTS), COUNTS, strict=False):
            asyncio.run(_add(world, range(before, count)))
            asyncio.run(_until_working(world, count))
            time.sleep(SETTLE_SECONDS)
            rows.append(asyncio.run(_measure(world, count)))
            print(_line(rows[-1]), flush=True)
    print(_plot(rows))


async def _measure(world: World, count: int) -> Row:
    pids = {"cluster": world.cluster, "redis": world.redis, "reconciler": world.reconciler}
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    began = time.monotonic()
    late = await _lateness(world, count)
    seconds = time.monotonic() - began
    cpu = {name: (cpu_seconds(pid) - before[name]) / seconds for name, pid in pids.items()}
    return Row(
        runs=count,
        cpu=cpu.pop("reconciler"),
        mib=proportional_mib(world.reconciler),
        p50=statistics.median(late) * 1000,
        p99=statistics.quantiles(late, n=100)[98] * 1000,
        lines=len(late) / seconds / min(SAMPLED, count) * count,
        others=", ".join(f"{name} {share:.0%}" for name, share in cpu.items()),
    )


async def _lateness(world: World, count: int) -> list[float]:
    redis = open_store_redis(world.settings)
    log = TaskLog(redis)
    late: list[float] = []

    end = time.monotonic() + SECONDS

    async def watch(task_id: int) -> None:
        after = await log.last(task_id)
        while time.monotonic() < end:  # not cancelled: the library swallows that now and then
            if await log.news({task_id: after}, wait_seconds=1):
                batch = await log.read(task_id, after)
                now, after = time.time(), batch[-1].id
                late.extend(now - entry.at for entry in batch)

    step = max(1, count // SAMPLED)
    await asyncio.gather(*(watch(number) for number in list(range(1, count + 1, step))[:SAMPLED]))
    await redis.aclose()
    return late


async def _add(world: World, numbers: range) -> None:
    """Make tasks whose runs are launched, as intake and launch do it."""
    redis = open_store_redis(world.settings)
    store = TaskStore(redis)
    with ThreadPoolExecutor(4) as pool:
        launches = []
        for number in numbers:
            trigger = Trigger(source=Source.COMMENT, project_id=number % 50 + 1, iid=number + 1, event_id=number + 1)
            _, task_id = await store.accept(trigger)
            for phase in (Phase.QUEUED, Phase.LAUNCHING, Phase.STARTING):
                task = await store.get(task_id)
                if task is not None:
                    await store.change(task, phase, deadline_seconds=86_400)
            launches.append(pool.submit(world.executor.launch, _request(task_id, store.unique_id(trigger))))
        for launch in launches:
            launch.result()
    await redis.aclose()


def _request(task_id: int, unique_id: str) -> RunRequest:
    order = Order(
        task_id=task_id, clone_url="http://gitlab.invalid/a.git", default_branch="main", base_branch="main",
        base_commit="0" * 40, push_branch="agent/1", commit_message="x", author_name="a", author_email="a@invalid",
        commit_time=1, prompt="x",
    )  # fmt: skip
    return RunRequest(
        name=f"agent-{task_id}-a1", task_id=task_id, unique_id=unique_id, attempt=1, project_id=1, order=order,
        deadline_seconds=86_400, read_token="r", write_token="w", agent_variables={},  # noqa: S106
    )  # fmt: skip


async def _until_working(world: World, count: int) -> None:
    redis = open_store_redis(world.settings)
    store = TaskStore(redis)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        tasks = await store.get_all(range(1, count + 1))
        working = sum(task.phase is Phase.WORKING for task in tasks.values())
        if working == count:
            break
        if time.monotonic() > deadline:
            raise SystemExit(f"only {working} of {count} runs work after {WAIT_SECONDS} s")
        await asyncio.sleep(1)
    await redis.aclose()


@contextmanager
def _world(folder: Path) -> Iterator[World]:
    (folder / "cluster").mkdir()
    with EmbeddedRedis(folder / "redis", persistent=False) as redis:
        command = [sys.executable, "-m", "benchmarks.simulated_cluster", str(folder / "cluster")]
        cluster = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        kubeconfig = cluster.stdout.readline().strip() if cluster.stdout else ""
        variables = {
            "gitlab_url": "http://127.0.0.1:9",
            "gitlab_token": "token",
            "public_url": "http://127.0.0.1:9",
            "redis_url": redis.url,
            "executor": "kubernetes",
            "namespace": NAMESPACE,
            "runtime_image": IMAGE,
            "agent": "command",
            "agent_command": "true",
            "sweep_seconds": "86400",
        }
        environment = {f"ABLEHAND_{name.upper()}": value for name, value in variables.items()}
        environment |= {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": kubeconfig}
        with (folder / "log").open("wb") as log:
            reconciler = subprocess.Popen([sys.executable, "-m", "ablehand", "reconciler"], env=environment, stderr=log)
        try:
            configuration = load_configuration(Path(kubeconfig))
            executor = KubernetesExecutor(
                cluster=Cluster(namespace=NAMESPACE, configuration=configuration),
                placement=Placement(namespace=NAMESPACE, runtime_image=IMAGE),
            )
            settings = Settings.model_validate(variables)
            yield World(
                settings=settings, executor=executor, reconciler=reconciler.pid, cluster=cluster.pid, redis=redis.pid
            )
        finally:
            for process in (reconciler, cluster):
                process.terminate()
                process.wait()


def _line(row: Row) -> str:
    return (
        f"{row.runs:5} runs: {row.cpu:6.1%} of a core, {row.mib:6.1f} MiB, line to Redis p50 {row.p50:4.0f} ms, "
        f"p99 {row.p99:5.0f} ms, {row.lines:5.0f} lines/s (beside it: {row.others})"
    )


def _plot(rows: list[Row]) -> str:
    """Draw CPU and memory over the number of runs."""
    most_cpu, most_mib = max(row.cpu for row in rows), max(row.mib for row in rows)
    lines = ["", "CPU of a core (#) and memory (=) over the number of runs; asked at 2,000: under 100 %, under 300 MiB"]
    for row in rows:
        lines.append(f"{row.runs:5} {'#' * round(40 * row.cpu / most_cpu):40} {row.cpu:6.1%}")
        lines.append(f"      {'=' * round(40 * row.mib / most_mib):40} {row.mib:6.1f} MiB")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
