"""agent-setup.sh: which copy runs, with what, and how it may fail."""

from __future__ import annotations

import pytest

from tests.runtime.conftest import Project, StepRun, alive


def run_with(project: Project, script: str, **variables: str) -> StepRun:
    """Put a script on main and run the agent step after it."""
    project.commit({"agent-setup.sh": script})
    project.agent("print('agent ran')")
    project.succeed("prepare")
    return project.run("agent", variables)


def test_runs_before_the_agent(project: Project) -> None:
    """It runs with bash in the work tree, and may find itself there."""
    run = run_with(
        project, 'set -eu\ncd "$(dirname "$0")"\ntest -f server.go\necho "setup ran in $(basename "$PWD")"\n'
    )

    assert run.result.ok, run.log
    assert run.log.index("setup ran in repo") < run.log.index("agent ran")
    assert run.marks == ["began setup", "ended setup", "began agent", "ended agent"]


def test_runs_the_default_branchs_copy(project: Project) -> None:
    """A branch's own script is a file like others."""
    project.commit({"agent-setup.sh": "echo from main\n"})
    project.commit({"agent-setup.sh": "echo from branch\n"}, branch="feature")
    project.agent("print('agent ran')")
    project.succeed("prepare")

    run = project.succeed("agent")

    assert "from main" in run.log
    assert "from branch" not in run.log


def test_has_no_key_in_its_environment(project: Project) -> None:
    """The model's key and our own variables are the agent's or nobody's."""
    run_with(
        project,
        "env > ../environment\n",
        ANTHROPIC_API_KEY="sk-ant-canary",
        CLAUDE_CODE_TOKEN="claude-canary",
        MCP_TOKEN="mcp-canary",
        ABLEHAND_AGENT_VARIABLES="MCP_TOKEN",
    )

    own = (project.workspace / "environment").read_text()
    assert "HOME=" in own
    assert "canary" not in own
    assert "ABLEHAND" not in own


def test_may_be_required(project: Project) -> None:
    """Where the project asks for it, its absence is a failure."""
    project.agent("print('agent ran')")
    project.change(setup_required=True)
    project.succeed("prepare")

    run = project.run("agent")

    assert run.result.failure == "setup-missing"
    assert "agent ran" not in run.log


def test_shows_its_last_lines_when_it_fails(project: Project) -> None:
    """Twenty lines are kept, and the agent is not started."""
    run = run_with(
        project, "for i in $(seq 100); do echo line $i; done\nprintf '\\033[31mbroken\\033[0m\\n' >&2\nexit 7\n"
    )

    lines = run.result.detail.splitlines()
    assert run.result.failure == "setup"
    assert lines[0] == "agent-setup.sh ended with code 7"
    assert len(lines) == 21
    assert {"broken", "line 100"} <= set(lines)
    assert "agent ran" not in run.log


@pytest.mark.parametrize(
    ("change", "script", "words"),
    [
        pytest.param({"setup_timeout_seconds": 1}, "sleep 300\n", "did not end within 1 s", id="hangs"),
        pytest.param({"output_limit_bytes": 50_000}, "yes\n", "printed more than 50000 bytes", id="floods"),
    ],
)
def test_is_ended_at_its_limits(project: Project, change: dict[str, int], script: str, words: str) -> None:
    """Time and output are bounded."""
    project.change(**change)

    run = run_with(project, script)

    assert run.result.failure == "setup"
    assert words in run.result.detail


def test_may_leave_a_service_for_the_agent(project: Project) -> None:
    """What it starts in the background goes on beside the agent, holds nothing up, and is gone at the end."""
    script = "(while true; do date > ../alive; sleep 0.05; done) &\necho $! > ../pid\n"
    project.commit({"agent-setup.sh": script})
    project.agent(
        "import os, time, pathlib; alive = pathlib.Path('../alive'); end = time.monotonic() + 20\n"
        "while not alive.exists() and time.monotonic() < end: time.sleep(0.01)\n"
        "os.kill(int(pathlib.Path('../pid').read_text()), 0); print('service is up')"
    )
    project.succeed("prepare")

    run = project.succeed("agent")

    assert "service is up" in run.log
    assert not alive(int((project.workspace / "pid").read_text()))
