"""The sandbox of a step on this machine: the argument list for bubblewrap, and whether it works here.

Pure but for `bubblewrap_problem`. A sandboxed step has its own processes, its own /tmp, /dev and /proc, and a
read-only file system without home directories, /run and other runs; when it or its supervisor dies, the kernel ends
all that is in it. It shares the network with us: the model's API is reached from there, and so is whatever listens on
this machine's loopback.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROBE_SECONDS: Final = 10.0
_ISOLATION: Final = (
    "bwrap",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is different from a read-only view of this machine. Absolute paths; the deepest that fits a file decides."""

    hidden: Sequence[Path]
    """Directories that exist and are shown empty."""
    readable: Sequence[Path]
    writable: Mapping[Path, Path]
    """Where it is seen, and what is seen there."""


def enclose(command: Sequence[str], view: View, *, cwd: Path) -> list[str]:
    """Give the command line that runs *command* with that view, in the directory *cwd*."""
    mounts: dict[Path, list[str]] = {path: ["--tmpfs", str(path)] for path in view.hidden}
    mounts |= {path: ["--ro-bind", str(path), str(path)] for path in view.readable}
    mounts |= {path: ["--bind", str(source), str(path)] for path, source in view.writable.items()}
    arguments = [part for path in sorted(mounts, key=lambda path: path.parts) for part in mounts[path]]
    sealed = [part for path in view.hidden if mounts[path][0] == "--tmpfs" for part in ("--remount-ro", str(path))]
    return [*_ISOLATION, *arguments, *sealed, "--chdir", str(cwd), "--", *command]


def bubblewrap_problem() -> str:
    """Say why bubblewrap does not work here, in one line; empty where it does. Takes some 10 ms."""
    try:
        done = subprocess.run(  # noqa: S603 - a constant
            [*_ISOLATION, "--", "true"],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
        )
    except FileNotFoundError:
        return "bwrap is not installed"
    except (OSError, subprocess.TimeoutExpired) as exc:
        return f"bwrap can't be run: {exc}"
    return "" if done.returncode == 0 else done.stderr.strip()[-200:] or f"bwrap ended with {done.returncode}"
