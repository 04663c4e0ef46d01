"""`make images`: what it would run."""

from __future__ import annotations

import os
import subprocess

from tests.repository import ROOT


def commands(*arguments: str) -> list[str]:
    """Give the commands of `make images`, without running them."""
    line = ["make", "--no-print-directory", "--dry-run", "images", *arguments]
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(line, cwd=ROOT, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_it_builds_both_with_any_builder() -> None:
    """Builder, base, names and further flags are the caller's, and reach both builds."""
    built = commands(
        "BUILDER=buildah", "BASE_IMAGE=base:1", "ABLEHAND_IMAGE=a:1", "RUNTIME_IMAGE=r:1", "BUILD_FLAGS=-q"
    )

    assert built == [
        "buildah build -q --build-arg BASE_IMAGE=base:1 --tag a:1 --file Dockerfile .",
        "buildah build -q --build-arg BASE_IMAGE=base:1 --tag r:1 --file runtime/Dockerfile .",
    ]


def test_it_needs_no_choice() -> None:
    """Each has a default."""
    build = "docker build  --build-arg BASE_IMAGE=debian:12-slim"

    assert commands() == [
        f"{build} --tag localhost/ablehand:dev --file Dockerfile .",
        f"{build} --tag localhost/ablehand-runtime:dev --file runtime/Dockerfile .",
    ]
