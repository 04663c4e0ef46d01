"""The last step: makes the agent's tree one commit on the pinned base and pushes it, touching nothing of the agent's.

The only input is the bundle. No index, no work tree, no checkout, no hook and no filter comes into it: objects are
taken in by ``index-pack``, judged by `runtime.policy` as raw entries, and committed by us. docs/decisions has the
designs that were tried and broken.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from typing import IO, Final

from runtime.bundle import Header, open_bundle, read_header
from runtime.contract import CHANGE_MODE, Event, Failure, Mark, Order, StepResult
from runtime.git import OUTPUT_LIMIT_BYTES, Git, GitError, create_repository, limit_resources
from runtime.policy import LINK_MODE, Entry, judge_entries, judge_links, judge_sizes, read_entries
from runtime.remote import check_url, fetch_commit, push_commit
from runtime.sandbox import Sandbox, StepFailed

UNPACKING_MEMORY_BYTES: Final = 2 * 1024**3
LISTING_MEMORY_BYTES: Final = 256 * 1024**2
"""Git keeps a whole listing before it prints it; ten thousand entries need a hundredth of this."""
UNPACKED_LIMIT_BYTES: Final = 1024**3
OWN_BRANCHES: Final = "agent/"
_PLAIN_BRANCH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
"""What surely is a branch's name, so that git need not be asked."""


def run(sandbox: Sandbox) -> StepResult:
    """Push what the agent changed; an empty *commit* says that it changed nothing.

    Raises:
        StepFailed: bundle, policy, branch-exists, branch-moved, push-rejected, credentials, clone.
    """
    order = sandbox.order
    if order.mode != CHANGE_MODE:
        sandbox.console.write("Words alone were asked for, so nothing is pushed")
        return StepResult(ok=True, branch=order.push_branch)
    _check_branch(order)
    if order.push_url:
        # From there its base is fetched as well: whoever can push to it can read it.
        sandbox = replace(sandbox, order=replace(order, clone_url=order.push_url))
    check_url(sandbox.order.clone_url)
    with open_bundle(sandbox.bundle, order.bundle_limit_bytes) as file:
        if file is None:
            sandbox.console.write("Nothing has changed, so nothing is pushed")
            return StepResult(ok=True, branch=order.push_branch)
        return _publish(sandbox, file)


def _publish(sandbox: Sandbox, file: IO[bytes]) -> StepResult:
    order = sandbox.order
    began = time.monotonic()
    sandbox.console.emit(Event(kind="began", mark=Mark.PUSH))
    header = read_header(file, order.base_commit)
    git = _own_repository(sandbox)
    if header.prerequisites:
        fetch_commit(git, order)
    tree, base_tree = _take_in(git, file, header, order)
    if tree == base_tree:
        sandbox.console.emit(Event(kind="ended", mark=Mark.PUSH, seconds=time.monotonic() - began))
        return StepResult(ok=True, branch=order.push_branch)
    _judge(git, order, tree)
    commit = _commit(git, order, tree)
    result = _measure(git, order, commit)
    push_commit(git, order, commit)
    files = f"{result.files_changed} file" + ("s" if result.files_changed != 1 else "")
    sandbox.console.write(f"Pushed {commit[:12]} to {order.push_branch}: {files}")
    sandbox.console.emit(Event(kind="ended", mark=Mark.PUSH, text=files, seconds=time.monotonic() - began))
    return result


def _check_branch(order: Order) -> None:
    branch = order.push_branch
    if branch == order.default_branch:
        raise StepFailed(Failure.POLICY, f"nothing is pushed to the default branch {branch}")
    if branch.startswith(OWN_BRANCHES):
        return
    # Somebody's own branch: only on top of what it is at, so that the lease can't throw away a commit.
    if not order.push_expected or order.push_expected != order.base_commit:
        raise StepFailed(Failure.POLICY, f"branch {branch} is not one of {OWN_BRANCHES}*")


