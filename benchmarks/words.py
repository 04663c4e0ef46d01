"""How long it takes to read or show a mebibyte of hostile text: the slowest of a corpus, for each that does it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.conversation.mebibytes import CORPUS, READERS

TRIES = 3


def main() -> None:
    """Print the slowest text of each reader, in milliseconds of the processor, the best of three tries."""
    for name, read in READERS.items():
        slowest = max((_milliseconds(read, text), which) for which, text in CORPUS.items())
        print(f"{name:10} {slowest[0]:6.1f} ms  {slowest[1]}")


def _milliseconds(read: Callable[[str], object], text: str) -> float:
    def once() -> float:
        began = time.process_time()
        read(text)
        return time.process_time() - began

    return 1000 * min(once() for _ in range(TRIES))
