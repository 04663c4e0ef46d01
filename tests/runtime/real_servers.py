"""Two real MCP servers, those that the runtime's image has too, installed once below the test environment.

Their versions are the Dockerfile's. Where they can't be installed, who needs them is skipped with a line, and in CI
fails.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "mcp-servers"
DOCKERFILE = Path(__file__).parents[2] / "runtime/Dockerfile"
INSTALL_SECONDS = 600


def gitlab_server() -> Path:
    """Give the path of ``mcp-gitlab``, from the package index for Node.js."""
    version = _pinned("MCP_GITLAB_VERSION")
    folder = FOLDER / f"gitlab-{version}"
    npm = shutil.which("npm") or "npm"
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))
    _install(folder, [npm, "install", *options, f"@zereight/mcp-gitlab@{version}"])
    return folder / "node_modules/.bin/mcp-gitlab"


def coda_server() -> Path:
    """Give the path of ``mcp-coda``, from the package index for Python."""
    version = _pinned("MCP_CODA_VERSION")
    folder = FOLDER / f"coda-{version}"
    quiet = ("--quiet", "--disable-pip-version-check")
    _install(
        folder,
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin/python"), "-m", "pip", "install", *quiet, f"mcp-coda=={version}"],
    )
    return folder / "bin/mcp-coda"


def _pinned(name: str) -> str:
    found = re.search(rf"^ARG {name}=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert found, name
    return found[1]


def _install(folder: Path, *commands: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    done = folder.with_suffix(".installed")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come here at once
        if done.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        for command in commands:
            _run(command)
        done.touch()


def _run(command: list[str]) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        problem = ended.stderr.strip()[-300:] if ended.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    if problem and os.environ.get("CI"):
        pytest.fail(f"{' '.join(command)}: {problem}")
    if problem:
        pytest.skip(f"a real MCP server can't be installed here: {problem.splitlines()[-1]}")
