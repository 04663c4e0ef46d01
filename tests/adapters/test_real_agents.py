"""The table of what may happen to an agent, each row with each agent's real program and a scripted model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from runtime.parts import PREFIX, Collector
from simulators.model.script import Call, Turn, Usage
from simulators.model.server import ModelServer
from tests.adapters import hostile
from tests.adapters.cases import planning
from tests.adapters.conftest import KEY, MODELS, WORK, RealAgent
from tests.runtime.conftest import FILES, Project, git

SOON = {"retry-after-ms": "20", "retry-after": "0"}
PATIENCE_SECONDS = 240
LONG = " ".join(f"{number * 7919 % 99991:x}" for number in range(120_000))
FEWER_RETRIES = (
    "import sys, runtime.adapters.course as c; c.RETRIES = 1; from runtime.__main__ import main; sys.exit(main())"
)


def test_does_the_work(agent: RealAgent) -> None:
    """The change is handed over; log, current line, last words, session, turns, tokens and costs are there."""
    run = agent.run(*WORK)

    assert run.result.ok, (run.result, run.log)
    assert handed_over(agent.project) == {"new.txt": "A"}
    assert run.result.summary == "Added a file.\n\nIt is new."
    assert (run.result.turns, run.result.tokens) == (3, 4150)
    assert 0.001 < run.result.cost_usd < 0.1
    assert run.result.session
    log = [line for line in run.log.splitlines() if not line.startswith("@")]
    assert {"I look.", "$ echo seen; ls", "It is new."} <= set(log)
    progress = [event.text for event in run.events if event.kind == "progress"]
    assert progress[0] == "Running `echo seen; ls`"
    assert agent.name == "codex" or progress[1] == "Writing `new.txt`"


def test_asks_the_model_as_it_should(agent: RealAgent) -> None:
    """With the key, the order's model, our words first, and the instructions of the default branch alone."""
    agent.project.commit(FILES | dict.fromkeys(("CLAUDE.md", "AGENTS.md", "GEMINI.md"), "Mind the default branch.\n"))
    agent.project.commit(dict.fromkeys(("CLAUDE.md", "AGENTS.md", "GEMINI.md"), "Mind the branch.\n"), "feature")

    run = agent.run(Turn(text="Done."))

    assert run.result.ok, (run.result, run.log)
    asked = agent.model.turns[0]
    sent = json.dumps(asked.body)
    assert KEY in json.dumps(dict(asked.headers))
    assert KEY not in sent
    assert MODELS[agent.name].rpartition("/")[2] in sent + asked.path
    assert "Work on the task below" in sent
    assert "Add a /health endpoint" in sent
    assert "Mind the default branch." in sent
    assert "Mind the branch." not in sent


def test_shows_the_checklist(agent: RealAgent) -> None:
    """The agent's own list is told as it stands; Codex offers its models no tool for one."""
    run = agent.run(*(Turn(calls=calls) for calls in planning(agent.name)), Turn(text="Done."))

    lists = [event.items for event in run.events if event.kind == "checklist"]
    told = [(("One", "active"), ("Two", "pending")), (("One", "done"), ("Two", "pending"))]
    assert lists[-2:] == ([] if agent.name == "codex" else told)


@pytest.mark.parametrize("status", [400, 404, 413, 429, 500, 529])
def test_names_an_error_of_the_api(agent: RealAgent, status: int) -> None:
    """Each ends the run soon, as the model's failure, with what the API said."""
    agent.project.program = [sys.executable, "-c", FEWER_RETRIES]

    run = agent.run(Turn(status=status, message="so says the script", times=99, headers=SOON))

    assert (run.result.ok, run.result.failure) == (False, "model"), (run.result, run.log)
    assert "ended with code" in run.result.detail
    assert (
        str(status) in run.result.detail
        or "so says the script" in run.result.detail
        or "high demand" in run.result.detail
    )
    assert not agent.kept()


@pytest.mark.parametrize("status", [401, 403])
def test_names_a_refused_key(agent: RealAgent, status: int) -> None:
    """The operator is told to renew it; the key is nowhere in the log."""
    agent.project.program = [sys.executable, "-c", FEWER_RETRIES]

    run = agent.run(Turn(status=status, message="no such key", times=99, headers=SOON))

    assert (run.result.ok, run.result.failure) == (False, "credentials"), (run.result, run.log)
    assert KEY not in run.log + run.result.detail


