"""The one thing that crosses from agent to publish: a git bundle of one commit on the pinned base.

Where it is small enough, it brings the base's files along, so that publish need not fetch them a second time. Nobody
has to be trusted for that: git names every object by its content, and publish names the base.

Written by the agent step with git. Read by publish with the parser here: git's own reading of a bundle was seen to
skip ``fetch.fsckObjects``, so publish takes the header apart itself and gives git the bare pack.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from runtime.contract import Failure
from runtime.git import Git
from runtime.plain_file import NotPlain, open_plain_file
from runtime.sandbox import StepFailed

WHOLE_LIMIT_BYTES: Final = 64_000_000
"""Of the objects of a repository that come along whole; beyond, a second fetch is what costs less."""
CHANGE_REF: Final = "refs/ablehand/change"
_HEADER_LIMIT_BYTES: Final = 65_536
_LINE_LIMIT_BYTES: Final = 4_096
_ID: Final = rb"(?:[0-9a-f]{40}|[0-9a-f]{64})"
_PREREQUISITE: Final = re.compile(rb"-(" + _ID + rb")(?: .*)?")
_REFERENCE: Final = re.compile(rb"(" + _ID + rb") (\S.*)")
_HASHES: Final = {40: "sha1", 64: "sha256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a bundle says of itself. *size* is where its pack begins."""

    tip: str
    prerequisites: tuple[str, ...]
    size: int


def write_bundle(git: Git, *, base: str, commit: str, path: Path) -> None:
    """Write *commit*, with what *base* has where *git* is shallow at it and small, and without otherwise.

    Raises:
        GitError: git can't.
    """
    git.check("update-ref", CHANGE_REF, commit)
    without = [] if _is_small(git.repository / "objects") else [f"^{base}"]
    git.check("bundle", "create", "--quiet", str(path), CHANGE_REF, *without)


@contextmanager
def open_bundle(path: Path, limit_bytes: int) -> Iterator[IO[bytes] | None]:
    """Open what the agent left, without following a link; None where it left nothing.

    Raises:
        StepFailed: bundle: it is not a plain file, or over the limit.
    """
    try:
        file = open_plain_file(path)
    except NotPlain as error:
        raise StepFailed(Failure.BUNDLE, "the bundle is not a plain file") from error
    if file is None:
        yield None
        return
    with file:
        size = os.fstat(file.fileno()).st_size
        if size > limit_bytes:
            raise StepFailed(Failure.BUNDLE, f"the bundle has {size} bytes, {limit_bytes} are allowed")
        yield file


def read_header(file: IO[bytes], base: str) -> Header:
    """Read the header of a bundle that has to stand on *base* alone; leave *file* where the pack begins.

    Raises:
        StepFailed: bundle: it is no bundle of version 2 or 3 with one reference.
    """
    text = file.read(_HEADER_LIMIT_BYTES)
    head, end, _pack = text.partition(b"\n\n")
    signature, *lines = head.split(b"\n")
    if not end or any(len(line) > _LINE_LIMIT_BYTES for line in lines):
        raise StepFailed(Failure.BUNDLE, "the bundle has no readable header")
    lines = _without_capabilities(signature, lines, base)
    prerequisites = [found.group(1).decode() for line in lines if (found := _PREREQUISITE.fullmatch(line))]
    references = [found.group(1).decode() for line in lines if (found := _REFERENCE.fullmatch(line))]
    if len(prerequisites) + len(references) != len(lines):
        raise StepFailed(Failure.BUNDLE, "the bundle's header has a line that is none")
    if len(references) != 1:
        raise StepFailed(Failure.BUNDLE, f"the bundle has {len(references)} references instead of one")
    if set(prerequisites) - {base}:
        raise StepFailed(Failure.BUNDLE, "the bundle does not stand on the commit that the work started from")
    size = len(head) + len(end)
    file.seek(size)
    return Header(tip=references[0], prerequisites=tuple(prerequisites), size=size)


def _is_small(folder: Path) -> bool:
    """Whether all objects together are no more than what is worth bringing along."""
    left = WHOLE_LIMIT_BYTES
    for place, _folders, names in os.walk(folder):
        left -= sum(os.lstat(os.path.join(place, name)).st_size for name in names)  # noqa: PTH118 - many files
        if left < 0:
            return False
    return True


def _without_capabilities(signature: bytes, lines: list[bytes], base: str) -> list[bytes]:
    if signature == b"# v2 git bundle":
        return lines
    if signature != b"# v3 git bundle":
        raise StepFailed(Failure.BUNDLE, "the bundle is not one of version 2 or 3")
    expected = f"@object-format={_HASHES.get(len(base), '')}".encode()
    if any(line.startswith(b"@") and line != expected for line in lines):
        raise StepFailed(Failure.BUNDLE, "the bundle asks for a capability that is not allowed")
    return [line for line in lines if not line.startswith(b"@")]
