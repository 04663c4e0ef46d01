"""docs/install.md and docs/images.md name what there is: values of the chart, arguments of the builds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from core.settings import Settings
from tests.images.dockerfile import read
from tests.repository import ROOT

PAGES = ("install.md", "images.md")
BLOCK = re.compile(r"^ *```yaml\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
SET = re.compile(r"--set (\S+?)=")
QUOTED = re.compile(r"`([a-z]\w+(?:\.\w+)+)(?::[^`]*)?`")
FILES = (".md", ".yaml", ".yml", ".txt", ".sh", ".json")


def values() -> dict[str, Any]:
    """Read the chart's values."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "helm" / "values.yaml").read_text("utf-8"))
    return loaded


def named(text: str) -> Iterator[str]:
    """Give the paths of the values that a page names, in its YAML blocks, its commands and its sentences."""
    for block in BLOCK.findall(text):
        yield from paths(yaml.safe_load(block), values())
    yield from SET.findall(text)
    yield from (path for path in QUOTED.findall(text) if not path.endswith(FILES))


def paths(block: dict[str, Any], there: Any, before: str = "") -> Iterator[str]:
    """Give *block*'s paths, down to where the chart's own values are a list, a text, or empty."""
    for name, value in block.items():
        path = f"{before}{name}"
        below = there.get(name) if isinstance(there, dict) else None
        if isinstance(value, dict) and isinstance(below, dict) and below:
            yield from paths(value, below, f"{path}.")
        else:
            yield path


def is_known(path: str) -> bool:
    """Tell whether the chart has that value; below `settings` every setting is one."""
    first, *rest = path.split(".")
    if first == "settings":
        return len(rest) == 1 and rest[0] in Settings.model_fields
    there: Any = values()
    for name in (first, *rest):
        if not isinstance(there, dict) or name not in there:
            return False
        there = there[name]
    return True


@pytest.mark.parametrize("page", PAGES)
def test_every_named_value_is_the_charts(page: str) -> None:
    """An operator can paste what the page says."""
    text = (ROOT / "docs" / page).read_text("utf-8")

    found = set(named(text))

    assert found
    assert {path for path in found if not is_known(path)} == set()


@pytest.mark.parametrize("path", ["image.registri", "settings.no_such_field", "bot", "nothing.at.all"])
def test_a_wrong_name_would_be_noticed(path: str) -> None:
    """The check above is not blind."""
    assert is_known(path) is (path == "bot")


def test_every_build_argument_is_one() -> None:
    """What the pages hand to `--build-arg` is an argument of the runtime's build."""
    text = "".join((ROOT / "docs" / page).read_text("utf-8") for page in PAGES)
    known = {one.rest.split("=")[0] for one in read(ROOT / "runtime" / "Dockerfile").head}

    asked = set(re.findall(r'--build-arg "?([A-Z_]+)=', text))

    assert asked
    assert asked <= known


def test_every_server_that_the_page_names_is_built_in() -> None:
    """The MCP servers of the page are those of the image."""
    text = (ROOT / "docs" / "images.md").read_text("utf-8")
    installs = " ".join(one.rest for one in read(ROOT / "runtime" / "Dockerfile").instructions)

    assert {name for name in re.findall(r"mcp-[a-z]+", text) if name not in installs} == set()
