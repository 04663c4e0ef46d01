"""The agent of this suite, a file of the simulated projects: carries out the words behind ``DO`` in the request."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

MEBIBYTE = 1024 * 1024


def main() -> int:
    """Carry out the words one after the other; stop at the first that fails."""
    words = sys.stdin.read().partition("DO ")[2].partition("\n")[0].split()
    for word in words:
        name, _, value = word.partition("=")
        status = ACTIONS[name](value)
        if status:
            return status
    return 0


def edit(value: str) -> int:
    """Write a file of the project."""
    Path(value).write_text("changed\n", encoding="utf-8")
    return 0


def wait(value: str) -> int:
    """Wait at a gate (its address) until it is opened; say once that we are there, and go on saying that we live."""
    urllib.request.urlopen(f"{value}/arrivals", data=b"", timeout=10).close()  # noqa: S310 - the test's own gate
    print("waiting at the gate", flush=True)
    began = time.monotonic()
    while not _is_open(value):
        time.sleep(0.5)
        if time.monotonic() - began > 5:
            began = time.monotonic()
            print("still waiting", flush=True)
    return 0


def remember(value: str) -> int:
    """Take so many MiB of memory."""
    taken = bytearray(int(value) * MEBIBYTE)
    taken[::4096] = b"x" * len(taken[::4096])
    return hang(value)


def write(value: str) -> int:
    """Write so many MiB into the work tree."""
    with Path("much").open("wb") as file:
        file.writelines(b"x" * MEBIBYTE for _ in range(int(value)))
    return hang(value)


def look(_value: str) -> int:
    """Print what an agent can see of its sandbox, as one line of JSON."""
    seen = {
        "variables": sorted(os.environ),
        "user": os.getuid(),
        "token": Path("/var/run/secrets/kubernetes.io").exists(),
        "root is writable": os.access("/", os.W_OK),
        "status": Path("/proc/self/status").read_text("utf-8").splitlines(),
    }
    print("SEEN " + json.dumps(seen), flush=True)
    return 0


def reach(value: str) -> int:
    """Print, as one line of JSON, which of some places (``host:port``, separated by commas) take a connection."""
    found = []
    for place in value.split(","):
        host, _, port = place.rpartition(":")
        with contextlib.suppress(OSError):
            socket.create_connection((host, int(port)), timeout=5).close()
            found.append(place)
    print("REACHED " + json.dumps(found), flush=True)
    return 0


def hang(_value: str) -> int:
    """Do nothing, for as long as it is let, but say so."""
    while True:
        print("still here", flush=True)
        time.sleep(5)


def _is_open(gate: str) -> bool:
    try:
        with urllib.request.urlopen(gate, timeout=10) as answer:  # noqa: S310 - the test's own gate
            return bool(json.load(answer)["open"])
    except OSError:
        return False


ACTIONS: dict[str, Callable[[str], int]] = {
    "edit": edit,
    "wait": wait,
    "remember": remember,
    "write": write,
    "look": look,
    "reach": reach,
    "hang": hang,
    "fail": lambda value: int(value or 1),
    "nothing": lambda _value: 0,
}

if __name__ == "__main__":
    sys.exit(main())
