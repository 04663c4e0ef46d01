"""A work tree in hostile hands: what the attacks on publish have in common."""

from __future__ import annotations

from pathlib import Path

from runtime.contract import StepResult
from tests.runtime.conftest import Project, git


class Hostile:
    """A prepared project with a harmless change in the work tree, a canary, and means to forge a bundle.

    *whole*: its bundles bring the base's files along; otherwise publish has to fetch them, as it does of large ones.
    """

    def __init__(self, project: Project, *, whole: bool) -> None:
        self.project = project
        self.without = () if whole else (f"^{project.order.base_commit}",)
        self.fired = project.folder / "canary-fired"
        self.canary = project.folder / "canary.sh"
        self.canary.write_text(f"#!/bin/sh\ntouch {self.fired}\ncat\n")
        self.canary.chmod(0o755)
        project.agent("print('done')")
        project.succeed("prepare")
        (project.repo / "change.txt").write_text("change\n")

    @property
    def bundle(self) -> Path:
        """Where publish looks."""
        return self.project.handover / "change.bundle"

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in the work tree as the agent."""
        return git(*arguments, at=self.project.repo, stdin=stdin)

    def forge(self, tree: str, *, references: tuple[str, ...] = ("refs/heads/x",)) -> None:
        """Make a bundle of *tree* by hand, as somebody else's commit."""
        base = self.project.order.base_commit
        commit = self.git("commit-tree", tree, "-p", base, "-m", "forged", "--no-gpg-sign")
        for name in references:
            self.git("update-ref", name, commit)
        self.git("bundle", "create", "-q", str(self.bundle), *references, *self.without)

    def tree(self, entries: list[tuple[str, str, str, bytes]]) -> str:
        """Write a tree with the base's entries and *entries* (mode, kind, id, name), however wrong."""
        listing = self.git("ls-tree", "-z", self.project.order.base_commit).encode()
        more = b"".join(f"{mode} {kind} {blob}\t".encode() + name + b"\0" for mode, kind, blob, name in entries)
        return self.git("mktree", "-z", "--missing", stdin=listing + more)

    def blob(self, content: str) -> str:
        """Write a blob."""
        return self.git("hash-object", "-w", "--stdin", stdin=content.encode())

    def hand_over(self) -> None:
        """Let the agent step make the bundle, and forget what fired there: its own container is its own affair."""
        self.project.succeed("agent")
        if self.without and self.bundle.exists():
            self.git("bundle", "create", "-q", str(self.bundle), "refs/ablehand/change", *self.without)
        self.fired.unlink(missing_ok=True)

    def publish(self, *, shared: bool = False) -> StepResult:
        """Run publish, in an empty workspace or even in the agent's own, and see that nothing ran."""
        workspace = self.project.workspace if shared else None
        result = self.project.run("publish", workspace=workspace).result
        assert not self.fired.exists()
        return result
