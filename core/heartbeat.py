"""Touches a file while a process is well, for a liveness probe that looks at the file's age."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def beat(file: Path | None) -> None:
    """Touch *file*; None: nobody looks. A disk that refuses is logged and ends nothing: the probe will notice."""
    if file is None:
        return
    try:
        file.touch()
    except OSError as error:
        log.warning("heartbeat not written", extra={"file": str(file), "why": str(error)})
