"""Observing: all states, a listing, each change; and forgetting what is removed."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from core.errors import ExecutorError
from runtime.contract import Step
from tests.executors.runs import ended, executor_in, request_for, until
from worker.executors.process import ProcessExecutor
from worker.executors.protocol import Listing, RunState, StepPhase
from worker.executors.run_directory import RunDirectory
from worker.executors.run_states import RunStates, read_state
from worker.executors.tree_removal import remove_tree

NOBODY = 65534
Seen = list[RunState | Listing]


async def _until(observation: AsyncIterator[RunState | Listing], enough: Callable[[Seen], bool]) -> Seen:
    seen: Seen = []
    async with asyncio.timeout(60):
        async for item in observation:
            seen.append(item)
            if enough(seen):
                return seen
    raise AssertionError("the observation ended")


def _is_running(item: RunState | Listing, step: Step) -> bool:
    return isinstance(item, RunState) and any(
        state.step is step and state.phase is StepPhase.RUNNING for state in item.steps
    )


def test_states_then_a_listing_then_changes(executor: ProcessExecutor) -> None:
    """An observer has every run's state first, then the listing, then what changes, in its order."""
    executor.launch(request_for("old"))
    old = ended(executor.directory, "old")
    executor.launch(request_for("run", {"agent": [["wait", "go"]], "publish": [["wait", "go"]]}))
    until((executor.directory / "run" / "agent.json").exists)

    async def observe() -> Seen:
        """Observe while the run goes on."""
        observation = executor.observe()
        first = await _until(observation, lambda seen: isinstance(seen[-1], Listing))
        (executor.directory / "run" / "work" / "go").touch()
        second = await _until(observation, lambda seen: _is_running(seen[-1], Step.PUBLISH))
        (executor.directory / "run" / "publish-work" / "go").touch()
        last = await _until(observation, lambda seen: isinstance(seen[-1], RunState) and seen[-1].ended)
        return first + second + last

    seen = asyncio.run(observe())

    assert seen[0] == old
    assert isinstance(seen[1], RunState)
    assert [step.phase for step in seen[1].steps] == [StepPhase.ENDED, StepPhase.RUNNING, StepPhase.WAITING]
    assert seen[2] == Listing(names=frozenset({"old", "run"}))
    changes = [item for item in seen[3:] if isinstance(item, RunState)]
    assert {item.name for item in changes} == {"run"}
    assert len(changes) == len(set(changes))
    assert [item.ended for item in changes] == [False] * (len(changes) - 1) + [True]


def test_listing_comes_again_and_forgets_the_removed(executor: ProcessExecutor) -> None:
    """A removed run is missing in the next listing; a run launched anew under its name is a change."""
    executor.listing_seconds = 0.05
    executor.launch(request_for("run", {"prepare": [["exit", 1]]}))
    ended(executor.directory, "run")

    async def observe() -> Seen:
        """Observe while the run goes on."""
        observation = executor.observe()
        await _until(observation, lambda seen: seen[-1] == Listing(names=frozenset({"run"})))
        executor.remove("run")
        await _until(observation, lambda seen: seen[-1] == Listing(names=frozenset()))
        executor.launch(request_for("run"))
        return await _until(observation, lambda seen: isinstance(seen[-1], RunState) and seen[-1].ended)

    last = asyncio.run(observe())[-1]

    assert isinstance(last, RunState)
    assert [step.exit_code for step in last.steps] == [0, 0, 0]


def test_observer_finds_out_that_a_run_is_lost(executor: ProcessExecutor) -> None:
    """A supervisor that vanishes between two looks is told as the run's end."""
    executor.launch(request_for("run", {"agent": [["wait", "never"]]}))

    async def observe() -> Seen:
        """Observe while the run goes on."""
        observation = executor.observe()
        await _until(observation, lambda seen: isinstance(seen[-1], Listing))
        os.kill(RunDirectory(executor.directory / "run").read_values("started.json")["pid"], signal.SIGKILL)
        return await _until(observation, lambda seen: isinstance(seen[-1], RunState) and seen[-1].ended)

    last = asyncio.run(observe())[-1]
    assert isinstance(last, RunState)
    assert last.problem == "lost"


def test_what_is_no_run_is_not_seen(executor: ProcessExecutor) -> None:
    """Files, other names and a launch that has just begun are no runs; nor does a missing directory matter."""
    states = RunStates(executor.directory)
    assert states.changes() == []
    (executor.directory / "begun").mkdir(parents=True)
    (executor.directory / ".removed-x").mkdir()
    (executor.directory / "file").touch()

    assert states.changes() == []
    assert states.names() == frozenset()


