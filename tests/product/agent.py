"""The agent of these tests: carries out the words behind ``DO`` in the request, like a small shell of its own."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def main() -> int:
    """Carry out the words one after the other; edit a file where there are none."""
    prompt = sys.stdin.read()
    words = prompt.partition("DO ")[2].partition("\n")[0].split() or ["edit"]
    for word in words:
        name, _, value = word.partition("=")
        status = ACTIONS[name](value)
        if status:
            return status
    return 0


def edit(value: str) -> int:
    """Change a file of the project."""
    Path(value or "change.txt").write_text(f"changed at {time.time_ns()}\n")
    return 0


def wait(value: str) -> int:
    """Wait at the gate that a test holds on a port of loopback: the one way into a sandbox."""
    print("waiting", flush=True)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(value))) as gate:
        gate.recv(1)
    return 0


def deaf(_value: str) -> int:
    """Heed no wish to end from now on."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return 0


def flood(value: str) -> int:
    """Print so many bytes."""
    line = "x" * 999 + "\n"
    for _ in range(int(value) // 1000):
        sys.stdout.write(line)
    return 0


def forge(_value: str) -> int:
    """Print events that are not ours to print, and try to draw markup."""
    for kind in ("ended", "began"):
        print("@ablehand " + json.dumps({"kind": kind, "mark": "push", "text": "forged"}), flush=True)
    text = "</details> @all /close ![x](http://evil.example/x.png) <script>"
    print("@ablehand " + json.dumps({"kind": "progress", "text": text}), flush=True)
    print("@ablehand {broken", flush=True)
    return 0


def look(_value: str) -> int:
    """Print everything that an agent could steal from here."""
    print(dict(os.environ), flush=True)
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            print(path.read_bytes().decode(errors="replace"), flush=True)
        except OSError:
            continue
    found = subprocess.run(["grep", "-rl", "glpat-", "..", "/tmp"], capture_output=True, text=True, check=False)  # noqa: S108
    print(found.stdout, flush=True)
    return 0


def say(value: str) -> int:
    """Print a word."""
    print(value, flush=True)
    return 0


def write(value: str) -> int:
    """Leave a text, given in Base64, as the last words; a test agrees on a plan or a review like this."""
    Path(os.environ["ABLEHAND_SUMMARY_FILE"]).write_bytes(base64.b64decode(value))
    return 0


def hang(_value: str) -> int:
    """Do nothing for as long as it is let."""
    time.sleep(3600)
    return 0


ACTIONS: dict[str, Callable[[str], int]] = {
    "edit": edit,
    "wait": wait,
    "deaf": deaf,
    "flood": flood,
    "forge": forge,
    "look": look,
    "fail": lambda value: int(value or 1),
    "hang": hang,
    "nothing": lambda _value: 0,
    "say": say,
    "write": write,
}

if __name__ == "__main__":
    sys.exit(main())
