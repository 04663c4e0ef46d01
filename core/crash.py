"""Named points at which a process may be killed, to prove that nothing is lost or done twice.

Every compare-and-set and every call to the outside is one. Unarmed, a point does nothing. `ablehand.py` arms them with
the folder that ``ABLEHAND_CRASH`` names: every point that is passed is appended to its file ``trace``, and one that has
a file there ("<room> <point> <before|after>") kills the process, once: who takes the file away dies.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class _Arms:
    folder: Path | None = None
    room = ""


def arm(folder: str, room: str) -> None:
    """Arm the points of this process, which is *room*'s; an empty *folder* arms nothing."""
    _Arms.folder = Path(folder) if folder else None
    _Arms.room = room


@contextmanager
def point(name: str) -> Iterator[None]:
    """Pass the point *name*: around one call to the outside or one compare-and-set."""
    if _Arms.folder is None:
        yield
        return
    _pass(_Arms.folder, name, "before")
    yield
    _pass(_Arms.folder, name, "after")


def _pass(folder: Path, name: str, moment: str) -> None:
    passed = f"{_Arms.room} {name} {moment}"
    with (folder / "trace").open("a", encoding="ascii") as trace:
        trace.write(passed + "\n")
    try:
        (folder / passed).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
