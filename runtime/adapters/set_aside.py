"""Takes an agent's own settings out of the work tree while it works: a repository must not say how its agent behaves.

Git is told to overlook them, so they are neither seen as deleted nor lost: what is published has them as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from runtime.environment import setup_environment
from runtime.git import Git
from runtime.sandbox import Sandbox

FOLDER: Final = "set-aside"


def set_aside(sandbox: Sandbox, names: Sequence[str], *, anywhere: Sequence[str] = ()) -> None:
    """Move these files and folders of the work tree's root away, and files called *anywhere*; say so in the log.

    Raises:
        GitError: There is no repository any more.
    """
    git = Git(
        repository=sandbox.repo / ".git",
        work_tree=sandbox.repo,
        timeout_seconds=sandbox.order.git_timeout_seconds,
        environ=setup_environment(sandbox),
    )
    patterns = (*(f":(literal){name}" for name in names), *(f":(glob)**/{name}" for name in anywhere))
    tracked = git.check("ls-files", "-z", "--", *patterns).output
    git.check("update-index", "-z", "--skip-worktree", "--stdin", stdin=tracked)
    files = [path for path in tracked.decode(errors="surrogateescape").split("\0") if path.endswith(tuple(anywhere))]
    _move(sandbox, [*names, *(files if anywhere else ())])


def _move(sandbox: Sandbox, names: Iterable[str]) -> None:
    folder = sandbox.workspace / FOLDER
    folder.mkdir(exist_ok=True)
    for name in names:
        path = sandbox.repo / name
        if path.is_symlink() or path.exists():
            path.rename(folder / str(len(list(folder.iterdir()))))
            sandbox.console.write(f"{name} of the repository is set aside: it could change how the agent works")
