"""The agents' real programs, as `make .agents/installed` puts them into this folder."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache

from tests.repository import ROOT

PINS = ROOT / "runtime" / "agents.json"
FOLDER = ROOT / ".agents"
PACKAGES = {
    "claude": "@anthropic-ai/claude-code",
    "codex": "@openai/codex",
    "gemini": "@google/gemini-cli",
    "opencode": "opencode-ai",
}


def path() -> str:
    """Give the PATH on which they and their Node.js are found first."""
    return f"{FOLDER / 'node_modules' / '.bin'}:{os.environ['PATH']}"


def pinned(name: str) -> str:
    """Give the version that is to be installed."""
    version: str = json.loads(PINS.read_text("utf-8"))["dependencies"][PACKAGES[name]]
    return version


@cache
def problem(name: str) -> str:
    """Say in one line why an agent cannot be run here; empty where it can."""
    program = FOLDER / "node_modules" / ".bin" / name
    if not program.exists():
        return f"{name} is not installed here: make .agents/installed"
    environment = {"PATH": path(), "HOME": str(FOLDER)}
    answer = subprocess.run(
        [program, "--version"], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    wanted = pinned(name)
    return "" if wanted in answer.stdout else f"{name} is not version {wanted}: {answer.stdout}{answer.stderr}"[:200]
