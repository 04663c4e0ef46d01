"""The image of bot, worker and reconciler."""

from __future__ import annotations

import re
import tomllib

from tests.images.dockerfile import read
from tests.repository import ROOT

OURS = read(ROOT / "Dockerfile")
BUILDERS = re.compile(r"build-essential|\bgcc\b|\bg\+\+|python3-(?:dev|pip|venv)|\bnpm\b|\bpip\b")


def test_it_starts_the_command_line() -> None:
    """`docker run IMAGE bot` and the chart's `args: [bot]` mean the same."""
    entries = [one.rest for one in OURS.last if one.word == "ENTRYPOINT"]

    assert entries == ['["ablehand"]']


def test_what_builds_it_is_not_in_it() -> None:
    """No compiler and no installer: who breaks into the bot finds no tools."""
    assert [one for one in OURS.last if BUILDERS.search(one.rest)] == []


def test_it_holds_what_the_charts_redis_runs() -> None:
    """The chart starts `redis-server` from this image."""
    installs = [one.rest for one in OURS.last if "apt-get install" in one.rest]

    assert len(installs) == 1
    assert "redis-server" in installs[0].split()


def test_the_builder_is_sent_what_the_wheel_is_made_of() -> None:
    """A new package that pyproject.toml lists and .dockerignore does not would be missing in the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"])
    for_building = {"pyproject.toml", "constraints.txt", project["project"]["readme"], "LICENSE"}
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()

    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == wheel | for_building