def test_gives_up_on_a_model_that_is_out_of_reach(agent: RealAgent) -> None:
    """A refused connection ends the run, although two of the agents would wait for ever."""
    agent.project.program = [sys.executable, "-c", FEWER_RETRIES]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        agent.url = f"http://127.0.0.1:{closed.getsockname()[1]}"

        run = agent.run()

    assert (run.result.ok, run.result.failure) == (False, "model"), (run.result, run.log)


def test_goes_on_when_the_model_was_busy(agent: RealAgent) -> None:
    """A call that fails once is made again, and people see that."""
    run = agent.run(Turn(status=529, message="busy", headers=SOON), Turn(text="Done."))

    assert run.result.ok, (run.result, run.log)
    if agent.name != "codex":  # it repeats a call once before it says so
        assert "retry 1 of 4" in " ".join(event.text for event in run.events if event.kind == "progress")


def test_goes_on_after_a_cut_answer(agent: RealAgent) -> None:
    """An answer that breaks off is asked for again; Gemini CLI ends, and says so."""
    run = agent.run(Turn(text="Half an answer", cut=True), Turn(text="Done."), Turn(text="Done."))

    if agent.name == "gemini":
        assert (run.result.ok, run.result.failure) == (False, "model"), (run.result, run.log)
    else:
        assert (run.result.ok, run.result.summary) == (True, "Done."), (run.result, run.log)


def test_stops_at_the_limit_of_turns(agent: RealAgent) -> None:
    """A third call to the model is not made, and the step says why."""
    more = Turn(calls=(Call("run", {"command": "true"}),), times=50)

    run = agent.run(more, max_turns=2)

    assert (run.result.ok, run.result.failure) == (False, "turns"), (run.result, run.log)
    assert "of 2 turns" in run.result.detail
    assert len(agent.model.turns) <= 6


def test_stops_at_the_budget(agent: RealAgent) -> None:
    """It ends soon after the sum is spent, also where the agent knows no prices."""
    more = Turn(calls=(Call("run", {"command": "true"}),), times=50)

    run = agent.run(more, budget_usd=0.004)

    assert (run.result.ok, run.result.failure) == (False, "budget"), (run.result, run.log)
    assert run.result.cost_usd >= 0.004
    assert len(agent.model.turns) < 12


def test_ends_with_the_step(agent: RealAgent) -> None:
    """TERM to the step leaves no process of the agent's."""
    with under_way(agent, Turn(delay_seconds=600)) as step:
        wait_until(lambda: agent.model.turns)
        step.send_signal(signal.SIGTERM)

        assert step.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM
    assert processes(agent.project) == []


def test_names_a_killed_agent(agent: RealAgent) -> None:
    """An agent that the system kills has failed, and leaves nothing behind."""
    with under_way(agent, Turn(delay_seconds=600)) as step:
        wait_until(lambda: agent.model.turns)
        for child in children(step.pid):
            os.kill(child, signal.SIGKILL)

        assert step.wait(PATIENCE_SECONDS) == 1
    result = json.loads((agent.project.folder / "agent.json").read_text())
    assert result["failure"] == "agent"
    assert "code -9" in result["detail"]
    assert processes(agent.project) == []


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param([Turn(delay_seconds=600)], id="before"),
        pytest.param([WORK[0], Turn(text="Half an answer", stall_seconds=600)], id="during"),
    ],
)
def test_ends_an_agent_that_waits_for_ever(agent: RealAgent, turns: list[Turn]) -> None:
    """A model that falls silent ends the run as stalled, and nothing of the agent is left."""
    # Two of them take their time to start, and one prints nothing before the model's first answer.
    run = agent.run(*turns, idle_timeout_seconds={"gemini": 20, "opencode": 45}.get(agent.name, 10))

    assert (run.result.ok, run.result.failure) == (False, "stalled"), (run.result, run.log)
    assert len(agent.model.turns) >= len(turns)
    assert processes(agent.project) == []


def test_is_not_held_by_what_it_left_behind(agent: RealAgent) -> None:
    """A process that it started in the background, and that ignores TERM, does not outlive it, nor lose its result."""
    left = "(trap '' TERM; while :; do tail -f /dev/null; done) >/dev/null 2>&1 & echo started"

    run = agent.run(Turn(calls=(Call("run", {"command": left}),)), Turn(text="Done."), idle_timeout_seconds=60)

    assert (run.result.ok, run.result.summary) == (True, "Done."), (run.result, run.log)
    assert processes(agent.project) == []


def test_bears_a_command_that_floods(agent: RealAgent) -> None:
    """Megabytes of a command's output do no harm."""
    flood = "head -c 8000000 /dev/zero | tr '\\0' x; echo; head -c 3000000 /dev/zero | tr '\\0' '\\n'"

    run = agent.run(Turn(calls=(Call("run", {"command": flood}),)), Turn(text="Done."))

    assert (run.result.ok, run.result.summary) == (True, "Done."), (run.result, run.log[-2000:])
    assert len(run.log) < 100_000


