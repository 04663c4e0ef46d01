"""Talks to the server's git: fetches one commit, pushes one commit, and tells apart what it answers.

The words are those of git and GitLab. What passes by itself (no connection, overload) is tried three times.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from runtime.contract import Failure, Order
from runtime.git import Answer, Git
from runtime.sandbox import StepFailed

PAUSES_SECONDS: Final = (0.5, 2.0)
"""Between the tries; so many more than the first."""
REMOTE_WORDS_LIMIT: Final = 500

_URL: Final = re.compile(r"https?://([^/?#\s\\]+)(?:[/?#]|$)")
_TRANSIENT: Final = re.compile(
    r"Could not resolve|Failed to connect|Couldn't connect|Connection (refused|reset|timed out)|timed out|too slow"
    r"|due to load|returned error: (429|5\d\d)|early EOF|unexpected disconnect|Empty reply",
    re.IGNORECASE,
)
_UNAUTHORISED: Final = ("Authentication failed", "HTTP Basic: Access denied", "could not read Username", "error: 401")
_NOT_FOUND: Final = ("The project you were looking for could not be found", "not found", "error: 404")
_NO_SUCH_COMMIT: Final = ("not our ref", "unadvertised object", "no such remote ref")
_LEASE_LOST: Final = ("stale info", "fetch first", "already exists", "cannot lock ref", "failed to update ref")
_REJECTED: Final = ("remote rejected", "pre-receive", "error: 403", "You are not allowed to push")


def check_url(url: str) -> None:
    """Refuse a clone URL that is not plain http(s) or that carries credentials of its own.

    Raises:
        StepFailed: With what is wrong, never with the URL's own credentials.
    """
    found = _URL.match(url)
    if not found:
        raise StepFailed(Failure.CLONE, "the clone URL is not an http or https URL")
    if "@" in found[1]:
        raise StepFailed(Failure.CLONE, "the clone URL holds credentials")


def fetch_commit(git: Git, order: Order, ref: str = "") -> None:
    """Bring the order's base commit into *git*, as shallow as the server allows; *ref*: what it is called there.

    Raises:
        StepFailed: clone, empty-repository or credentials.
    """
    answer = _patiently(lambda: _fetch(git, f"{order.base_commit}:{ref}".rstrip(":"), "--depth=1"))
    if answer.code == 0:
        return
    if not _says(answer, _NO_SUCH_COMMIT) and "couldn't find remote ref" not in answer.errors:
        raise _unreachable(answer, order)
    fetch_branch(git, order, order.base_branch, shallow=False)
    if git.run("cat-file", "-e", f"{order.base_commit}^{{commit}}").code:
        raise StepFailed(
            Failure.CLONE, f"commit {order.base_commit[:12]} is not on branch {order.base_branch} any more"
        )
    if ref:
        git.check("update-ref", ref, order.base_commit)


def fetch_further(git: Git, commit: str) -> bool:
    """Bring one more commit into *git*; answer whether it came: nothing depends on it."""
    return _patiently(lambda: _fetch(git, commit, "--depth=1")).code == 0


def fetch_branch(git: Git, order: Order, branch: str, *, shallow: bool = True) -> str:
    """Bring *branch* into *git* and return the commit that it is at.

    Raises:
        StepFailed: clone, empty-repository or credentials.
    """
    depth = ("--depth=1",) if shallow else ()
    answer = _patiently(lambda: _fetch(git, f"refs/heads/{branch}", *depth))
    if answer.code == 0:
        return git.check("rev-parse", "--verify", "FETCH_HEAD^{commit}").text
    if "couldn't find remote ref" not in answer.errors:
        raise _unreachable(answer, order)
    if not git.run("ls-remote", "--heads", git.url).output:
        raise StepFailed(Failure.EMPTY_REPOSITORY, "the repository has no branches yet")
    raise StepFailed(Failure.CLONE, f"there is no branch {branch}")


def push_commit(git: Git, order: Order, commit: str) -> None:
    """Make *commit* the order's push branch; the branch must be where the order expects it, or at *commit* already.

    Raises:
        StepFailed: branch-exists, branch-moved, push-rejected, credentials, or infrastructure where the server was not
            reached.
    """
    ref = f"refs/heads/{order.push_branch}"
    arguments = ("push", "--no-verify", "--no-follow-tags", "--recurse-submodules=no")
    lease = f"--force-with-lease={ref}:{order.push_expected}"
    answer = _patiently(lambda: git.run(*arguments, lease, git.url, f"{commit}:{ref}"))
    if answer.code == 0:
        return
    if _says(answer, _LEASE_LOST):
        # Another publisher of the same tree was faster, or our own first try arrived although its answer did not.
        if git.run("ls-remote", git.url, ref).text.startswith(commit):
            return
        if order.push_expected:
            raise StepFailed(Failure.BRANCH_MOVED)
        raise StepFailed(Failure.BRANCH_EXISTS, f"branch {order.push_branch} has been changed by somebody else")
    raise _refused(answer)


def _fetch(git: Git, what: str, *options: str) -> Answer:
    return git.run("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *options, git.url, what)


def _patiently(attempt: Callable[[], Answer]) -> Answer:
    answer = attempt()
    for pause in PAUSES_SECONDS:
        if answer.code == 0 or answer.timed_out or not _TRANSIENT.search(answer.errors):
            break
        time.sleep(pause)
        answer = attempt()
    return answer


def _says(answer: Answer, words: tuple[str, ...]) -> bool:
    return any(word in answer.errors for word in words)


def _unreachable(answer: Answer, order: Order) -> StepFailed:
    if _says(answer, _UNAUTHORISED):
        return StepFailed(Failure.CREDENTIALS, "the server refused the token for reading")
    if _says(answer, _NOT_FOUND):
        return StepFailed(Failure.CLONE, f"no repository is at {order.clone_url}, or the token may not see it")
    if answer.timed_out:
        return StepFailed(Failure.CLONE, f"the clone did not end within {order.git_timeout_seconds} s")
    return StepFailed(Failure.CLONE, answer.last_error)


def _refused(answer: Answer) -> StepFailed:
    if _says(answer, _UNAUTHORISED):
        return StepFailed(Failure.CREDENTIALS, "the server refused the token for writing")
    if _says(answer, _REJECTED):
        return StepFailed(Failure.PUSH_REJECTED, _remote_words(answer) or answer.last_error)
    return StepFailed(Failure.INFRASTRUCTURE, answer.last_error)


def _remote_words(answer: Answer) -> str:
    lines = [line.removeprefix("remote:").strip() for line in answer.errors.splitlines() if line.startswith("remote:")]
    return " ".join(line for line in lines if line)[:REMOTE_WORDS_LIMIT].rstrip()
