"""What holds for both images: the base is the builder's choice, versions are pinned, nobody is root, nothing secret."""

from __future__ import annotations

import json
import re

import pytest

from tests.images.dockerfile import Dockerfile, read
from tests.repository import ROOT

PATHS = ("Dockerfile", "runtime/Dockerfile")
BASE = "BASE_IMAGE"
VERSION = re.compile(r"\d+\.\d+\.\d+")
INSTALLED = re.compile(r"\b(?:pip|npm|uv tool)\b.*? install (.*?)(?= &&|$)")
SECRET = re.compile(r"(?i)token|secret|password|credential|api_?key|auth")


@pytest.fixture(params=PATHS)
def dockerfile(request: pytest.FixtureRequest) -> Dockerfile:
    """Each of the two."""
    return read(ROOT / str(request.param))


def test_the_base_is_an_argument_of_every_stage(dockerfile: Dockerfile) -> None:
    """No stage comes from anywhere else: one base image, also one made without a registry, is enough to build."""
    defaults = [one.rest for one in dockerfile.head if one.rest.startswith(BASE)]
    bases = [stage[0].rest.split(" AS ")[0] for stage in dockerfile.stages]

    assert defaults == ["BASE_IMAGE=debian:12-slim"]
    assert bases == [f"${{{BASE}}}"] * len(dockerfile.stages)


def test_versions_are_pinned_at_the_top_alone(dockerfile: Dockerfile) -> None:
    """Whoever updates a tool changes one line in one block, and an exact version is what stands there."""
    defaults = dict(one.rest.split("=", 1) for one in dockerfile.head)
    versions = {name: value for name, value in defaults.items() if name.endswith("_VERSION")}
    below = [one for stage in dockerfile.stages for one in stage]

    assert [name for name, value in versions.items() if not VERSION.fullmatch(value)] == []
    assert [one for one in below if one.word != "ENV" and VERSION.search(one.rest)] == []
    assert [one for one in below if one.word == "ARG" and "=" in one.rest] == []
    assert [one for one in dockerfile.instructions if "latest" in one.rest] == []


def test_what_is_installed_is_pinned(dockerfile: Dockerfile) -> None:
    """Everything from a package index has a version of the top block, or the constraints."""
    commands = [words for one in dockerfile.instructions for words in INSTALLED.findall(one.rest)]
    pinned = re.compile(r'"?(?:@[\w-]+/)?[\w-]+(?:==|@)\$\{[A-Z_]+_VERSION\}"?')

    floating = [
        word
        for words in commands
        if "constraint" not in words and "--no-deps" not in words
        for word in re.sub(r"--(?:prefix|only-binary) \S+", "", words).split()
        if not word.startswith("--") and not pinned.fullmatch(word)
    ]

    assert commands
    assert floating == []


def test_every_argument_of_the_top_is_used(dockerfile: Dockerfile) -> None:
    """An argument of the top is unknown to a stage that does not name it: its default would silently be empty."""
    names = {one.rest.split("=")[0] for one in dockerfile.head} - {BASE}

    for stage in dockerfile.stages:
        known = {one.rest for one in stage if one.word == "ARG"}
        used = {name for name in names for one in stage if f"${{{name}}}" in one.rest}
        assert used == known
    assert {name for name in names for one in dockerfile.instructions if f"${{{name}}}" in one.rest} == names


def test_the_user_is_a_number_and_not_root(dockerfile: Dockerfile) -> None:
    """`runAsNonRoot` can only be checked by the kubelet where the image's user is a number."""
    users = [one.rest for one in dockerfile.last if one.word == "USER"]
    after = [one.word for one in dockerfile.last[[one.word for one in dockerfile.last].index("USER") :]]

    assert len(users) == 1
    assert all(int(part) >= 10_000 for part in users[0].split(":"))
    assert "RUN" not in after


def test_nothing_secret_is_an_argument_or_a_variable(dockerfile: Dockerfile) -> None:
    """Both can be read by whoever has the image."""
    declared = [one.rest for one in dockerfile.instructions if one.word in {"ARG", "ENV"}]
    names = [name for rest in declared for name in re.findall(r"(?:^| )(\w+)(?==|$)", rest)]

    assert BASE in names
    assert [name for name in names if SECRET.search(name)] == []


def test_no_address_is_written_down(dockerfile: Dockerfile) -> None:
    """Where packages come from is the builder's configuration; an installation may have mirrors only."""
    assert [one for one in dockerfile.instructions if re.search(r"https?://|index-url|registry[= ]", one.rest)] == []


def test_the_entry_is_a_list(dockerfile: Dockerfile) -> None:
    """A shell between the kubelet and our process would swallow TERM."""
    entries = [one.rest for one in dockerfile.last if one.word in {"ENTRYPOINT", "CMD"}]

    assert entries
    assert all(isinstance(json.loads(entry), list) for entry in entries)