def test_ends_an_agent_that_floods(agent: RealAgent) -> None:
    """An answer without end is cut off at the limit of output."""
    more = (Call("run", {"command": "true"}),)

    run = agent.run(Turn(text=LONG, calls=more), Turn(text="Done.", delay_seconds=60), output_limit_bytes=200_000)

    assert (run.result.ok, run.result.failure) == (False, "output"), (run.result, run.log[-2000:])


def test_is_not_turned_by_a_hostile_repository(agent: RealAgent, mark: Path) -> None:
    """Nothing of it runs, nothing is redirected, nothing is told to the model, and nothing of it is lost."""
    with ModelServer(Turn(text="I am evil.", times=99)) as evil:
        agent.project.commit(hostile.files(mark, evil.url), "feature")

        run = agent.run(*WORK)

        assert run.result.ok, (run.result, run.log)
        assert evil.requests == []
    assert list(mark.iterdir()) == []
    sent = json.dumps([request.body for request in agent.model.requests])
    assert hostile.CANARY not in sent
    assert "Be brief." in sent
    assert handed_over(agent.project) == {"new.txt": "A"}


def test_goes_on_with_an_earlier_session(agent: RealAgent) -> None:
    """The model is told the earlier run's words; tokens and costs are this run's alone. opencode begins afresh."""
    collector = Collector()
    first = agent.run(Turn(text="I remember a lamp.", usage=Usage(5000, 500)))
    parts = [collector.take(line) for line in first.log.splitlines() if line.startswith(PREFIX)]
    transcript = parts[-1] if parts else None
    known = (
        {"resume_session": transcript.session, "transcript": transcript.packed, "transcript_name": transcript.name}
        if transcript
        else {}
    )
    shutil.rmtree(agent.project.workspace)
    agent.model.requests.clear()

    second = agent.run(Turn(text="Again.", usage=Usage(1000, 50)), prompt="And now?", **known)

    assert (second.result.ok, second.result.summary) == (True, "Again."), (second.result, second.log)
    assert ("I remember a lamp." in json.dumps(agent.model.turns[0].body)) == (agent.name != "opencode")
    assert (second.result.tokens, second.result.turns) == (1050, 1)
    assert second.result.cost_usd < first.result.cost_usd


def test_starts_its_mcp_servers(agent: RealAgent, mark: Path) -> None:
    """One is asked for its tools, with its credential and none of it in an argument; one that is not there is told."""
    program = Path(__file__).with_name("mcp_server.py")
    servers = {
        "desk": {
            "command": sys.executable,
            "args": [str(program), str(mark / "asked")],
            "env": {"DESK": "${DESK_TOKEN}"},
        },
        "gone": {"command": "/nowhere/server"},
    }
    agent.more = {"DESK_TOKEN": "canary-of-the-desk", "ABLEHAND_MCP_VARIABLES": "DESK_TOKEN"}

    run = agent.run(Turn(text="Done.", delay_seconds=2), mcp_servers=servers)

    assert run.result.ok, (run.result, run.log)
    asked = [json.loads(line) for line in (mark / "asked").read_text().splitlines()]
    assert len({one["client"] for one in asked}) == 2, "the check before the agent, and the agent"
    assert {one["DESK"] for one in asked} == {"canary-of-the-desk"}
    assert not any("canary-of-the-desk" in one["arguments"] for one in asked)
    assert "MCP server gone does not work" in run.log


def handed_over(project: Project) -> dict[str, str]:
    """Give what the bundle changes: a path and how."""
    bundle, base = str(project.handover / "change.bundle"), project.order.base_commit
    git("fetch", "-q", bundle, "refs/ablehand/change:refs/heads/bundled", at=project.bare)
    lines = git("diff", "--name-status", base, "bundled", at=project.bare).splitlines()
    return {path: how for how, _, path in (line.partition("\t") for line in lines)}


def under_way(agent: RealAgent, *turns: Turn) -> subprocess.Popen[bytes]:
    """Start the agent step and leave it running."""
    agent.model.script.set(*turns)
    agent.project.succeed("prepare")
    return agent.project.start("agent", agent.variables())


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """List the children of a process."""
    return [
        int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()
    ]


def processes(project: Project) -> list[str]:
    """List the command lines of all that still runs with the agent's HOME."""
    home = f"HOME={project.workspace / 'home'}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if home in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found
