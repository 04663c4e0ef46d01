"""The agent step with the adapter ``command``: environment, limits, forged lines, and what becomes of the work tree."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

from tests.runtime.conftest import FILES, SOURCES, Project, StepRun, alive, git


@pytest.fixture
def prepared(project: Project) -> Project:
    """Give a project whose work tree is there."""
    project.succeed("prepare")
    return project


def run_agent(project: Project, source: str, **variables: str) -> StepRun:
    """Run the agent step with a small program as the agent."""
    project.agent(source)
    return project.run("agent", variables)


def bundled(project: Project) -> dict[str, str]:
    """Give the files that the bundle would change, and their content."""
    bundle, base = str(project.handover / "change.bundle"), project.order.base_commit
    git("fetch", "-q", bundle, "refs/ablehand/change:refs/heads/bundled", at=project.bare)
    names = git("diff", "--name-only", base, "bundled", at=project.bare).splitlines()
    exists = set(git("ls-tree", "-r", "--name-only", "bundled", at=project.bare).splitlines())
    return {name: git("show", f"bundled:{name}", at=project.bare) for name in names if name in exists}


def test_gives_the_prompt_and_the_places(prepared: Project) -> None:
    """The prompt is on stdin and in a file; the context is a folder; the directory is the work tree."""
    source = """
import os, sys, pathlib
prompt = sys.stdin.read()
assert prompt == pathlib.Path(os.environ["ABLEHAND_PROMPT_FILE"]).read_text() == "Add a /health endpoint"
assert pathlib.Path(os.environ["ABLEHAND_CONTEXT_DIR"]).is_dir()
assert (pathlib.Path(os.environ["ABLEHAND_INSTRUCTIONS_DIR"]) / "CLAUDE.md").is_file()
assert pathlib.Path("server.go").exists() and os.environ["HOME"].endswith("/workspace/home")
print("All there.")
"""
    run = run_agent(prepared, source)

    assert run.result.ok, run.log
    assert run.result.summary == "All there."
    assert run.marks == ["skipped setup", "began agent", "ended agent"]


def test_keeps_our_secrets_from_the_agent(prepared: Project) -> None:
    """The agent has the model's variables and those named for it, and nothing else of ours."""
    run = run_agent(
        prepared,
        "import os; print(sorted(os.environ))",
        ABLEHAND_GIT_TOKEN="glpat-never",
        ABLEHAND_REDIS_URL="redis://secret",
        DATABASE_PASSWORD="never",
        ANTHROPIC_API_KEY="sk-ant-canary",
        MY_MCP_TOKEN="mcp-canary",
        JAVA_HOME="/java",
        ABLEHAND_AGENT_VARIABLES="MY_MCP_TOKEN, ABLEHAND_GIT_TOKEN",
        ABLEHAND_TOOL_VARIABLES="JAVA_HOME",
    )

    names = set(eval(next(line for line in run.log.splitlines() if line.startswith("["))))  # noqa: S307 - our own list
    assert {"ANTHROPIC_API_KEY", "MY_MCP_TOKEN", "JAVA_HOME", "PATH", "TMPDIR"} <= names
    assert not names & {"ABLEHAND_GIT_TOKEN", "ABLEHAND_REDIS_URL", "DATABASE_PASSWORD", "ABLEHAND_AGENT_VARIABLES"}


def test_takes_the_models_key_out_of_the_log(prepared: Project) -> None:
    """An agent that prints its environment does not put the key into the log or the result."""
    source = "import os; print(os.environ['ANTHROPIC_API_KEY']); raise SystemExit(3)"

    run = run_agent(prepared, source, ANTHROPIC_API_KEY="sk-ant-canary")

    assert "sk-ant-canary" not in run.log + run.result.detail + run.result.summary
    assert "[secret]" in run.log
    assert run.result.detail == "the command ended with code 3\n[secret]"


def test_accepts_progress_and_escapes_forged_events(prepared: Project) -> None:
    """A command may tell progress; it may not end a step, not even behind a line separator or a colour."""
    events = [
        {"kind": "progress", "text": "Editing\u0007  it", "turns": 4, "cost_usd": 0.5},
        {"kind": "checklist", "items": [["Write", "active"], ["Test", "nonsense"]]},
        {"kind": "ended", "mark": "push", "text": "forged"},
        {"kind": "progress", "turns": -1, "cost_usd": "free"},
    ]
    lines = ["@ablehand " + json.dumps(event) for event in events]
    lines += ['\x1b[0m@ablehand {"kind":"began"}', "x\u2028" + lines[2], "\0" + lines[2], "y\r" + lines[2]]

    run = run_agent(prepared, f"print({chr(10).join(lines)!r})")

    shown = [(event.kind, event.text, event.items) for event in run.events if not event.mark]
    assert shown == [
        ("progress", "Editing it", ()),
        ("checklist", "", (("Write", "active"),)),
        ("progress", "", ()),
    ]
    assert run.marks == ["skipped setup", "began agent", "ended agent"]
    assert (run.result.turns, run.result.cost_usd) == (0, 0.0)


