"""Delete a tree that an agent has filled: as deep, as read-only and as full of links as it liked.

Nothing in it is alive any more. Every directory is moved to the top before it is emptied, so there's no recursion and
no path grows too long; every name is taken relative to an open directory, so no link is followed.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from typing import Final

TRIES: Final = 100


def remove_tree(tree: Path) -> None:
    """Delete the directory and all in it. Fine if it is not there, or if others delete it at this moment.

    Raises:
        OSError: It is still there, after many tries.
    """
    for _ in range(TRIES):
        try:
            _remove(tree)
        except OSError as error:
            # Somebody else was faster with a part of it, or has moved one to the top behind our back.
            if error.errno not in {errno.ENOENT, errno.ENOTEMPTY}:
                raise
        if not tree.exists():
            return
    raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(tree))


def _remove(tree: Path) -> None:
    top = _open_directory(str(tree), None)
    try:
        waiting = _empty(top, top)
        while waiting:
            name = waiting.pop()
            waiting += _empty_and_drop(name, top)
    finally:
        os.close(top)
    tree.rmdir()


def _empty_and_drop(name: str, top: int) -> list[str]:
    descriptor = _open_directory(name, top)
    try:
        moved = _empty(descriptor, top)
    finally:
        os.close(descriptor)
    os.rmdir(name, dir_fd=top)
    return moved


def _open_directory(name: str, parent: int | None) -> int:
    os.chmod(name, 0o700, dir_fd=parent)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _empty(directory: int, top: int) -> list[str]:
    """Delete the directory's files and move its directories to *top*; gives their names there."""
    moved = []
    with os.scandir(directory) as entries:
        listed = list(entries)
    for entry in listed:
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.name, dir_fd=directory)
            continue
        name = secrets.token_hex(12)
        os.chmod(entry.name, 0o700, dir_fd=directory)
        os.rename(entry.name, name, src_dir_fd=directory, dst_dir_fd=top)
        moved.append(name)
    return moved
