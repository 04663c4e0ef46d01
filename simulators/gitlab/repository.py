"""A bare git repository on disk: the plumbing that REST, pages and merges need. Refs are read without a process."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

GIT_SECONDS = 60
ZERO = "0" * 40

_CONFIG = {
    "http.receivepack": "true",
    "receive.advertisePushOptions": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "gc.auto": "0",
}


class GitError(Exception):
    """git refused a command; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as `git log` shows it."""

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_at: datetime
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


def git_environment(**extra: str) -> dict[str, str]:
    """Return an environment in which git reads no configuration but the repository's own."""
    isolated = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
    return kept | isolated | {"HOME": os.devnull} | extra


class Repository:
    """A bare repository at *path*; make it with `create`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, default_branch: str, source: Path | None = None) -> "Repository":
        """Make an empty repository, or a full copy of *source*, that serves pushes over HTTP.

        With an empty *default_branch* a copy keeps the branch that is checked out in *source*.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        repository = cls(path)
        if source is None:
            _run("git", "init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(path))
        else:
            _run("git", "clone", "--quiet", "--bare", "--no-hardlinks", str(source), str(path))
            if default_branch:
                repository.git("symbolic-ref", "HEAD", f"refs/heads/{default_branch}")
        with (path / "config").open("a") as config:
            for name, value in _CONFIG.items():
                section, _, key = name.partition(".")
                config.write(f"[{section}]\n\t{key} = {value}\n")
        return repository

    def git(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """Run a git command here and return what it wrote; raise GitError where it fails."""
        return _run("git", "-C", str(self.path), *arguments, stdin=stdin, environment=environment or {})

    def head_branch(self) -> str:
        """Return the name of the branch that HEAD points at, with or without a commit; "main" where it is none."""
        head = (self.path / "HEAD").read_text().strip()
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref: ") else "main"

    def branches(self) -> dict[str, str]:
        """Return every branch with the commit that it points at, by name."""
        heads = {
            name.removeprefix("refs/heads/"): sha
            for name, sha in self._packed().items()
            if name.startswith("refs/heads/")
        }
        root = self.path / "refs" / "heads"
        for file in root.rglob("*"):
            if file.is_file() and not file.name.endswith(".lock"):
                heads[str(file.relative_to(root))] = file.read_text().strip()
        return dict(sorted(heads.items()))

    def branch_sha(self, branch: str) -> str | None:
        """Return the commit of one branch, or None where there is no such branch."""
        return self.branches().get(branch)

    def resolve(self, ref: str) -> str | None:
        """Return the commit that a branch, tag or sha names; None where it names nothing."""
        try:
            found = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        except GitError:
            return None
        return found.decode().strip()

    def log(self, revisions: str, limit: int = 100, path: str = "") -> list[Commit]:
        """Return the commits of a range, the newest first."""
        fields = "%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%B%x1e"
        paths = ("--", path) if path else ("--",)
        text = self.git("log", f"--max-count={limit}", f"--format={fields}", "--end-of-options", revisions, *paths)
        return [_commit(record) for record in text.decode(errors="replace").split("\x1e") if record.strip()]

    def commit(self, sha: str) -> Commit:
        """Return one commit."""
        return self.log(sha, limit=1)[0]

    def file(self, sha: str, path: str) -> bytes | None:
        """Return the content of a file at a commit; None where it is not there, or is a folder."""
        try:
            return self.git("cat-file", "blob", f"{sha}:{path}")
        except GitError:
            return None

    def tree(self, sha: str, path: str = "", *, recursive: bool = False) -> list[tuple[str, str, str, str]]:
        """Return (mode, kind, sha, path) of what a folder holds."""
        flags = ("-r", "-t") if recursive else ()
        place = (path.rstrip("/") + "/",) if path else ()
        listing = self.git("ls-tree", "-z", *flags, "--end-of-options", sha, *place).decode(errors="replace")
        entries = []
        for line in filter(None, listing.split("\0")):
            facts, _, name = line.partition("\t")
            mode, kind, blob = facts.split(" ")
            entries.append((mode, kind, blob, name))
        return entries

    def merge_base(self, one: str, other: str) -> str:
        """Return the common ancestor of two commits, or *one* where they share none."""
        try:
            return self.git("merge-base", one, other).decode().strip()
        except GitError:
            return one

    def set_branch(self, branch: str, sha: str, old: str = "") -> None:
        """Point a branch at a commit; *old* is the commit that it has to be at, `ZERO` for a new one."""
        self.git("update-ref", f"refs/heads/{branch}", sha, *((old,) if old else ()))

    def delete_branch(self, branch: str) -> None:
        """Remove a branch."""
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def _packed(self) -> dict[str, str]:
        packed = self.path / "packed-refs"
        if not packed.exists():
            return {}
        lines = (line.split(" ") for line in packed.read_text().splitlines() if line and line[0] not in "#^")
        return {name: sha for sha, name in lines}


def _run(*command: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
    ran = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        env=git_environment(**(environment or {})),
        timeout=GIT_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise GitError(ran.stderr.decode(errors="replace").strip() or f"{command[-1]}: exit {ran.returncode}")
    return ran.stdout


def _commit(record: str) -> Commit:
    sha, parents, name, email, date, message = record.lstrip("\n").split("\x1f")
    return Commit(sha, tuple(parents.split()), name, email, datetime.fromisoformat(date), message.strip("\n") + "\n")