def test_takes_the_summary_from_its_file(prepared: Project) -> None:
    """The file wins over the last lines, and lone surrogates do no harm."""
    source = (
        "import os; open(os.environ['ABLEHAND_SUMMARY_FILE'],'wb').write(b'# Done\\n\\xed\\xa0\\x80'); print('bye')"
    )

    summary = run_agent(prepared, source).result.summary

    assert summary.startswith("# Done\n")


@pytest.mark.parametrize("trick", ["os.symlink('/etc/passwd', path)", "os.mkfifo(path)", "os.mkdir(path)"])
def test_opens_only_a_plain_summary(prepared: Project, trick: str) -> None:
    """A link, a pipe or a folder in the summary's place is passed over."""
    run = run_agent(prepared, f"import os; path = os.environ['ABLEHAND_SUMMARY_FILE']; {trick}; print('last words')")

    assert run.result.summary == "last words"


STUBBORN = """
import os, signal, subprocess, sys, time, pathlib
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal,time; signal.signal(15, 1); time.sleep(300)"])
daemon = subprocess.Popen(["sleep", "300"], start_new_session=True)
print("pids", os.getpid(), child.pid, daemon.pid, flush=True)
"""


@pytest.mark.parametrize(
    ("change", "source", "failure", "words"),
    [
        pytest.param({"idle_timeout_seconds": 1}, "time.sleep(300)", "stalled", "printed nothing for 1 s", id="silent"),
        pytest.param(
            {"agent_timeout_seconds": 1},
            "while True: print('.', flush=True); time.sleep(0.01)",
            "timeout",
            "was not done after 1 s",
            id="endless",
        ),
        pytest.param(
            {"output_limit_bytes": 100_000}, "while True: print('x' * 999)", "output", "more than 100000", id="flood"
        ),
        pytest.param(
            {"output_limit_bytes": 100_000},
            "while True: os.write(1, b'x' * 999)",
            "output",
            "more than 100000",
            id="flood-without-newline",
        ),
    ],
)
def test_ends_an_agent_at_its_limits(
    prepared: Project, change: dict[str, int], source: str, failure: str, words: str
) -> None:
    """The agent, its children that ignore TERM, and its daemons are gone when the step is."""
    prepared.change(**change)

    run = run_agent(prepared, STUBBORN + source)

    assert run.result.failure == failure
    assert words in run.result.detail
    pids = next(line for line in run.log.splitlines() if line.startswith("pids")).split()[1:]
    assert [pid for pid in pids if alive(int(pid))] == []


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        pytest.param({"agent_timeout_seconds": 1, "idle_timeout_seconds": 60}, "timeout", id="slow"),
        pytest.param({"agent_timeout_seconds": 60, "idle_timeout_seconds": 1}, "stalled", id="silent"),
    ],
)
def test_hands_over_what_was_done_in_time(prepared: Project, change: dict[str, int], failure: str) -> None:
    """Where the project wants it: the work so far, said to be unfinished, also of an agent that ignores TERM."""
    prepared.change(publish_on_timeout=True, **change)

    run = run_agent(prepared, STUBBORN + "open('half.txt', 'w').write('half'); time.sleep(300)")

    assert (run.code, run.result.ok, run.result.partial, run.result.failure) == (0, True, True, failure)
    assert bundled(prepared) == {"half.txt": "half"}
    assert prepared.succeed("publish").result.commit == prepared.pushed()


def test_fails_where_nothing_was_done_in_time(prepared: Project) -> None:
    """An empty draft would help nobody."""
    prepared.change(publish_on_timeout=True, agent_timeout_seconds=1)

    run = run_agent(prepared, "import time; time.sleep(300)")

    assert (run.code, run.result.ok, run.result.partial, run.result.failure) == (1, False, False, "timeout")


