"""Runs git so that nothing but our own arguments and one repository decides what it does.

No configuration of the machine or of a home directory, no prompt, no pager, no hook, no protocol but HTTP, output into
files of bounded size, an end after a set time. `runtime.remote` builds on it what talks to the server.
"""

from __future__ import annotations

import base64
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

SHA1_LETTERS: Final = 40
OUTPUT_LIMIT_BYTES: Final = 64_000_000
CONNECTION_VARIABLES: Final = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"),
)
"""How to reach the network from here: a proxy, a certificate authority of the organisation's own."""

_LOCKED_DOWN: Final = {
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_LFS_SKIP_PUSH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "http:https",
    "GIT_PAGER": "cat",
}
_SETTINGS: Final = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # A redirect could carry the token to another host.
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "safe.bareRepository": "explicit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What git said. *code* is negative where a signal ended it."""

    code: int
    output: bytes
    errors: str
    timed_out: bool = False

    @property
    def text(self) -> str:
        """The output as one stripped text."""
        return self.output.decode(errors="replace").strip()

    @property
    def last_error(self) -> str:
        """The line of stderr that says most: the last ``fatal:`` or ``error:``, else the last."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
        return (telling or lines or [f"git ended with code {self.code}"])[-1]


class GitError(Exception):
    """A command of git failed; the message names it and has git's own words."""

    def __init__(self, command: str, answer: Answer) -> None:
        words = "it took too long" if answer.timed_out else answer.last_error
        super().__init__(f"git {command}: {words}")
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Git on one repository. *token* goes with requests under *url* alone, and only by environment."""

    repository: Path
    """The git directory itself: a work tree is looked for nowhere else."""
    work_tree: Path | None = None
    url: str = ""
    token: str = field(default="", repr=False)
    timeout_seconds: float = 300
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(self, *arguments: str, stdin: bytes | IO[bytes] = b"", limit: Callable[[], None] | None = None) -> Answer:
        """Run one command and return what came of it. *limit* is called in the child before git starts."""
        with _memory_file("output") as output, _memory_file("errors") as errors, _as_file(stdin) as source:
            child = subprocess.Popen(
                ["git", *arguments],
                cwd=self.repository if self.work_tree is None else self.work_tree,
                env=self._environment(),
                stdin=source,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                preexec_fn=limit,  # noqa: PLW1509 - this process has one thread
            )
            timed_out = _wait(child, self.timeout_seconds)
            return Answer(
                code=child.returncode,
                output=_content(output),
                errors=_content(errors).decode(errors="replace"),
                timed_out=timed_out,
            )

    def check(self, *arguments: str, stdin: bytes | IO[bytes] = b"", limit: Callable[[], None] | None = None) -> Answer:
        """Run one command that has to succeed.

        Raises:
            GitError: It did not.
        """
        answer = self.run(*arguments, stdin=stdin, limit=limit)
        if answer.code:
            command = next((word for word in arguments if not word.startswith("-")), "")
            raise GitError(command, answer)
        return answer

    def _environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in ("PATH", *CONNECTION_VARIABLES) if name in os.environ}
        place = {"GIT_DIR": str(self.repository)}
        if self.work_tree is not None:
            place["GIT_WORK_TREE"] = str(self.work_tree)
        return passed | _LOCKED_DOWN | place | self._settings() | dict(self.environ)

    def _settings(self) -> dict[str, str]:
        settings = dict(_SETTINGS)
        if self.token:
            credentials = base64.b64encode(f"oauth2:{self.token}".encode()).decode()
            settings[f"http.{self.url}.extraHeader"] = f"Authorization: Basic {credentials}"
        variables = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (name, value) in enumerate(settings.items()):
            variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return variables


def create_repository(path: Path, *, base_commit: str, branch: str = "", remote: str = "") -> None:
    """Make an empty repository at *path*, as ``git init --template=`` does, in the time of a few small files.

    Bare where there is no *branch* to be on. *remote* is the text of a section of its configuration.
    """
    extensions = "" if len(base_commit) == SHA1_LETTERS else "[extensions]\n\tobjectFormat = sha256\n"
    version, bare = (1 if extensions else 0), str(not branch).lower()
    path.mkdir(parents=True)
    for name in ("objects", "refs"):
        (path / name).mkdir()
    (path / "HEAD").write_text(f"ref: refs/heads/{branch or 'none'}\n")
    core = f"[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = {bare}\n"
    (path / "config").write_text(core + extensions + remote)


def limit_resources(*, cpu_seconds: int, memory_bytes: int, file_bytes: int) -> Callable[[], None]:
    """Give a *limit* for `Git.run`: what the child and its children may use before the system ends them."""

    def apply() -> None:
        for kind, amount in (
            (resource.RLIMIT_CPU, cpu_seconds),
            # What is allocated; a mapped pack of a large repository does not count.
            (resource.RLIMIT_DATA, memory_bytes),
            (resource.RLIMIT_FSIZE, file_bytes),
            (resource.RLIMIT_CORE, 0),
        ):
            ceiling = resource.getrlimit(kind)[1]
            amount = amount if ceiling == resource.RLIM_INFINITY else min(amount, ceiling)  # noqa: PLW2901
            resource.setrlimit(kind, (amount, amount))

    return apply


def _memory_file(name: str) -> IO[bytes]:
    """Give a file without a place: what git prints is bounded, and the module for temporary ones is slow to load."""
    return os.fdopen(os.memfd_create(name), "w+b", buffering=0)


def _as_file(content: bytes | IO[bytes]) -> IO[bytes]:
    if not isinstance(content, bytes):
        return os.fdopen(os.dup(content.fileno()), "rb")
    file = _memory_file("input")
    file.write(content)
    file.seek(0)
    return file


def _wait(child: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    finally:
        # git-remote-https is a child of git's; it must not outlive it.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return False


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(OUTPUT_LIMIT_BYTES)
