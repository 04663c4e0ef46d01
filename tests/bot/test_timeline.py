"""What a task's page tells of its phases, whatever came between."""

from __future__ import annotations

from bot.timeline import Check, Stage, timeline
from core.task import Line, Phase, Progress, Source, Task, Trigger

TRIGGER = Trigger(source=Source.COMMENT, project_id=1, iid=1, event_id=1)
BEGUN = (("received", 100.0), ("queued", 101.0), ("launching", 110.0), ("starting", 111.0), ("preparing", 115.0))
NOTHING_YET = Progress()


def a_task(phase: Phase, *times: tuple[str, float], ended_at: float = 0.0, progress: Progress = NOTHING_YET) -> Task:
    """Make a task that came to *phase*."""
    return Task(
        id=1, unique_id="u", created_at=100.0, phase=phase, trigger=TRIGGER, repository="shop/web",
        phase_times=(*BEGUN, *times), ended_at=ended_at, progress=progress,
    )  # fmt: skip


def test_a_running_task_has_been_somewhere_is_somewhere_and_will_go_on() -> None:
    """Each phase that was left says how long it took; launching and starting are one."""
    stages = timeline(a_task(Phase.WORKING, ("working", 120.0)))

    assert [(stage.name, stage.state, stage.seconds) for stage in stages] == [
        ("received", "done", 1.0),
        ("queued", "done", 9.0),
        ("starting", "done", 5.0),
        ("preparing", "done", 5.0),
        ("working", "active", None),
        ("publishing", "waiting", None),
        ("finishing", "waiting", None),
    ]


def test_an_ended_task_shows_what_it_came_through() -> None:
    """The last phase ended when the task did, and nothing is expected any more."""
    stages = timeline(a_task(Phase.FAILED, ("working", 120.0), ("failed", 150.0), ended_at=150.0))

    assert [stage.name for stage in stages] == ["received", "queued", "starting", "preparing", "working", "failed"]
    assert stages[-2] == Stage(name="working", state="done", at=120.0, seconds=30.0)
    assert stages[-1] == Stage(name="failed", state="failed", at=150.0, seconds=None)


def test_what_was_done_stands_below_its_phase() -> None:
    """Marks by their words, the agent's list, and what it is at; a mark that we do not know stands nowhere."""
    lines = (
        Line(mark="clone", state="done", seconds=2.0),
        Line(mark="agent", state="active"),
        Line(mark="forged", state="done"),
    )
    progress = Progress(lines=lines, items=(("Read", "done"), ("Write", "pending")), current="reading x.go")

    stages = {stage.name: stage for stage in timeline(a_task(Phase.WORKING, ("working", 120.0), progress=progress))}

    assert stages["preparing"].checks == (Check(text="Cloned shop/web", state="done", seconds=2.0),)
    assert stages["working"].checks == (Check(text="Work on it", state="active"),)
    assert stages["working"].items == (Check(text="Read", state="done"), Check(text="Write", state="waiting"))
    assert (stages["working"].current, stages["publishing"].checks) == ("reading x.go", ())


def test_what_was_under_way_at_a_failure_has_failed() -> None:
    """And nothing is being done any more."""
    progress = Progress(lines=(Line(mark="agent", state="active"),), current="reading x.go")
    failed = a_task(Phase.FAILED, ("working", 120.0), ended_at=150.0, progress=progress)

    working = next(stage for stage in timeline(failed) if stage.name == "working")

    assert (working.checks, working.current) == ((Check(text="Work on it", state="failed"),), "")


def test_clocks_that_disagree_take_no_time() -> None:
    """A task that ended before its last phase began, by another clock, shows no negative time."""
    stages = timeline(a_task(Phase.CANCELLED, ended_at=114.0))

    assert stages[-2].seconds == 0.0