def test_takes_its_children_along_when_it_is_ended(prepared: Project) -> None:
    """TERM to the step ends the agent in its own session, too."""
    prepared.agent("import os, time; print(os.getpid(), flush=True); time.sleep(300)")
    order = prepared.folder / "order.json"
    order.write_text(prepared.order.to_json())
    command = [sys.executable, "-m", "runtime", "agent", "--order", str(order), "--workspace", str(prepared.workspace)]
    command += ["--handover", str(prepared.handover), "--result", str(prepared.folder / "result")]
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_CLOSE, reader)]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES)}
    step = os.posix_spawn(sys.executable, command, environ, file_actions=actions)
    os.close(writer)
    with os.fdopen(reader) as log:
        agent = next(int(line) for line in log if line.strip().isdigit())
        os.kill(step, signal.SIGTERM)
        log.read()
    status = os.waitpid(step, 0)[1]

    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGTERM
    assert not alive(agent)


@pytest.mark.parametrize("command", [[], ["/nowhere/agent"], ["no-such-agent"], ["./README.md"]])
def test_names_an_agent_that_is_not_there(prepared: Project, command: list[str]) -> None:
    """A missing or unstartable program is its own failure."""
    prepared.change(agent_command=command)

    assert prepared.run("agent").result.failure == "agent-missing"


def test_names_an_agent_that_it_does_not_know(prepared: Project) -> None:
    """An order for an agent without an adapter fails as such."""
    prepared.change(agent="copilot")

    assert prepared.run("agent").result.detail == "this runtime has no adapter for the agent 'copilot'"


def test_shows_the_last_lines_of_a_failed_agent(prepared: Project) -> None:
    """Exit code and last lines are the detail; nothing is handed over."""
    run = run_agent(prepared, "import sys; open('x','w'); print('trying'); sys.exit('no credit')")

    assert run.result.failure == "agent"
    assert run.result.detail.splitlines()[0] == "the command ended with code 1"
    assert {"trying", "no credit"} == set(run.result.detail.splitlines()[1:])
    assert not (prepared.handover / "change.bundle").exists()


GIT = "import subprocess as s; git = lambda *a: s.run(['git', *a], check=True); open('new.txt','w').write('new\\n')\n"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("", id="left"),
        pytest.param("git('add', '-A')", id="staged"),
        pytest.param("git('add', '-A'); git('commit', '-qm', 'mine')", id="committed"),
        pytest.param(
            "git('add','-A'); git('commit','-qm','a'); git('commit','-q','--allow-empty','-m','b')", id="twice"
        ),
        pytest.param("git('checkout','-q','--detach'); git('add','-A'); git('commit','-qm','mine')", id="detached"),
        pytest.param("git('checkout','-q','--orphan','o'); git('add','-A'); git('commit','-qm','mine')", id="orphan"),
        pytest.param("git('add','-A'); git('commit','-qm','a'); git('reset','-q','--soft','HEAD~1')", id="reset"),
        pytest.param("open('.git/index.lock','w')", id="locked"),
        pytest.param("git('config','core.bare','true')", id="bare"),
        pytest.param("open('.git/hooks-x','w'); git('config','core.hooksPath','.git')", id="hooks"),
    ],
)
def test_hands_over_what_is_in_the_work_tree(prepared: Project, source: str) -> None:
    """However the agent left its repository, the bundle has the tree on the base."""
    run = run_agent(prepared, GIT + source)

    assert run.result.ok, run.log
    assert bundled(prepared) == {"new.txt": "new"}


def test_leaves_out_what_is_ignored_and_takes_deletions(project: Project) -> None:
    """The project's .gitignore counts."""
    project.commit(FILES | {".gitignore": "build/\n"})
    project.succeed("prepare")

    source = "import os; os.mkdir('build'); open('build/x','w'); os.remove('README.md'); open('a b','w').write('x')"
    run_agent(project, source)

    bundled(project)
    changes = git("diff", "--name-status", project.order.base_commit, "bundled", at=project.bare)
    assert changes.splitlines() == ["D\tREADME.md", "A\ta b"]


def test_says_so_when_the_repository_is_gone(prepared: Project) -> None:
    """An agent that deletes .git fails; no repository further up is touched in its place."""
    git("init", "-q", at=prepared.workspace)

    run = run_agent(prepared, "import shutil; shutil.rmtree('.git'); open('x','w')")

    assert (run.result.failure, run.result.detail) == ("agent", "the agent has removed the repository (.git)")


def test_leaves_no_bundle_of_the_agents_own(prepared: Project) -> None:
    """What the agent put where the bundle goes is removed when it has changed nothing."""
    bundle = prepared.handover / "change.bundle"

    run = run_agent(prepared, f"open({str(bundle)!r}, 'w').write('# v2 git bundle')")

    assert run.result.ok
    assert not bundle.exists()
