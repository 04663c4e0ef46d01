"""Runs on a (simulated) cluster: from the comment to its Job, the calls of one task's life, and a crowd that waits.

Everything is the real product but for GitLab, the cluster and the agent.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

from core.connections import open_store_redis
from core.store import TaskStore
from core.task import Phase, Task
from simulators.gitlab.records import Issue
from simulators.kubernetes.server import KubernetesServer
from tests.product.cluster import jobs, run_on_cluster
from tests.product.stack import Stack

ROUNDS = 20
CROWD = 200
SLOTS = 50
PROJECTS = 10
CROWD_SECONDS = 900


def main() -> None:
    _one_by_one()
    _crowd()


def _one_by_one() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, run_on_cluster(Path(folder)) as (stack, cluster):
        issue = stack.issue()
        stack.ask(issue, "/agent Do it DO edit")
        stack.wait_for_closing(issue)
        stack.wait(lambda: not jobs(cluster), "the first Job to go")
        waits, calls = [], []
        for _ in range(ROUNDS):
            issue = stack.issue()
            before = len(cluster.calls)
            asked = time.perf_counter()
            stack.ask(issue, "/agent Do it DO edit")
            stack.wait(lambda: jobs(cluster), "a Job", pause_seconds=0.002)
            waits.append((time.perf_counter() - asked) * 1000)
            stack.wait_for_closing(issue)
            stack.wait(lambda: not jobs(cluster), "the Job to go")
            shared = {"list", "watch"}
            calls.append(sum(call.verb not in shared for call in cluster.calls[before:]))
    ordered = sorted(waits)
    p90 = ordered[int(len(ordered) * 0.9) - 1]
    print(f"comment to Job created: p50 {statistics.median(waits):.0f} ms, p90 {p90:.0f} ms (asked: p50 under 300)")
    print(f"API calls of one task's life: {min(calls)} to {max(calls)}, beside the shared watches (asked: at most 15)")


def _crowd() -> None:
    settings = {"max_runs": str(SLOTS), "retry_seconds": "2"}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        run_on_cluster(Path(folder), **settings) as (stack, cluster),
    ):
        projects = [stack.project() for _ in range(PROJECTS)]
        issues = [stack.issue(project) for _ in range(CROWD // PROJECTS) for project in projects]
        began = time.monotonic()
        for issue in issues:
            stack.ask(issue, "/agent Do it DO edit")
        most = _until_all_are_closed(stack, cluster, issues, began)
        seconds = time.monotonic() - began
        requests = sum(len(stack.merge_requests(project)) for project in projects)
        replies = sum("ablehand:final" in note.body for issue in issues for note in stack.replies(issue))
        created = [call for call in cluster.calls if (call.verb, call.resource, call.status) == ("create", "jobs", 201)]
        fairness = _fairness(asyncio.run(_tasks(stack)))
    print(
        f"{CROWD} comments at once, {SLOTS} slots: all ended after {seconds:.0f} s; at most {most} runs at once, "
        f"{requests} merge requests, {replies} replies, {len(created)} Jobs made"
    )
    print(fairness)


async def _tasks(stack: Stack) -> list[Task]:
    redis = open_store_redis(stack.settings)
    try:
        return await TaskStore(redis).latest(CROWD)
    finally:
        await redis.aclose()


def _fairness(tasks: list[Task]) -> str:
    """Tell how the first slots were shared among the projects, and whether each project's tasks went in their order."""
    started = sorted(tasks, key=lambda task: dict(task.phase_times)[Phase.LAUNCHING])
    shares = Counter(task.trigger.project_id for task in started[:SLOTS]).values()
    overtaken = 0
    last: dict[int, int] = {}
    for task in started:
        overtaken += task.id < last.get(task.trigger.project_id, 0)
        last[task.trigger.project_id] = max(task.id, last.get(task.trigger.project_id, 0))
    return (
        f"of the first {SLOTS} starts each of {PROJECTS} projects had {min(shares)} to {max(shares)}; "
        f"{overtaken} of {len(tasks)} tasks started after a younger one of their project"
    )


def _until_all_are_closed(stack: Stack, cluster: KubernetesServer, issues: list[Issue], began: float) -> int:
    most = 0
    left = list(issues)
    while left:
        live = [
            job for job in jobs(cluster) if not job["spec"].get("suspend") and not job["status"].get("completionTime")
        ]
        most = max(most, len(live))
        left = [issue for issue in left if stack.closing(issue) is None]
        if time.monotonic() - began > CROWD_SECONDS:
            raise SystemExit(f"{len(left)} of {len(issues)} comments have no reply after {CROWD_SECONDS} s")
        time.sleep(0.2)
    return most


if __name__ == "__main__":
    main()
