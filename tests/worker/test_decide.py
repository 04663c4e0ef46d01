"""What each state of a run means for its task: a table of whole moves, and the folding of events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reasons import Reason
from core.task import Line, Mode, Phase, Progress, Task
from runtime.contract import Event, Failure, Mark, Step, StepResult
from tests.conversation.tasks import ASKED
from tests.worker.hand_executor import over, run_state, running
from worker.executors.protocol import RunState
from worker.reconciler.decide import Move, decide
from worker.reconciler.progress import ITEM_LIMIT, NOTICE_LIMIT, TEXT_LIMIT, described, fold

OK = StepResult(ok=True)
PUSHED = StepResult(ok=True, commit="c0ffee", branch="agent/1-x", files_changed=2, lines_added=3, lines_removed=1)
PUSHED_FIELDS = {
    "commit": "c0ffee", "result_branch": "agent/1-x", "files_changed": 2, "lines_added": 3, "lines_removed": 1,
}  # fmt: skip
DONE = StepResult(ok=True, summary="I did", cost_usd=0.5, tokens=7, turns=3, session="s1")
TOLD = {"summary": "I did", "cost_usd": 0.5, "tokens": 7, "turns": 3, "session": "s1", "cost_told": True}
PARTIAL = replace(DONE, partial=True, failure="timeout", detail="late")
FORGED = replace(PARTIAL, failure="not-allowed")
PREPARED, WORKED, PUBLISHED = over(Step.PREPARE, OK), over(Step.AGENT, DONE), over(Step.PUBLISH, PUSHED)
WRITTEN = over(Step.AGENT, replace(DONE, document_total=2))
BEGAN = {"started_at": 100.0}
NAME = "agent-42-a1"


def failed(reason: Reason, detail: str = "", **fields: object) -> Move:
    """Make the move into failed."""
    return Move(to=Phase.FAILED, fields=BEGAN | {"reason": reason.value, "detail": detail} | fields)


def by(failure: str, detail: str = "seen") -> StepResult:
    """Make a failed step's result."""
    return StepResult(ok=False, failure=failure, detail=detail)


