"""Values, their schema and their page say the same."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.chart.rendering import CHART
from tests.chart.values_page import documented, leaves, page

FREE = frozenset({"settings", "global"})
"""Mappings whose keys are not in values.yaml: the settings' own defaults hold, and helm's own."""


def defaults() -> dict[str, Any]:
    """Read values.yaml."""
    values: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    return values


def test_the_page_is_the_values() -> None:
    """`make docs` was run after the last change."""
    assert (CHART / "README.md").read_text("utf-8") == page()


def test_every_value_is_documented() -> None:
    """A comment stands above each, or above what it is a part of, and ends like a sentence."""
    names = {value.name for value in documented()}

    alone = {
        leaf for leaf in leaves(defaults()) if not any(leaf == name or leaf.startswith(f"{name}.") for name in names)
    }

    assert {name for name in alone if not name.startswith("agents.resources.")} == set()
    assert {value.name for value in documented() if not value.what.endswith(".")} == set()


def test_a_value_is_found_with_its_words() -> None:
    """Comments of several lines belong to the value below them, with its whole name and its default."""
    values = {value.name: value for value in documented()}

    assert values["redis.external.ca.key"].default == "ca.crt"
    assert values["publicUrl"].what.startswith("Where people and GitLab reach the bot")
    assert values["agents.networkPolicy.enabled"].what.endswith("or name a proxy here and in `env`.")


def test_the_schema_knows_every_value_and_no_other() -> None:
    """What the schema allows is in values.yaml, so that people find it; everything is refused that is not."""
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))

    assert sorted(compare(schema, defaults(), schema["$defs"])) == []


def compare(schema: dict[str, Any], values: dict[str, Any], parts: dict[str, Any], place: str = "") -> list[str]:
    """List where a schema's properties and the values differ, and the objects that take any key."""
    if "properties" not in schema or not values:
        return []
    found = [] if schema.get("additionalProperties") is False else [f"{place} takes anything"]
    found += [f"{place}.{key}" for key in set(schema["properties"]) ^ set(values) if key not in FREE]
    for key, value in values.items():
        below = schema["properties"].get(key, {})
        below = parts[below["$ref"].rpartition("/")[2]] if "$ref" in below else below
        if isinstance(value, dict) and key not in FREE:
            found += compare(below, value, parts, f"{place}.{key}")
    return found
