"""A run that is to write words (a plan, a review): the text comes out, and no change does."""

from __future__ import annotations

import pytest

from tests.runtime.conftest import Project, StepRun

LONG = "# Plan\n\n" + "- one more step\n" * 2_000
SOURCE = f"""
import os, pathlib
pathlib.Path("server.go").write_text("changed")
pathlib.Path(os.environ["ABLEHAND_SUMMARY_FILE"]).write_text({LONG!r})
"""


@pytest.fixture(params=["plan", "review"])
def written(project: Project, request: pytest.FixtureRequest) -> StepRun:
    """Give an agent step in such a mode, whose agent changes a file all the same."""
    project.change(mode=request.param)
    project.succeed("prepare")
    project.agent(SOURCE)
    return project.run("agent")


def test_the_whole_text_is_printed(written: StepRun) -> None:
    """Longer than a result may be, in chunks whose number the result says."""
    chunks = [event for event in written.events if event.kind == "document"]

    assert "".join(event.text for event in chunks) == LONG.strip()
    assert written.result.document_total == len(chunks) > 1
    assert len(written.result.summary) < len(LONG)


def test_nothing_is_handed_over_or_pushed(written: StepRun, project: Project) -> None:
    """Not even where the agent changed the work tree, and not even where it left a bundle of its own."""
    assert written.result.ok
    assert not (project.handover / "change.bundle").exists()
    (project.handover / "change.bundle").write_bytes(b"# v2 git bundle\n")

    published = project.run("publish")

    assert (published.result.ok, published.result.commit) == (True, "")
    assert project.pushed() == ""


def test_a_change_prints_no_document(project: Project) -> None:
    """Its summary is in the result."""
    project.succeed("prepare")
    project.agent(SOURCE)

    run = project.run("agent")

    assert [event for event in run.events if event.kind == "document"] == []
    assert run.result.document_total == 0