TABLE: dict[str, tuple[Phase, RunState, Move | None]] = {
    "waits": (Phase.LAUNCHING, run_state(NAME), Move(to=Phase.STARTING)),
    "still-waits": (Phase.STARTING, run_state(NAME), None),
    "prepares": (Phase.STARTING, run_state(NAME, running(Step.PREPARE)), Move(to=Phase.PREPARING, fields=BEGAN)),
    "agent": (Phase.PREPARING, run_state(NAME, PREPARED, running(Step.AGENT)), Move(to=Phase.WORKING, fields=BEGAN)),
    "jumps": (
        Phase.LAUNCHING, run_state(NAME, PREPARED, WORKED, running(Step.PUBLISH)),
        Move(to=Phase.PUBLISHING, fields=BEGAN),
    ),
    "never-back": (Phase.PUBLISHING, run_state(NAME, running(Step.PREPARE)), None),
    "pushed": (
        Phase.PUBLISHING, run_state(NAME, PREPARED, WORKED, PUBLISHED, ended=True),
        Move(to=Phase.FINISHING, fields=BEGAN | TOLD | PUSHED_FIELDS),
    ),
    "draft": (
        Phase.PUBLISHING, run_state(NAME, PREPARED, over(Step.AGENT, PARTIAL), PUBLISHED, ended=True),
        Move(to=Phase.FINISHING, fields=BEGAN | TOLD | PUSHED_FIELDS | {"unfinished": "timeout"}),
    ),
    "draft-of-nothing": (
        Phase.PUBLISHING, run_state(NAME, PREPARED, over(Step.AGENT, PARTIAL), over(Step.PUBLISH, OK), ended=True),
        failed(Reason.TIMEOUT, "", **TOLD),
    ),
    "forged-draft": (
        Phase.PUBLISHING, run_state(NAME, PREPARED, over(Step.AGENT, FORGED), PUBLISHED, ended=True),
        Move(to=Phase.FINISHING, fields=BEGAN | TOLD | PUSHED_FIELDS),
    ),
    "not-ended-yet": (Phase.PUBLISHING, run_state(NAME, PREPARED, WORKED, PUBLISHED), None),
    "nothing-changed": (
        Phase.PUBLISHING, run_state(NAME, PREPARED, WORKED, over(Step.PUBLISH, OK), ended=True),
        Move(to=Phase.COMPLETED, fields=BEGAN | TOLD),
    ),
    "setup-failed": (
        Phase.PREPARING, run_state(NAME, PREPARED, over(Step.AGENT, by("setup"), exit_code=1), ended=True),
        failed(Reason.SETUP, "seen", cost_told=True),
    ),
    "ended-without-a-cost": (
        Phase.PREPARING, run_state(NAME, PREPARED, over(Step.AGENT, by("timeout"), exit_code=1), ended=True),
        failed(Reason.TIMEOUT, "seen"),
    ),
    "cancelled-by-a-comment": (Phase.CANCELLED, run_state(NAME, PREPARED, WORKED, ended=True), None),
    "forged-reason": (
        Phase.WORKING, run_state(NAME, PREPARED, over(Step.AGENT, by("not-allowed"), exit_code=1), ended=True),
        failed(Reason.INFRASTRUCTURE, "seen"),
    ),
    "no-result": (
        Phase.WORKING, run_state(NAME, PREPARED, over(Step.AGENT, text="{", exit_code=137), ended=True),
        failed(Reason.INFRASTRUCTURE, "the step agent ended with status 137 and no result"),
    ),
    "fails-and-says-ok": (
        Phase.WORKING, run_state(NAME, PREPARED, over(Step.AGENT, DONE, exit_code=1), ended=True),
        failed(Reason.INFRASTRUCTURE, "the step agent ended with status 1 and no result", **TOLD),
    ),
    "ended-early": (
        Phase.PREPARING, run_state(NAME, PREPARED, ended=True),
        failed(Reason.INFRASTRUCTURE, "the run ended without a result"),
    ),
    "timeout": (
        Phase.WORKING, run_state(NAME, PREPARED, running(Step.AGENT), ended=True, problem="timeout", detail="late"),
        failed(Reason.TIMEOUT, "late"),
    ),
    "odd-problem": (
        Phase.WORKING, run_state(NAME, PREPARED, ended=True, problem="gremlins"), failed(Reason.INFRASTRUCTURE)
    ),
    "cancelled": (
        Phase.WORKING, run_state(NAME, PREPARED, WORKED, ended=True, problem="cancelled"),
        Move(to=Phase.CANCELLED, fields=BEGAN | TOLD),
    ),
    "cancelled-after-the-push": (
        Phase.PUBLISHING, run_state(NAME, PREPARED, WORKED, PUBLISHED, ended=True, problem="cancelled"),
        Move(to=Phase.CANCELLED, fields=BEGAN | TOLD | PUSHED_FIELDS),
    ),
    "lost-after-the-push": (
        Phase.PUBLISHING, run_state(NAME, PREPARED, WORKED, PUBLISHED, ended=True, problem="lost"),
        Move(to=Phase.FINISHING, fields=BEGAN | TOLD | PUSHED_FIELDS),
    ),
    "finishing-is-not-the-runs": (Phase.FINISHING, run_state(NAME, ended=True, problem="lost"), None),
    "queued-is-not-the-runs": (Phase.QUEUED, run_state(NAME, running(Step.PREPARE)), None),
    "final": (Phase.COMPLETED, run_state(NAME, ended=True, problem="lost"), None),
}  # fmt: skip


@pytest.mark.parametrize(("phase", "run", "move"), TABLE.values(), ids=TABLE.keys())
def test_a_runs_state_moves_its_task(phase: Phase, run: RunState, move: Move | None) -> None:
    """Whole moves, fields included."""
    assert decide(replace(ASKED, phase=phase), run) == move


