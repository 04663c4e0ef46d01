"""Which changes publish lets through. Pure: judges raw diff entries, blob sizes and link targets, knows no git.

Called by `runtime.publish` in this order, so that nothing large is read before it is known to be small:
`read_entries`, `judge_entries`, `judge_sizes`, `judge_links`. Each of the last three returns the sentence that
refuses, or an empty text.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

FILES_LIMIT: Final = 10_000
FILE_LIMIT_BYTES: Final = 50_000_000
PATH_LIMIT_BYTES: Final = 4_096
LINK_LIMIT_BYTES: Final = 1_024
SHOWN_PATHS: Final = 5

FILE_MODES: Final = frozenset({"100644", "100755"})
LINK_MODE: Final = "120000"
SUBMODULE_MODE: Final = "160000"
_ABSENT_MODE: Final = "000000"
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's controls, and its formats: bidirectional overrides, zero-width joiners, byte order marks."""
_GIT_NAMES: Final = frozenset({".git", "git~1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path that differs between base and change, as ``git diff-tree --raw`` gives it."""

    old_mode: str
    new_mode: str
    blob: str
    path: bytes

    @property
    def is_deleted(self) -> bool:
        """Whether the change takes the path away."""
        return self.new_mode == _ABSENT_MODE

    @property
    def shown(self) -> str:
        """The path, safe to print: what is not plainly readable is escaped."""
        letters = self.path.decode(errors="backslashreplace")[:200]
        return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in letters)


def read_entries(raw: bytes) -> list[Entry]:
    """Read ``git diff-tree -r -z --raw --no-renames``: a block of facts and a path in turns.

    Raises:
        ValueError: It is not that.
    """
    parts = raw.split(b"\0")[:-1]
    return [_entry(facts, path) for facts, path in zip(parts[::2], parts[1::2], strict=True)]


def judge_entries(entries: Sequence[Entry], protected: Sequence[str]) -> str:
    """Judge what modes, names and numbers tell."""
    if len(entries) > FILES_LIMIT:
        return f"more than {FILES_LIMIT} files are changed"
    for entry in entries:
        if not entry.is_deleted and (refusal := _judge_kind(entry) or _judge_name(entry)):
            return refusal
    touched = [entry.shown for entry in entries if is_protected(entry.path, protected)]
    if not touched:
        return ""
    more = f" and {len(touched) - SHOWN_PATHS} more" if len(touched) > SHOWN_PATHS else ""
    return f"protected paths are changed: {', '.join(touched[:SHOWN_PATHS])}{more}"


def judge_sizes(entries: Iterable[Entry], sizes: Mapping[str, int]) -> str:
    """Judge the blobs' sizes in bytes, by blob id. A link's limit is that of a path."""
    for entry in entries:
        limit = LINK_LIMIT_BYTES if entry.new_mode == LINK_MODE else FILE_LIMIT_BYTES
        if not entry.is_deleted and sizes[entry.blob] > limit:
            return f"{entry.shown} has {sizes[entry.blob]} bytes, {limit} are allowed"
    return ""


def judge_links(targets: Mapping[bytes, bytes]) -> str:
    """Judge new symbolic links, path to target: relative ones that stay inside the repository may pass."""
    for path, target in targets.items():
        landed = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        leaves = target.startswith(b"/") or landed == b".." or landed.startswith(b"../")
        if leaves or not target or b"\0" in target or _is_git_path(landed):
            shown = Entry(old_mode="", new_mode="", blob="", path=path).shown
            return f"{shown} is a link that leads out of the repository"
    return ""


def is_protected(path: bytes, globs: Sequence[str]) -> bool:
    """Whether one of *globs* covers *path*, whatever the case of its letters.

    ``*`` and ``?`` stay within one name, ``**`` does not. A glob without a slash is found at any depth; one that names
    a folder covers all that is in it.
    """
    name = path.decode(errors="replace").casefold()
    return any(_glob(glob.casefold()).fullmatch(name) for glob in globs if glob.strip("/"))


def _entry(facts: bytes, path: bytes) -> Entry:
    old_mode, new_mode, _old_blob, new_blob, _status = facts.decode("ascii").removeprefix(":").split(" ")
    return Entry(old_mode=old_mode, new_mode=new_mode, blob=new_blob, path=path)


def _judge_kind(entry: Entry) -> str:
    if entry.new_mode == SUBMODULE_MODE:
        return f"{entry.shown} is a submodule (or a repository inside of the repository)"
    if entry.new_mode not in FILE_MODES and entry.new_mode != LINK_MODE:
        return f"{entry.shown} has the file mode {entry.new_mode}"
    return ""


def _judge_name(entry: Entry) -> str:
    try:
        name = entry.path.decode()
    except UnicodeDecodeError:
        return f"the file name {entry.shown} is not UTF-8"
    if any(unicodedata.category(letter) in _REFUSED_CATEGORIES for letter in name):
        return f"the file name {entry.shown} has invisible characters"
    if len(entry.path) > PATH_LIMIT_BYTES:
        return f"the file name {entry.shown} is too long"
    if name.startswith("/") or ".." in name.split("/") or _is_git_path(entry.path):
        return f"the file name {entry.shown} is not allowed"
    return ""


def _is_git_path(path: bytes) -> bool:
    names = path.decode(errors="replace").casefold().split("/")
    return any(name.rstrip(". ") in _GIT_NAMES for name in names)


@lru_cache(maxsize=256)
def _glob(glob: str) -> re.Pattern[str]:
    anywhere = "" if "/" in glob.rstrip("/") else "(?:.*/)?"
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = "".join(meanings.get(piece, re.escape(piece)) for piece in pieces)
    return re.compile(f"{anywhere}{pattern}(?:/.*)?", re.DOTALL)
