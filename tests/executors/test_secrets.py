"""Which step has which secret, and that no other place has any."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.contract import Step
from tests.executors.runs import READ_TOKEN, WRITE_TOKEN, ended, request_for, text_of, until
from worker.executors.process import ProcessExecutor
from worker.executors.run_directory import RunDirectory

CANARIES = (READ_TOKEN, WRITE_TOKEN, "canary-model")
DUMP_ALL: dict[str, list[list[object]]] = {step: [["environment", ""]] for step in Step}


def test_each_step_has_its_own_secret_alone(executor: ProcessExecutor) -> None:
    """A step's environment is small and holds its own secret and nobody else's."""
    executor.launch(request_for("run", DUMP_ALL))
    ended(executor.directory, "run")
    found = {step: json.loads(text_of(executor, "run", step).splitlines()[0]) for step in Step}

    plain = {"PATH", "LANG", "HOME", "TMPDIR", "PYTHONUNBUFFERED", "ABLEHAND_RUN", "LC_CTYPE"}
    secret = {step: {name: values[name] for name in sorted(set(values) - plain)} for step, values in found.items()}
    assert secret == {
        Step.PREPARE: {"ABLEHAND_GIT_TOKEN": READ_TOKEN},
        Step.AGENT: {
            "ABLEHAND_AGENT_VARIABLES": "MODEL_KEY,MODEL_URL",
            "MODEL_KEY": "canary-model",
            "MODEL_URL": "http://model.invalid",
        },
        Step.PUBLISH: {"ABLEHAND_GIT_TOKEN": WRITE_TOKEN},
    }
    run = executor.directory / "run"
    assert [found[step]["HOME"] for step in Step] == [
        f"{run}/work/home",
        f"{run}/work/home",
        f"{run}/publish-work/home",
    ]


def test_mcp_credentials_go_to_the_agent_step_apart(executor: ProcessExecutor) -> None:
    """Named for what they are, so that the runtime keeps them from the agent's own environment."""
    request = replace(request_for("run", DUMP_ALL), mcp_variables={"TRACKER_TOKEN": "canary-tracker"})
    executor.launch(request)
    ended(executor.directory, "run")
    found = {step: json.loads(text_of(executor, "run", step).splitlines()[0]) for step in Step}

    assert found[Step.AGENT]["TRACKER_TOKEN"] == "canary-tracker"
    assert found[Step.AGENT]["ABLEHAND_MCP_VARIABLES"] == "TRACKER_TOKEN"
    assert "canary-tracker" not in f"{found[Step.PREPARE]} {found[Step.PUBLISH]}"


@pytest.mark.parametrize("name", ["executor", "sandboxed"])
def test_agent_sees_no_gitlab_token(request: pytest.FixtureRequest, name: str) -> None:
    """The agent's environment, every process's that it can read, and all files of its run hold no GitLab token.

    Without bubblewrap that holds while no other run of the same user is in prepare or publish; see the next test.
    """
    executor: ProcessExecutor = request.getfixturevalue(name)
    executor.launch(request_for("run", DUMP_ALL))
    ended(executor.directory, "run")
    seen = text_of(executor, "run", Step.AGENT)

    assert "canary-model" in seen
    assert "/proc/" in seen
    assert "order.json" in seen
    assert READ_TOKEN not in seen
    assert WRITE_TOKEN not in seen


def test_sandboxed_agent_sees_nothing_of_another_run(sandboxed: ProcessExecutor) -> None:
    """While another run's prepare holds its token, an agent under bubblewrap finds no trace of it."""
    sandboxed.launch(request_for("other", {"prepare": [["wait", "go"]]}))
    sandboxed.launch(request_for("run", DUMP_ALL))
    ended(sandboxed.directory, "run")
    seen = text_of(sandboxed, "run", Step.AGENT)

    assert READ_TOKEN not in seen
    assert f"{sandboxed.directory}/other" not in seen
    assert f"file {sandboxed.directory}/run/order.json" in seen


def test_no_secret_in_files_arguments_or_the_supervisor(executor: ProcessExecutor) -> None:
    """No file of the run holds a secret, no command line does, and the supervisor's environment does not."""
    executor.launch(request_for("run", {"agent": [["wait", "go"]]}))
    run = RunDirectory(executor.directory / "run")
    until(lambda: run.has("agent.log"))
    supervisor = run.read_values("started.json")["pid"]
    processes = [directory for directory in Path("/proc").glob("[0-9]*") if directory.is_dir()]
    texts = [path.read_bytes() for path in run.path.rglob("*") if path.is_file()]
    texts += [_read(directory / "cmdline") for directory in processes]
    texts.append(Path(f"/proc/{supervisor}/environ").read_bytes())
    (run.path / "work" / "go").touch()

    assert len(texts) > 5
    assert [canary for canary in CANARIES for text in texts if canary.encode() in text] == []


def test_run_directory_is_its_users_alone(executor: ProcessExecutor) -> None:
    """Nobody else on the machine may look into a run."""
    executor.launch(request_for("run"))

    assert (executor.directory / "run").stat().st_mode & 0o777 == 0o700


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