@pytest.mark.parametrize("mode", [Mode.PLAN, Mode.REVIEW])
def test_a_run_that_wrote_words_is_finished(mode: Mode) -> None:
    """Nothing was pushed, but the words have to be published, and their last may still be on their way."""
    run = run_state(NAME, PREPARED, WRITTEN, over(Step.PUBLISH, OK), ended=True)

    move = decide(replace(ASKED, phase=Phase.WORKING, mode=mode), run)

    assert move == Move(to=Phase.FINISHING, fields=BEGAN | TOLD | {"document_total": 2})


@pytest.mark.parametrize("failure", list(Failure))
def test_each_failure_of_the_runtime_is_a_reason(failure: Failure) -> None:
    """Every word of the contract arrives as it was said."""
    run = run_state(NAME, over(Step.PREPARE, by(failure.value), exit_code=1), ended=True)

    assert decide(replace(ASKED, phase=Phase.PREPARING), run) == failed(Reason(failure.value), "seen")


@pytest.mark.parametrize("phase", [Phase.LAUNCHING, Phase.STARTING])
def test_a_run_whose_launch_is_not_complete_moves_nothing(phase: Phase) -> None:
    """The launch may have died halfway: the task must stay due, so that it is launched again."""
    half = replace(run_state(NAME), launched=False)

    assert decide(replace(ASKED, phase=phase), half) is None


def test_a_start_is_noted_once() -> None:
    """A task that knows when its run began keeps that."""
    task: Task = replace(ASKED, phase=Phase.STARTING, started_at=90.0)

    assert decide(task, run_state(NAME, running(Step.PREPARE))) == Move(to=Phase.PREPARING)


texts = st.text(max_size=300)
events = st.builds(
    Event,
    kind=st.sampled_from(["began", "ended", "skipped", "progress", "checklist", "notice"]),
    mark=st.one_of(st.sampled_from([mark.value for mark in Mark]), texts),
    text=texts,
    seconds=st.floats(0, 1e6),
    turns=st.integers(0, 10**6),
    cost_usd=st.floats(0, 1e6),
    items=st.lists(st.tuples(texts, st.sampled_from(["pending", "active", "done"])), max_size=50).map(tuple),
)


@given(st.lists(events, max_size=12))
def test_folding_twice_changes_nothing(told: list[Event]) -> None:
    """A follower that starts anew folds its last events again; everything stays bounded."""
    once = Progress()
    for event in told:
        once = fold(once, event)
        assert fold(once, event) == once

    again = once
    for event in told:
        again = fold(again, event)

    assert again == once
    assert len(once.lines) <= len(Mark)
    assert len(once.items) <= ITEM_LIMIT
    assert len(once.notices) <= NOTICE_LIMIT
    assert max(map(len, [once.current, *once.notices, *(line.text for line in once.lines)])) <= TEXT_LIMIT


def test_marks_become_lines_in_their_order() -> None:
    """What is skipped falls away; what ends says how long it took."""
    progress = Progress()
    for event in (
        Event(kind="began", mark="agent"), Event(kind="began", mark="setup"), Event(kind="began", mark="clone"),
        Event(kind="ended", mark="clone", seconds=2, text="main"), Event(kind="skipped", mark="setup"),
        Event(kind="progress", text="editing", turns=3, cost_usd=0.2), Event(kind="began", mark="virus"),
    ):  # fmt: skip
        progress = fold(progress, event)

    assert progress == Progress(
        lines=(Line(mark="clone", state="done", seconds=2, text="main"), Line(mark="agent", state="active")),
        current="editing", turns=3, cost_usd=0.2,
    )  # fmt: skip


@given(events)
def test_an_event_is_at_most_one_line_of_the_log(event: Event) -> None:
    """A forged mark or text draws no lines of its own into the log."""
    text = described(event)

    assert len(text.splitlines()) <= 1
    assert len(text) <= TEXT_LIMIT + 100
    if event.mark not in set(Mark):
        assert text == ""
