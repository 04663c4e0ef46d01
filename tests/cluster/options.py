"""What ``pytest tests/cluster`` may be told: which images, and what the cluster has."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

_REFERENCE = re.compile(r"(?P<repository>.+?)(?:@(?P<digest>sha256:[0-9a-f]{64})|:(?P<tag>[\w][\w.-]*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command line. Images are names that the cluster's nodes can pull or have already."""

    ablehand_image: str
    runtime_image: str
    pull_policy: str
    storage_class: str
    volume: bool
    keep: bool

    @classmethod
    def of(cls, config: pytest.Config) -> Options:
        """Read them from pytest's command line."""
        return cls(
            ablehand_image=config.getoption("--image-ablehand"),
            runtime_image=config.getoption("--image-runtime"),
            pull_policy=config.getoption("--image-pull-policy"),
            storage_class=config.getoption("--storage-class"),
            volume=not config.getoption("--no-volume"),
            keep=config.getoption("--keep"),
        )


def add(parser: pytest.Parser) -> None:
    """Make the options known to pytest."""
    group = parser.getgroup("cluster", "the suite against a real cluster")
    group.addoption("--image-ablehand", default="localhost/ablehand:dev", help="image of bot, worker and reconciler")
    group.addoption("--image-runtime", default="localhost/ablehand-runtime:dev", help="image of the agents' pods")
    group.addoption("--image-pull-policy", default="IfNotPresent", choices=["Always", "IfNotPresent", "Never"])
    group.addoption("--storage-class", default="", help="of the bundled Redis; the cluster's default if not given")
    group.addoption("--no-volume", action="store_true", help="run the bundled Redis without a volume")
    group.addoption("--keep", action="store_true", help="leave the namespaces for a look")


def image_values(reference: str, pull_policy: str) -> dict[str, str]:
    """Give the chart's values for an image."""
    parts = _REFERENCE.fullmatch(reference)
    if parts is None:
        raise ValueError(f"{reference!r} is no image")
    if parts["digest"] is None and parts["tag"] is None:
        return {"repository": reference, "tag": "latest", "pullPolicy": pull_policy}
    named = {key: parts[key] for key in ("repository", "tag", "digest") if parts[key]}
    return {**named, "pullPolicy": pull_policy}
