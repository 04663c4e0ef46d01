"""docs/settings.md says what core/settings.py does, and no page names a variable that there is not."""

from __future__ import annotations

import re

import pytest

from core.settings import PREFIX, Settings
from tests.repository import ROOT, pages
from tests.settings_page import THEMES, documented_fields, page

NOT_SETTINGS = frozenset({"ABLEHAND_SECRETS_DIR", "ABLEHAND_CRASH", "ABLEHAND_IMAGE", "ABLEHAND_TOKEN"})
"""Read by hand: where secrets lie, what only tests that kill processes set, what `make images` calls an image,
and whose token `ablehand task` sends."""
VARIABLE = re.compile(rf"{PREFIX}[A-Z][A-Z_]*[A-Z]")


def runtime_variables() -> set[str]:
    """Find the variables of the contract between executor, runtime and agent."""
    folders = (ROOT / "runtime", ROOT / "worker" / "executors")
    return {
        name
        for folder in folders
        for file in folder.rglob("*.py")
        for name in VARIABLE.findall(file.read_text("utf-8"))
    }


def test_the_page_is_the_settings() -> None:
    """`make docs` was run after the last change."""
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == page()


def test_every_field_is_described() -> None:
    """A setting without words is none that an operator can use; the words end like a sentence."""
    unclear = {name for name, field in documented_fields().items() if not (field.description or "").endswith(".")}

    assert unclear == set()


def test_every_field_is_in_a_table() -> None:
    """Themes begin with fields that exist, and the first field begins one."""
    fields = list(documented_fields())

    assert set(fields) >= set(THEMES)
    assert fields[0] in THEMES
    assert VARIABLE.findall(page().partition("\n## ")[2])[0] == PREFIX + fields[0].upper()
    assert {PREFIX + name.upper() for name in fields} <= set(VARIABLE.findall(page()))


def test_a_secrets_default_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is made from the code, never from the environment of whoever makes it."""
    monkeypatch.setenv("ABLEHAND_GITLAB_TOKEN", "canary-token")

    assert "canary-token" not in page()
    assert "| `ABLEHAND_GITLAB_TOKEN` |  |" in page()


def test_every_named_variable_is_there() -> None:
    """What a page tells people to set is a setting, or one of the few variables that are none."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | NOT_SETTINGS | runtime_variables()

    named = {(file.name, name) for file in pages() for name in VARIABLE.findall(file.read_text("utf-8"))}

    assert {pair for pair in named if pair[1] not in known} == set()
