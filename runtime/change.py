"""Takes what the agent left in the work tree and hands it over to publish, as one commit in a bundle."""

from __future__ import annotations

from contextlib import suppress

from runtime.bundle import write_bundle
from runtime.contract import Failure
from runtime.environment import setup_environment
from runtime.git import Git, GitError
from runtime.sandbox import Sandbox, StepFailed


def hand_over(sandbox: Sandbox) -> bool:
    """Leave the bundle; False, and none, where the tree is the base's again.

    Raises:
        StepFailed: agent, where the work tree is no repository any more.
    """
    base = sandbox.order.base_commit
    git = Git(
        repository=sandbox.repo / ".git",
        work_tree=sandbox.repo,
        timeout_seconds=sandbox.order.git_timeout_seconds,
        environ=setup_environment(sandbox),
    )
    if not git.repository.is_dir():
        raise StepFailed(Failure.AGENT, "the agent has removed the repository (.git)")
    # An agent that was ended in the middle of a git command leaves its lock; a bundle of its own is not wanted.
    for left in (git.repository / "index.lock", sandbox.bundle):
        with suppress(OSError):
            left.unlink()
    try:
        git.check("add", "--all")
        tree = git.check("write-tree").text
        if tree == git.check("rev-parse", "--verify", f"{base}^{{tree}}").text:
            sandbox.console.write("The agent has changed nothing")
            return False
        # One commit straight on the base, whatever the agent did to HEAD: publish takes only the tree.
        commit = git.check("commit-tree", tree, "-p", base, "-m", "What the agent left").text
        write_bundle(git, base=base, commit=commit, path=sandbox.bundle)
    except GitError as error:
        raise StepFailed(Failure.AGENT, f"what the agent left can't be committed: {error}") from error
    return True
