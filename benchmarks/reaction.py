"""How soon a comment gets its eyes: on an idle system, right behind 200 comments, with 200 tasks queued."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from core.connections import open_store_redis
from core.store import TaskStore
from simulators.gitlab.records import Note, Project
from tests.product.stack import Gate, Stack, run_stack

IDLE_ROUNDS = 40
QUEUED = 200
BUSY_ROUNDS = 20
PATIENCE_SECONDS = 600.0


def main() -> None:
    # What an operator has, not what the tests hurry with.
    changes = {"retry_seconds": "10", "sweep_seconds": "300", "max_runs": "4"}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, run_stack(Path(folder), **changes) as stack:
        _measure(stack)


def _measure(stack: Stack) -> None:
    project = stack.project()
    idle = [_reaction(stack, _ask(stack, project, "/agent help"), pause=0.3) for _ in range(IDLE_ROUNDS)]
    print(f"idle                       {_figures(idle)} (asked: p95 under 1 s)")
    gate = Gate()
    begin = time.perf_counter()
    storm = [_ask(stack, project, f"/agent do thing {n} DO wait={gate.name}") for n in range(QUEUED)]
    last = _reaction(stack, _ask(stack, project, "/agent help"))
    print(f"right behind {QUEUED} comments   {last:.2f} s")
    for note in storm:
        _reaction(stack, note)
    print(f"all {QUEUED} of them seen after {time.perf_counter() - begin:.1f} s")
    _wait_until_queued(stack)
    busy = [_reaction(stack, _ask(stack, project, "/agent help"), pause=0.3) for _ in range(BUSY_ROUNDS)]
    print(f"with {QUEUED} tasks queued      {_figures(busy)} (asked: under 5 s)")
    gate.open()


def _ask(stack: Stack, project: Project, text: str) -> Note:
    return stack.ask(stack.issue(project), text)


def _reaction(stack: Stack, note: Note, *, pause: float = 0.0) -> float:
    """Give the seconds from the comment to its eyes; *pause* follows, so that the next round finds the system idle."""
    begin = time.perf_counter()
    while "eyes" not in stack.gitlab.world.awards(note):
        if time.perf_counter() - begin > PATIENCE_SECONDS:
            raise SystemExit("no eyes")
        time.sleep(0.002)
    seconds = time.perf_counter() - begin
    time.sleep(pause)
    return seconds


def _wait_until_queued(stack: Stack) -> None:
    while asyncio.run(_queued(stack)) < QUEUED - stack.settings.max_runs:
        time.sleep(0.5)


async def _queued(stack: Stack) -> int:
    redis = open_store_redis(stack.settings)
    try:
        return len(await TaskStore(redis).queued())
    finally:
        await redis.aclose()


def _figures(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"median {statistics.median(seconds):.3f} s, p95 {p95:.3f} s, worst {ordered[-1]:.3f} s"


if __name__ == "__main__":
    main()