@pytest.mark.parametrize("kind", ["link", "pipe", "huge"])
def test_hostile_result_is_bounded(executor: ProcessExecutor, kind: str) -> None:
    """A result that an agent has replaced makes nobody wait, shows no other file and is cut."""
    executor.launch(request_for("run"))
    ended(executor.directory, "run")
    result = executor.directory / "run" / "agent.result"
    result.unlink()
    if kind == "link":
        result.symlink_to("/etc/passwd")
    elif kind == "pipe":
        os.mkfifo(result)
    else:
        result.write_text("x" * 1_000_000)
    state = read_state(RunDirectory(executor.directory / "run"))

    assert state is not None
    assert state.steps[1].result == ("x" * 4097 if kind == "huge" else "")


def test_remove_deletes_what_an_agent_left(executor: ProcessExecutor, tmp_path: Path) -> None:
    """Deep, read-only and full of links: all is deleted, and nothing outside of the run."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    executor.launch(request_for("run"))
    ended(executor.directory, "run")
    _fill(executor.directory / "run" / "work", outside)

    executor.remove("run")
    executor.remove("run")

    assert list(executor.directory.iterdir()) == []
    assert (outside / "file").exists()


def test_remove_refuses_a_living_run(executor: ProcessExecutor) -> None:
    """A run that has not ended is not deleted under its steps."""
    executor.launch(request_for("run", {"agent": [["wait", "go"]]}))
    with pytest.raises(ExecutorError, match="has not ended"):
        executor.remove("run")

    assert (executor.directory / "run" / "run.json").exists()


def test_remove_finishes_what_a_crash_left(tmp_path: Path) -> None:
    """A removal that died half-way is finished by the next."""
    executor = executor_in(tmp_path)
    (tmp_path / ".removed-other-1" / "work").mkdir(parents=True)
    executor.launch(request_for("run"))
    ended(tmp_path, "run")
    executor.remove("run")

    assert list(tmp_path.iterdir()) == []


def test_observing_finishes_what_a_crash_left(tmp_path: Path) -> None:
    """A removal that died half-way is finished by whoever leads next, though no other run ends."""
    (tmp_path / ".removed-other-1" / "work").mkdir(parents=True)

    async def observe() -> None:
        """Look until all is listed."""
        await _until(executor_in(tmp_path).observe(), lambda seen: isinstance(seen[-1], Listing))

    asyncio.run(observe())

    assert list(tmp_path.iterdir()) == []


def test_those_who_remove_the_same_tree_are_done_when_it_is_gone(tmp_path: Path) -> None:
    """A leader that begins, and those who remove runs meanwhile, come upon the same leftovers."""
    for number in range(20):
        tree = tmp_path / str(number)
        for name in range(30):
            (tree / f"{name}" / "a" / "b").mkdir(parents=True)
            (tree / f"{name}" / "a" / "file").touch()
        together = threading.Barrier(4)

        def remove(tree: Path = tree, together: threading.Barrier = together) -> bool:
            together.wait()
            remove_tree(tree)
            return tree.exists()

        with ThreadPoolExecutor(4) as pool:
            assert [done.result() for done in [pool.submit(remove) for _ in range(4)]] == [False] * 4


def test_read_only_tree_is_removed_without_privileges() -> None:
    """A user that is not root can delete its own directories that nobody may write in."""
    with tempfile.TemporaryDirectory() as place:
        if os.getuid() == 0:
            os.chown(place, NOBODY, NOBODY)
        child = os.fork()
        if child == 0:
            _fill_and_remove_as_nobody(Path(place, "tree"))
        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 0
        assert list(Path(place).iterdir()) == []


def _fill_and_remove_as_nobody(tree: Path) -> NoReturn:
    """Do so in this forked child, which never comes back."""
    try:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        tree.mkdir()
        _fill(tree, tree.parent)
        remove_tree(tree)
        os._exit(0)
    finally:
        os._exit(1)


def _fill(tree: Path, outside: Path) -> None:
    """Leave links out of the tree, read-only directories, and a directory too deep for a path or for recursion."""
    (tree / "link").symlink_to(outside)
    (tree / "broken").symlink_to("nowhere")
    deep = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deeper", dir_fd=deep)
        below = os.open("deeper", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    locked = tree / "locked" / "inner"
    locked.mkdir(parents=True)
    (locked / "file").touch()
    locked.chmod(0o000)
    locked.parent.chmod(0o500)
