"""Keeps what agent-setup.sh left in some folders, so that the next task of the project need not run it.

An entry is a tar file, named by the digest of what it depends on: the script, the files that the project names, and the
image. It lies where only this project's runs reach it; an agent may have put anything there, so that what comes back is
as trustworthy as what an agent of the same project leaves. That is why only the named folders are taken out of it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from runtime.contract import CACHE_VARIABLE, IMAGE_VARIABLE
from runtime.plain_file import NotPlain, open_plain_file
from runtime.sandbox import Sandbox

ENTRIES_KEPT: Final = 3
"""Of one project, the last used."""
ENTRY_LIMIT_BYTES: Final = 8 * 1024**3
STALE_SECONDS: Final = 86_400
_OS_RELEASE: Final = Path("/etc/os-release")
_HOME: Final = "~/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupCache:
    """The project's cache, and the entry that this run wants."""

    sandbox: Sandbox
    entry: Path
    members: tuple[str, ...]
    """The folders, from the workspace on."""

    def restore(self) -> bool:
        """Put the folders back as an earlier run left them; False where there is no such entry, or it is broken."""
        try:
            file = open_plain_file(self.entry)
        except NotPlain:
            return False
        if file is None:
            return False
        with file:
            # Read once to its end before anything is written: a script may fail over half of its own result.
            done = self._tar("--list", "--file=-", stdin=file.fileno())
            file.seek(0)
            # Only these members, whatever else is in it; tar itself follows no link out of the folder.
            done = done and self._tar("--extract", "--same-permissions", "--file=-", *self.members, stdin=file.fileno())
        if not done:
            self.sandbox.console.write("The cache of agent-setup.sh can't be read, so the script runs")
            return False
        with suppress(OSError):
            os.utime(self.entry)
        return True

    def save(self) -> None:
        """Keep the folders for later runs. That it can't be done is told in the log, and no failure."""
        missing = [member for member in self.members if not (self.sandbox.workspace / member).exists()]
        if missing:
            names = ", ".join(self._shown(member) for member in missing)
            self.sandbox.console.write(f"Not kept for later tasks: agent-setup.sh has not made {names}")
            return
        draft = self.entry.with_suffix(f".{os.getpid()}")
        try:
            self._write(draft)
            draft.replace(self.entry)
            self._prune()
        except OSError as error:
            self.sandbox.console.write(f"What agent-setup.sh made can't be kept for later tasks: {error}")
        finally:
            draft.unlink(missing_ok=True)

    def _write(self, draft: Path) -> None:
        # Fails with the reason, where it may not be written; tar would only fail.
        draft.touch()
        if not self._tar("--create", f"--file={draft}", *self.members):
            raise OSError("tar ended with an error")
        if draft.stat().st_size > ENTRY_LIMIT_BYTES:
            raise OSError(f"it is larger than {ENTRY_LIMIT_BYTES} bytes")

    def _tar(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> bool:
        command = ["tar", "--no-same-owner", "--directory", str(self.sandbox.workspace), *arguments]
        environ = {"PATH": self.sandbox.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        try:
            ended = subprocess.run(
                command,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environ,
                timeout=self.sandbox.order.setup_timeout_seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return ended.returncode == 0

    def _prune(self) -> None:
        entries = sorted(self.entry.parent.glob("*.tar"), key=_age)
        drafts = [path for path in self.entry.parent.iterdir() if path.suffix != ".tar" and _age(path) > STALE_SECONDS]
        for path in (*entries[ENTRIES_KEPT:], *drafts):
            path.unlink(missing_ok=True)

    def _shown(self, member: str) -> str:
        return member.replace("home/", _HOME, 1) if member.startswith("home/") else member.removeprefix("repo/")


def find_cache(sandbox: Sandbox, script: Path) -> SetupCache | None:
    """Give the run's cache; None where the order or the executor has none, or the order names what can't be kept."""
    order, folder = sandbox.order, sandbox.environ.get(CACHE_VARIABLE, "")
    if not folder or not order.setup_cache_key or not order.setup_cache_paths:
        return None
    members = [_member(path) for path in order.setup_cache_paths]
    unknown = [path for path, member in zip(order.setup_cache_paths, members, strict=True) if not member]
    unknown += [name for name in order.setup_cache_key if not _is_inside(name)]
    if unknown:
        sandbox.console.write(f"No cache for agent-setup.sh: {unknown[0][:100]!r} is not below the work tree or HOME")
        return None
    digest = _digest(sandbox, script, members)
    return SetupCache(sandbox=sandbox, entry=Path(folder) / f"{digest}.tar", members=tuple(members))


def _member(path: str) -> str:
    inner = path.removeprefix(_HOME)
    if not _is_inside(inner):
        return ""
    return str(PurePosixPath("repo" if inner == path else "home") / inner)


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith(("/", "-", "~")) and not {"..", ".git"} & set(parts)


def _digest(sandbox: Sandbox, script: Path, members: Iterable[str]) -> str:
    """Digest all that the result depends on; a named file that is not there counts as such."""
    hashed = hashlib.sha256()
    image = sandbox.environ.get(IMAGE_VARIABLE, "")
    for text in (image, platform.machine(), _OS_RELEASE.read_text() if _OS_RELEASE.exists() else "", *members):
        hashed.update(f"{len(text)}:{text}".encode())
    named = {name: sandbox.repo / name for name in sorted(set(sandbox.order.setup_cache_key))}
    for name, path in {"script": script, **named}.items():
        content = _content(path)
        hashed.update(f"{name}:{'none' if content is None else hashlib.sha256(content).hexdigest()}".encode())
    return hashed.hexdigest()


def _content(path: Path) -> bytes | None:
    try:
        file = open_plain_file(path)
    except NotPlain:
        return None
    if file is None:
        return None
    with file:
        return file.read()


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
