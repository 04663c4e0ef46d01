"""The first step: brings the work tree, the instructions and the context to the workspace, and leaves no token there.

The instructions come from the default branch, whatever branch the work starts from: who may merge there decides what
runs as ``agent-setup.sh`` and what the agent is told. The work tree's own copies stay as they are, as files to work on.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from typing import Final

from runtime.contract import Event, Failure, Mark, StepResult
from runtime.git import Git, create_repository
from runtime.remote import check_url, fetch_branch, fetch_commit, fetch_further
from runtime.sandbox import Sandbox, StepFailed

INSTRUCTION_FILES: Final = ("CLAUDE.md", "AGENTS.md", "GEMINI.md", "agent-setup.sh", ".mcp.json", ".ablehand.yml")
INSTRUCTION_LIMIT_BYTES: Final = 1_000_000
_CONTEXT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def run(sandbox: Sandbox) -> StepResult:
    """Fill the workspace.

    Raises:
        StepFailed: clone, empty-repository or credentials.
    """
    order = sandbox.order
    check_url(order.clone_url)
    began = time.monotonic()
    branch = f"`{order.base_branch}`"
    sandbox.console.emit(Event(kind="began", mark=Mark.CLONE, text=branch))
    sandbox.console.write(f"Cloning {order.clone_url} at {order.base_branch} ({order.base_commit[:12]})")
    git = _clone(sandbox)
    _write_instructions(sandbox, git)
    _write_context(sandbox)
    sandbox.console.emit(Event(kind="ended", mark=Mark.CLONE, text=branch, seconds=time.monotonic() - began))
    return StepResult(ok=True, branch=order.base_branch)


def _clone(sandbox: Sandbox) -> Git:
    order = sandbox.order
    git = Git(
        repository=sandbox.repo / ".git",
        work_tree=sandbox.repo,
        url=order.clone_url,
        token=sandbox.git_token,
        timeout_seconds=order.git_timeout_seconds,
    )
    tracked = f"refs/remotes/origin/{order.base_branch}"
    values = {"url": order.clone_url, "fetch": f"+refs/heads/{order.base_branch}:{tracked}", "tagOpt": "--no-tags"}
    remote = "".join(f"\t{name} = {_quoted(value)}\n" for name, value in values.items())
    create_repository(
        git.repository, base_commit=order.base_commit, branch=order.push_branch, remote=f'[remote "origin"]\n{remote}'
    )
    fetch_commit(git, order, tracked)
    git.check("reset", "--quiet", "--hard", order.base_commit)
    if order.compare_commit and not fetch_further(git, order.compare_commit):
        sandbox.console.write(f"{order.compare_commit[:12]} can't be fetched: there is nothing to compare with")
    return git


def _write_instructions(sandbox: Sandbox, git: Git) -> None:
    order = sandbox.order
    same = order.default_branch == order.base_branch
    commit = order.base_commit if same else fetch_branch(git, order, order.default_branch)
    sandbox.instructions.mkdir(parents=True)
    listing = git.check("ls-tree", "-z", "-l", commit, "--", *INSTRUCTION_FILES).output.decode()
    found: dict[str, str] = {}
    for entry in filter(None, listing.split("\0")):
        facts, _, name = entry.partition("\t")
        mode, _kind, blob, size = facts.split()
        # A link would make us read or run what lies elsewhere.
        if not mode.startswith("100") or int(size) > INSTRUCTION_LIMIT_BYTES:
            sandbox.console.write(f"{name} on {order.default_branch} is not a plain file of at most 1 MB: left out")
            continue
        found[name] = blob
    for name, content in zip(found, _blobs(git, list(found.values())), strict=True):
        (sandbox.instructions / name).write_bytes(content)


def _blobs(git: Git, names: list[str]) -> Iterator[bytes]:
    """Read blobs, all in one go."""
    if not names:
        return
    output = git.check("cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode()).output
    while output:
        head, _, rest = output.partition(b"\n")
        size = int(head.split()[2])
        yield rest[:size]
        output = rest[size + 1 :]


def _quoted(value: str) -> str:
    """Write *value* as git's configuration files have it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write_context(sandbox: Sandbox) -> None:
    sandbox.context.mkdir(parents=True)
    texts = {name: text.encode(errors="replace") for name, text in sandbox.order.context.items()}
    files = {name: base64.b64decode(content) for name, content in sandbox.order.files.items()}
    for name, content in (texts | files).items():
        if not _CONTEXT_NAME.fullmatch(name):
            raise StepFailed(Failure.INFRASTRUCTURE, f"context file name {name[:100]!r} is not allowed")
        (sandbox.context / name).write_bytes(content)
