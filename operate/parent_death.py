"""Ties a child process's life to ours, so that nothing of `ablehand up` outlives a killed parent. Linux only."""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def end_with_parent() -> None:
    """Have this process told to end when its parent dies; for a child, between fork and exec. Elsewhere: nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
