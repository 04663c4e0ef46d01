"""Named points at which a process may be killed, to prove that nothing is lost or done twice.

Every compare-and-set and every call to the outside is one. Unarmed, a point does nothing; `ablehand.py` arms one from
``ABLEHAND_CRASH=<point>:<before|after>:<mark file>``. The mark file makes it strike once: whoever creates it dies.
With ``ABLEHAND_TRACE=<file>`` every point that is passed is appended to that file, so that a test can list them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class _Plan:
    point = ""
    moment = ""
    mark = Path()
    trace: Path | None = None


def arm(crash: str, trace: str) -> None:
    """Arm the point that *crash* names and write passed points to *trace*; empty strings arm nothing."""
    if crash:
        _Plan.point, _Plan.moment, mark = crash.split(":", 2)
        _Plan.mark = Path(mark)
    _Plan.trace = Path(trace) if trace else None


@contextmanager
def point(name: str) -> Iterator[None]:
    """Pass the point *name*: around one call to the outside or one compare-and-set."""
    _strike(name, "before")
    yield
    _strike(name, "after")


def _strike(name: str, moment: str) -> None:
    if _Plan.trace and moment == "before":
        with _Plan.trace.open("a", encoding="ascii") as file:
            file.write(name + "\n")
    if name != _Plan.point or moment != _Plan.moment:
        return
    try:
        _Plan.mark.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
