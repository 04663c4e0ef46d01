"""The lines of a step's log file, read while it grows. Hostile bytes in, bounded text out.

A position is the offset behind a line's newline. A line that is longer than `LINE_LIMIT_BYTES` comes in pieces, each
with a position of its own; where it is cut depends on its bytes alone, so a reader may stop and go on anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from worker.executors.line_cut import cut_place
from worker.executors.protocol import LogLine
from worker.executors.run_directory import open_hostile

LINE_LIMIT_BYTES: Final = 16_384
BLOCK_BYTES: Final = 1 << 18


def read_lines(path: Path, position: int, *, complete: bool) -> Iterator[LogLine]:
    """Yield the lines behind *position* that can be told by now: up to `BLOCK_BYTES` of them, then call again.

    *complete*: nothing will be added, so the last line needs no newline. A line's time is the file's, as it is read.
    """
    try:
        descriptor = open_hostile(path)
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as file:
        file.seek(position)
        block = file.read(BLOCK_BYTES)
        at = os.fstat(descriptor).st_mtime
        complete = complete and len(block) < BLOCK_BYTES
    for end, line in _cut(block, complete=complete):
        yield LogLine(position=position + end, text=line.decode(errors="replace"), at=at)


def _cut(block: bytes, *, complete: bool) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start < len(block):
        newline = block.find(b"\n", start, start + LINE_LIMIT_BYTES + 1)
        if newline >= 0:
            yield newline + 1, block[start:newline]
            start = newline + 1
            continue
        if len(block) - start > LINE_LIMIT_BYTES:
            end = cut_place(block, start, start + LINE_LIMIT_BYTES)
        elif complete:
            end = len(block)
        else:
            return
        yield end, block[start:end]
        start = end
