"""Opens what the agent may have put in a file's place: no link is followed, no pipe is waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO


class NotPlain(Exception):
    """It is a link, a pipe, a folder, or can't be read."""


def open_plain_file(path: Path) -> IO[bytes] | None:
    """Open *path* unbuffered; None where nothing is there.

    Raises:
        NotPlain: Something else than a file is there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotPlain(str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotPlain(f"{path} is not a plain file")
    return os.fdopen(descriptor, "rb", buffering=0)
