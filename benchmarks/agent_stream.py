"""How fast an agent's stream is read: pipes, lines, JSON, what the adapter makes of it, the log.

Run ``python -m benchmarks agent_stream``. A file of lines such as Claude Code prints goes through the agent step's own
reading, from a real pipe; of ten, eight are pieces of an answer as it is written, as it is with partial messages.
"""

from __future__ import annotations

import io
import json
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

from runtime.adapters import choose_adapter
from runtime.agent import Listener
from runtime.console import Console
from runtime.contract import Order
from runtime.processes import Program, run_program
from runtime.sandbox import Sandbox
from runtime.watchdog import Limits

LINES = 200_000
LONG_BYTES = 10 * 1024 * 1024
LIMITS = Limits(wall_seconds=600, output_bytes=10**12)


def main() -> None:
    """Print lines a second of one core, and what one very long line costs."""
    with tempfile.TemporaryDirectory() as folder:
        stream, long = Path(folder, "stream"), Path(folder, "long")
        stream.write_text("".join(json.dumps(line) + "\n" for line in lines(LINES)))
        long.write_text(json.dumps(tool_result("x" * LONG_BYTES)) + "\n")
        seconds = read(stream, Path(folder))
        print(f"stream     {LINES / seconds:,.0f} lines a second of a core ({LINES:,} in {seconds:.2f} s of CPU)")
        print(f"long line  {read(long, Path(folder)):.2f} s of CPU for one of 10 MiB")


def lines(count: int) -> Iterator[dict[str, object]]:
    """Give the lines of a long run."""
    for number in range(count):
        match number % 10:
            case 0:
                content = [{"type": "tool_use", "id": f"t{number}", "name": "Edit", "input": {"file_path": "/r/a.py"}}]
                yield {"type": "assistant", "message": {"id": f"m{number}", "content": content}, "session_id": "s"}
            case 5:
                yield tool_result("def handler(request):\n    return 200\n" * 5)
            case _:
                delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}}
                yield {"type": "stream_event", "event": delta, "session_id": "s", "parent_tool_use_id": None}


def tool_result(text: str) -> dict[str, object]:
    """Give the answer to a tool call."""
    block = {"type": "tool_result", "tool_use_id": "t", "content": text}
    return {"type": "user", "message": {"role": "user", "content": [block]}, "session_id": "s"}


def read(file: Path, folder: Path) -> float:
    """Read *file* as an agent's output; give the seconds of CPU that it took this process."""
    order = Order(
        task_id=1, clone_url="", default_branch="main", base_branch="main", base_commit="", push_branch="agent/1",
        commit_message="", author_name="", author_email="", commit_time=0, prompt="", agent="claude",
    )  # fmt: skip
    console = Console(io.BytesIO())
    sandbox = Sandbox(order=order, workspace=folder, handover=folder, console=console, environ={})
    program = Program(arguments=["cat", str(file)], directory=folder, environ={"PATH": os.environ["PATH"]})
    before = own_seconds()
    run_program(program, LIMITS, Listener(choose_adapter(sandbox), console))
    return own_seconds() - before


def own_seconds() -> float:
    """Give the CPU time of this process until now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
