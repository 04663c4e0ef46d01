"""Going on with an earlier session: its file comes with the order, and goes out with the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.contract import Event
from runtime.parts import PREFIX, Collector, Transcript, pack, unpack
from tests.runtime.conftest import Project, StepRun
from tests.runtime.test_claude import INIT, Played, outcome

EARLIER = '{"type":"user","message":"add /health"}\n'


@pytest.fixture
def claude(project: Project) -> Played:
    """Give a prepared project whose agent is the stand-in for Claude Code."""
    return Played(project)


def ordered(claude: Played, **changes: Any) -> None:
    """Order a run that goes on with an earlier session."""
    given = {"resume_session": "s-0", "transcript": pack(EARLIER.encode()), "transcript_name": "s-0.jsonl"}
    claude.project.change(**(given | changes))


def kept(run: StepRun) -> Transcript | None:
    """Put together what the run printed of its session."""
    collector = Collector()
    lines = [line for line in run.log.splitlines() if line.startswith(PREFIX)]
    return [None, *map(collector.take, lines)][-1]


def session_file(claude: Played, name: str = "s-1") -> Path:
    """Name where Claude Code would keep the session, and make the folder."""
    folder = claude.project.workspace / "home/.claude/projects/-repo"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.jsonl"


def test_a_session_is_printed_for_later(claude: Played) -> None:
    """Whole, without the key, behind the last line that anybody sees."""
    content = json.dumps({"said": "sk-ant-canary-0123456789 and more", "n": list(range(9000))})

    run = claude.play(
        INIT, ["write", str(session_file(claude)), content], outcome(), ANTHROPIC_API_KEY="sk-ant-canary-0123456789"
    )

    transcript = kept(run)
    assert transcript is not None
    assert (transcript.session, transcript.name) == ("s-1", "s-1.jsonl")
    assert unpack(transcript.packed).decode() == content.replace("sk-ant-canary-0123456789", "[secret]")
    shown = [line for line in run.log.splitlines() if "canary" in line]
    assert shown == []


def test_a_failed_run_keeps_no_session(claude: Played) -> None:
    """There is no merge request that a later task could work on."""
    run = claude.play(INIT, ["write", str(session_file(claude)), "x"], outcome(is_error=True))

    assert kept(run) is None


def test_words_alone_leave_no_session(claude: Played) -> None:
    """A review's session is nobody's to go on with."""
    claude.project.change(mode="review")

    run = claude.play(INIT, ["write", str(session_file(claude)), "x"], outcome())

    assert run.result.ok
    assert kept(run) is None


@pytest.mark.parametrize("trick", ["huge", "link", "folder", "missing"])
def test_a_session_that_is_no_small_file_is_not_kept(claude: Played, trick: str) -> None:
    """The run succeeds all the same."""
    path = session_file(claude)
    match trick:
        case "huge":
            path.write_bytes(b"x" * (8 * 1024 * 1024 + 1))
        case "link":
            path.symlink_to("/etc/passwd")
        case "folder":
            path.mkdir()

    run = claude.play(INIT, outcome())

    assert run.result.ok
    assert kept(run) is None


def test_goes_on_with_the_earlier_session(claude: Played) -> None:
    """The file is there before the agent starts, and the prompt is the new one alone."""
    ordered(claude)

    run = claude.play(INIT, outcome())

    path = claude.project.workspace / "earlier/s-0.jsonl"
    arguments = claude.call["arguments"]
    assert arguments[arguments.index("--resume") + 1] == str(path)
    assert "--session-id" not in arguments
    assert path.read_text() == EARLIER
    assert kept(run) == Transcript(session="s-1", name="s-0.jsonl", packed=pack(EARLIER.encode()))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"transcript": "damaged"}, id="damaged"),
        pytest.param({"transcript_name": "../s"}, id="odd-name"),
        pytest.param({"transcript": "", "transcript_name": ""}, id="none"),
    ],
)
def test_starts_afresh_where_there_is_no_session(claude: Played, change: dict[str, str]) -> None:
    """What can't be used fails no run."""
    ordered(claude, **change)

    assert claude.play(INIT, outcome()).result.ok

    assert "--resume" not in claude.call["arguments"]
    assert "--session-id" in claude.call["arguments"]


REFUSES_TO_RESUME = """#!/bin/sh
case "$*" in *--resume*) echo "No conversation found" >&2; exit 1;; esac
exec {stand_in} "$@"
"""


def test_starts_afresh_where_the_agent_refuses_the_session(claude: Played) -> None:
    """Another version may not read it: the agent is started again, without it."""
    ordered(claude)
    program = claude.project.folder / "bin/claude"
    stand_in = program.rename(program.with_name("stand-in"))
    program.write_text(REFUSES_TO_RESUME.format(stand_in=stand_in))
    program.chmod(0o755)

    run = claude.play(INIT, outcome())

    assert run.result.ok, run.log
    assert "can't be gone on with" in run.log
    assert "--session-id" in claude.call["arguments"]


def test_does_not_start_again_after_work_was_done(claude: Played) -> None:
    """What failed in the middle has cost money already."""
    ordered(claude)

    run = claude.play(INIT, outcome(is_error=True, result="Overloaded"))

    assert (run.result.failure, run.result.detail) == ("agent", "claude ended with code 0: Overloaded")
    assert [event for event in run.events if event == Event(kind="began", mark="agent", text="claude")] != []
    assert run.marks.count("began agent") == 1
