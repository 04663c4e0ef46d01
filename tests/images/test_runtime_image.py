"""The image of a run: it carries our runtime package, which needs nothing but Python."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.environment import TOOL_VARIABLES
from runtime.git import CONNECTION_VARIABLES
from tests.images.dockerfile import read
from tests.repository import ROOT

RUNTIME = read(ROOT / "runtime" / "Dockerfile")


def variables() -> dict[str, str]:
    """Give the image's environment."""
    settings = [part for one in RUNTIME.last if one.word == "ENV" for part in one.rest.split(" ")]
    return dict(setting.split("=", 1) for setting in settings)


def imported(file: Path) -> Iterator[str]:
    """Give the first part of each module that *file* imports, wherever it does."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_of_ours_it_copies_the_runtime_alone() -> None:
    """Nothing else of this project is where an agent can read it."""
    copies = [one.rest for one in RUNTIME.instructions if one.word in {"COPY", "ADD"} and "--from=" not in one.rest]

    assert copies == ["runtime /opt/ablehand/runtime"]


def test_python_finds_the_runtime_from_where_it_starts() -> None:
    """The Job's containers run `python3 -m runtime`: the package lies in the working directory."""
    places = [one.rest for one in RUNTIME.last if one.word == "WORKDIR"]

    assert places == ["/opt/ablehand"]


@pytest.mark.parametrize("file", sorted((ROOT / "runtime").rglob("*.py")), ids=lambda file: file.stem)
def test_the_runtime_needs_nothing_but_python(file: Path) -> None:
    """The image installs no package for it."""
    assert set(imported(file)) <= sys.stdlib_module_names | {"runtime"}


def test_the_agent_gets_what_the_image_says_about_certificates() -> None:
    """A variable that the runtime does not hand on is of no use to the agent's tools."""
    handed_on = {*CONNECTION_VARIABLES, *variables()[TOOL_VARIABLES].split(",")}

    assert {name for name, value in variables().items() if value.startswith("/etc/ssl/")} <= handed_on


def test_home_is_where_a_read_only_root_can_be_written() -> None:
    """Whatever starts without a HOME of the Job's must not write below the root."""
    assert variables()["HOME"] == "/tmp"  # noqa: S108 - the path in the image