def _own_repository(sandbox: Sandbox) -> Git:
    order = sandbox.order
    sandbox.workspace.mkdir(parents=True, exist_ok=True)
    git = Git(
        # Nothing may be there before: not a link, and not what an earlier publish left.
        repository=sandbox.workspace / f"publish-{os.getpid()}-{time.monotonic_ns()}.git",
        url=order.clone_url,
        token=sandbox.git_token,
        timeout_seconds=order.git_timeout_seconds,
        environ=_identity(order),
    )
    create_repository(git.repository, base_commit=order.base_commit)
    # The base's own parents are of no interest, and not here.
    (git.repository / "shallow").write_text(f"{order.base_commit}\n")
    branch = order.push_branch
    if not _PLAIN_BRANCH.fullmatch(branch) and git.run("check-ref-format", f"refs/heads/{branch}").code:
        raise StepFailed(Failure.POLICY, f"{branch[:100]!r} is no name for a branch")
    return git


def _identity(order: Order) -> dict[str, str]:
    when = f"{order.commit_time} +0000"
    author = {"NAME": order.author_name, "EMAIL": order.author_email, "DATE": when}
    return {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in author.items()}


def _take_in(git: Git, file: IO[bytes], header: Header, order: Order) -> tuple[str, str]:
    """Bring the bundle's objects into *git*; give the tree at its tip, and the base's."""
    limit = limit_resources(
        cpu_seconds=order.git_timeout_seconds,
        memory_bytes=UNPACKING_MEMORY_BYTES,
        file_bytes=order.bundle_limit_bytes + UNPACKED_LIMIT_BYTES,
    )
    cap = f"--max-input-size={order.bundle_limit_bytes}"
    try:
        git.check("index-pack", "--strict", "--fix-thin", "--threads=1", cap, "--stdin", stdin=file, limit=limit)
        # Both are named in full, and git has hashed what it took in: nobody can give us another base.
        tree, base = git.check("rev-parse", f"{header.tip}^{{tree}}", f"{order.base_commit}^{{tree}}").text.split()
    except GitError as error:
        raise StepFailed(Failure.BUNDLE, f"the bundle's objects were refused: {error}") from error
    return tree, base


def _judge(git: Git, order: Order, tree: str) -> None:
    options = ("-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--no-abbrev", "--full-index")
    # A tree that names itself a thousand times over is small on disk and endless in a listing.
    limit = limit_resources(cpu_seconds=60, memory_bytes=LISTING_MEMORY_BYTES, file_bytes=OUTPUT_LIMIT_BYTES)
    raw = git.run("diff-tree", *options, order.base_commit, tree, limit=limit)
    if raw.code:
        raise StepFailed(Failure.POLICY, "the change is too large to be listed")
    entries = read_entries(raw.output)
    refusal = judge_entries(entries, order.protected_paths)
    refusal = refusal or judge_sizes(entries, _sizes(git, entries))
    refusal = refusal or judge_links(_link_targets(git, entries))
    if refusal:
        raise StepFailed(Failure.POLICY, refusal)


def _sizes(git: Git, entries: list[Entry]) -> dict[str, int]:
    blobs = sorted({entry.blob for entry in entries if not entry.is_deleted})
    wanted = "".join(f"{blob}\n" for blob in blobs).encode()
    answer = git.check("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=wanted)
    try:
        return {blob: int(size) for blob, size in (line.split(" ") for line in answer.text.splitlines())}
    except ValueError as error:
        raise StepFailed(Failure.BUNDLE, "the bundle lacks a file that its tree names") from error


def _link_targets(git: Git, entries: list[Entry]) -> dict[bytes, bytes]:
    links = [entry for entry in entries if entry.new_mode == LINK_MODE]
    return {entry.path: git.check("cat-file", "blob", entry.blob).output for entry in links}


def _commit(git: Git, order: Order, tree: str) -> str:
    message = order.commit_message.encode()
    return git.check("commit-tree", tree, "-p", order.base_commit, "-F", "-", stdin=message).text


def _measure(git: Git, order: Order, commit: str) -> StepResult:
    options = ("-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv")
    numbers = git.check("diff-tree", *options, order.base_commit, commit).output
    rows = [row.split(b"\t", 2) for row in numbers.split(b"\0") if row.count(b"\t") > 1]
    return StepResult(
        ok=True,
        commit=commit,
        branch=order.push_branch,
        files_changed=len(rows),
        lines_added=sum(int(added) for added, _, _ in rows if added != b"-"),
        lines_removed=sum(int(removed) for _, removed, _ in rows if removed != b"-"),
    )
