"""What `ablehand up` costs while nothing happens, and what a task costs in Redis."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.usage import cpu_seconds, proportional_mib
from core.connections import open_store_redis
from tests.product.stack import Stack, run_stack

SECONDS = 20
SETTLE_SECONDS = 5
PROMPT = "Please do it. " + "word " * 200


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = {"retry_seconds": "10", "sweep_seconds": "300", "leader_lease_seconds": "15"}
        with run_stack(Path(folder), **settings) as stack:
            issue = stack.issue()
            stack.ask(issue, f"/agent {PROMPT}")
            stack.wait_for_closing(issue)
            stack.wait_until_quiet()
            time.sleep(SETTLE_SECONDS)
            size = asyncio.run(_size(stack))
            processes = _processes(stack)
            before = {name: cpu_seconds(pid) for name, pid in processes.items()}
            time.sleep(SECONDS)
            shares = {name: (cpu_seconds(pid) - before[name]) / SECONDS for name, pid in processes.items()}
            memory = {name: proportional_mib(pid) for name, pid in processes.items()}
    each = ", ".join(f"{name} {share:.2%}" for name, share in shares.items())
    print(f"idle: {sum(shares.values()):.2%} of a core over {SECONDS} s (asked: under 2 %): {each}")
    print(f"idle: {sum(memory.values()):.0f} MiB in all (asked: under 400): {memory}")
    print(f"a finished task in Redis: {size / 1024:.1f} KiB without its log (asked: under 10)")


def _processes(stack: Stack) -> dict[str, int]:
    names = ("bot", "reconciler", "worker-1", "worker-2")
    return {name: stack.processes.pid(name) for name in names} | {"redis": stack.redis.pid}


async def _size(stack: Stack) -> int:
    redis = open_store_redis(stack.settings)
    try:
        return await redis.memory_usage("{ablehand}:task:1") or 0
    finally:
        await redis.aclose()


if __name__ == "__main__":
    main()
