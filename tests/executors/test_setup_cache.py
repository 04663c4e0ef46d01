"""Each project's room for what agent-setup.sh makes: written by its agent steps, seen by nobody else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.contract import Step
from tests.executors.runs import Script, ended, request_for, text_of
from worker.executors.process import ProcessExecutor
from worker.executors.protocol import RunRequest

LOOK: Script = {step: [["environment", ""]] for step in Step}


def caching(executor: ProcessExecutor, name: str, project_id: int) -> RunRequest:
    """Order a run of a project that names what is to be kept; its steps print all that they see."""
    executor.setting = replace(executor.setting, cache=room(executor), hidden=(executor.directory.parent,))
    request = replace(request_for(name, LOOK), project_id=project_id)
    return replace(request, order=replace(request.order, setup_cache_key=["go.sum"], setup_cache_paths=["vendor"]))


def room(executor: ProcessExecutor) -> Path:
    """Name the folder of all projects."""
    return executor.directory.parent / "setup-cache"


@pytest.mark.parametrize("name", ["executor", "sandboxed"])
def test_a_projects_room_is_its_agents(request: pytest.FixtureRequest, name: str) -> None:
    """The agent step is told where it is; the others are not."""
    executor: ProcessExecutor = request.getfixturevalue(name)

    executor.launch(caching(executor, "run", 5))
    ended(executor.directory, "run")

    own = {step: json.loads(text_of(executor, "run", step).splitlines()[0]) for step in Step}
    assert {step: own[step].get("ABLEHAND_SETUP_CACHE") for step in Step} == {
        Step.PREPARE: None,
        Step.AGENT: f"{room(executor)}/5",
        Step.PUBLISH: None,
    }
    assert (room(executor) / "5").stat().st_mode & 0o777 == 0o700


def test_a_sandboxed_agent_sees_no_other_projects_room(sandboxed: ProcessExecutor) -> None:
    """It can write its own, and the others are not there."""
    first, second = (room(sandboxed) / number / "entry.tar" for number in ("5", "6"))
    for project_id, name in ((5, "first"), (6, "second")):
        own = room(sandboxed) / f"{project_id}/entry.tar"
        script: Script = {Step.AGENT: [["touch", str(own)], ["stat", str(first)], ["stat", str(second)]]}
        request = caching(sandboxed, name, project_id)
        order = replace(request_for(name, script).order, setup_cache_key=["go.sum"])
        sandboxed.launch(replace(request, order=order))
        ended(sandboxed.directory, name)

    assert text_of(sandboxed, "second", Step.AGENT).splitlines() == [
        f"{second}: written",
        f"{first}: absent",
        f"{second}: present",
    ]
    assert first.read_text() == "written"


def test_no_room_where_nothing_is_named(executor: ProcessExecutor) -> None:
    """A project that says nothing leaves nothing."""
    request = caching(executor, "run", 5)
    executor.launch(replace(request, order=replace(request.order, setup_cache_key=[])))
    ended(executor.directory, "run")

    assert not room(executor).exists()
