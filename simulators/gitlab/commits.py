"""Write commits into a bare repository without a work tree: files that a seed gives, and merges."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.gitlab.repository import GitError, Repository


class MergeConflict(Exception):
    """The two branches changed the same lines; the message is git's list."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who a commit is by."""

    name: str
    email: str

    def environment(self) -> dict[str, str]:
        """Return the variables by which git takes author and committer."""
        return {
            "GIT_AUTHOR_NAME": self.name,
            "GIT_AUTHOR_EMAIL": self.email,
            "GIT_COMMITTER_NAME": self.name,
            "GIT_COMMITTER_EMAIL": self.email,
        }


def commit_files(
    repository: Repository, branch: str, files: Mapping[str, str | bytes | None], message: str, by: Signature
) -> str:
    """Add one commit on *branch*, which may be new, and return its sha; None as content removes a file."""
    lines = [f"commit refs/heads/{branch}\n".encode(), f"committer {by.name} <{by.email}> now\n".encode()]
    lines.append(_blob(message))
    parent = repository.branch_sha(branch)
    if parent:
        lines.append(f"from {parent}\n".encode())
    for path, content in files.items():
        if content is None:
            lines.append(f"D {path}\n".encode())
        else:
            mode = "100755" if path.endswith(".sh") else "100644"
            lines += [f"M {mode} inline {path}\n".encode(), _blob(content)]
    repository.git("fast-import", "--quiet", "--date-format=now", stdin=b"".join(lines))
    return repository.branches()[branch]


def merged_tree(repository: Repository, target: str, source: str) -> str:
    """Return the tree that a merge of *source* into *target* makes; raise MergeConflict where it cannot."""
    try:
        return repository.git("merge-tree", "--write-tree", target, source).decode().split("\n")[0]
    except GitError as error:
        raise MergeConflict(str(error)) from error


def commit_tree(repository: Repository, tree: str, parents: tuple[str, ...], message: str, by: Signature) -> str:
    """Make a commit of a tree and return its sha; no branch moves."""
    flags = [part for parent in parents for part in ("-p", parent)]
    made = repository.git("commit-tree", tree, *flags, stdin=message.encode(), environment=by.environment())
    return made.decode().strip()


def _blob(content: str | bytes) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return f"data {len(content)}\n".encode() + content + b"\n"
