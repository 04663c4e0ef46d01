"""From a comment that cancels to the end of the agent, and to the reply; with agents that heed TERM, and that do not.

As processes of this machine, and on the simulated cluster.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.product.cluster import run_on_cluster
from tests.product.stack import Gate, Stack, run_stack

ROUNDS = 7
ASKED = "asked: within 30 s"
# What an operator has, not what the tests hurry with.
SETTINGS = {"retry_seconds": "10", "sweep_seconds": "300"}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, run_stack(Path(folder), **SETTINGS) as stack:
        _measure("process", stack)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, run_on_cluster(Path(folder), **SETTINGS) as (stack, _):
        _measure("cluster", stack)


def _measure(executor: str, stack: Stack) -> None:
    for agent, words in (("heeds TERM", ""), ("is deaf", "deaf ")):
        ends, replies = zip(*(_cancel(stack, words) for _ in range(ROUNDS)), strict=True)
        print(f"{executor}, {agent:9}: ended after {_figures(ends)} ({ASKED}), told after {_figures(replies)}")


def _cancel(stack: Stack, words: str) -> tuple[float, float]:
    """Give the seconds to the agent's end and to the closing reply."""
    gate, issue = Gate(), stack.issue()
    stack.ask(issue, f"/agent Do it DO {words}wait={gate.name} edit")
    gate.wait_for_agent()
    begin = time.perf_counter()
    stack.ask(issue, "/agent cancel")
    gate.wait_until_agent_ends()
    ended = time.perf_counter() - begin
    stack.wait_for_closing(issue)
    told = time.perf_counter() - begin
    gate.open()
    stack.wait_until_quiet()
    return ended, told


def _figures(seconds: tuple[float, ...]) -> str:
    return f"{statistics.median(seconds):.1f} s (worst {max(seconds):.1f})"


if __name__ == "__main__":
    main()
