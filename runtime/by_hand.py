"""A whole task without Ablehand: ``python -m runtime task``, to try out a setup script, an agent, or an image.

It does what the worker does for the three steps: finds the commit to start from, writes the order, gives each step its
own secrets, and shows what they print. Nothing is pushed unless it is asked for.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from runtime.contract import GIT_TOKEN_VARIABLE, Failure, Order, Step, StepResult, decode_event, decode_result
from runtime.git import Git
from runtime.parts import PREFIX
from runtime.remote import check_url
from runtime.sandbox import StepFailed

PACKAGE_FOLDER: Final = Path(__file__).resolve().parents[1]
EPILOG: Final = f"""\
environment:
  {GIT_TOKEN_VARIABLE}     token for GitLab, if the project is not public; prepare and publish have it, the agent not
  ANTHROPIC_API_KEY      the model's key, for the agent claude; also ANTHROPIC_AUTH_TOKEN, ANTHROPIC_BASE_URL
  ABLEHAND_AGENT_VARIABLES, ABLEHAND_TOOL_VARIABLES
                         names, separated by commas, of further variables: for the agent alone; for agent-setup.sh too
"""


def main(arguments: Sequence[str]) -> int:
    """Run the task that the command line describes; the exit code is 0 where it reached its goal."""
    options = _parser().parse_args(arguments)
    workspace: Path = options.workspace.absolute()
    if workspace.exists() and any(workspace.iterdir()):
        sys.exit(f"{workspace} is not empty: name another --workspace, or remove it.")
    try:
        workspace.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"{workspace} can't be made: let user {os.geteuid()} write there, or name another ({error.strerror}).")
    try:
        order = _order(options, workspace)
    except StepFailed as failed:
        sys.exit(f"{failed.failure}: {failed.detail}")
    (workspace / "order.json").write_text(order.to_json())
    for step in (Step.PREPARE, Step.AGENT, *([Step.PUBLISH] if options.push else [])):
        result = _run(step, workspace)
        if not result.ok:
            _say(f"\n{step} failed, {result.failure}: {result.detail}\nWhat is there is in {workspace}.")
            return 1
    _tell(result, workspace, pushed=options.push)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runtime task", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--clone-url", required=True, help="the repository, http or https, without credentials")
    add("--branch", default="", help="where to start from; the default branch if it is left out")
    add("--prompt", default="", help="what to do; - reads it from standard input")
    add("--agent", default="claude", help="claude (the default), or command")
    add("--agent-command", default="", help="for the agent command: the program and its arguments, as for a shell")
    add("--model", default="", help="the agent's own default if it is left out")
    add("--setup-only", action="store_true", help="clone and run agent-setup.sh, and no agent")
    add("--push", action="store_true", help="push the change to --push-branch, as Ablehand would")
    add("--push-branch", default="agent/by-hand", help="has to begin with agent/ and not to exist yet")
    add("--workspace", type=Path, default=Path("/tmp/task"), help="an empty folder, kept afterwards")  # noqa: S108
    add("--setup-timeout-seconds", type=int, default=600, help="for agent-setup.sh")
    add("--agent-timeout-seconds", type=int, default=3600, help="for the agent")
    return parser


def _order(options: argparse.Namespace, workspace: Path) -> Order:
    check_url(options.clone_url)
    order = Order(
        task_id=0,
        clone_url=options.clone_url,
        default_branch="",
        base_branch=options.branch,
        base_commit="",
        push_branch=options.push_branch,
        commit_message="Change made by hand with the runtime\n",
        author_name="Ablehand",
        author_email="ablehand@noreply.invalid",
        commit_time=int(time.time()),
        prompt=sys.stdin.read() if options.prompt == "-" else options.prompt,
        agent="command" if options.setup_only else options.agent,
        agent_command=["true"] if options.setup_only else shlex.split(options.agent_command),
        model=options.model,
        setup_required=options.setup_only,
        setup_timeout_seconds=options.setup_timeout_seconds,
        agent_timeout_seconds=options.agent_timeout_seconds,
    )
    return _started_from(order, workspace)


def _started_from(order: Order, workspace: Path) -> Order:
    """Ask the server for its default branch and for the commit to start from."""
    token = os.environ.get(GIT_TOKEN_VARIABLE, "")
    git = Git(repository=workspace, url=order.clone_url, token=token, timeout_seconds=order.git_timeout_seconds)
    answer = git.run("ls-remote", "--symref", order.clone_url, "HEAD", "refs/heads/*")
    if answer.code:
        raise StepFailed(Failure.CLONE, answer.last_error)
    lines = [line.split("\t") for line in answer.text.splitlines() if line.count("\t") == 1]
    heads = {name.removeprefix("refs/heads/"): commit for commit, name in lines if name.startswith("refs/heads/")}
    default = next((head.removeprefix("ref: refs/heads/") for head, _ in lines if head.startswith("ref: ")), "")
    branch = order.base_branch or default
    if branch not in heads:
        raise StepFailed(Failure.CLONE, f"there is no branch {branch!r}; there are: {', '.join(sorted(heads)[:20])}")
    return replace(order, default_branch=default or branch, base_branch=branch, base_commit=heads[branch])


def _run(step: Step, workspace: Path) -> StepResult:
    places = {
        "order": workspace / "order.json",
        "workspace": workspace / ("publish" if step is Step.PUBLISH else "work"),
        "handover": workspace / "handover",
        "result": workspace / f"{step}.json",
    }
    places["handover"].mkdir(exist_ok=True)
    environ = {
        name: value for name, value in os.environ.items() if step is not Step.AGENT or name != GIT_TOKEN_VARIABLE
    }
    command = [sys.executable, "-m", "runtime", step, *(f"--{name}={place}" for name, place in places.items())]
    child = subprocess.Popen(
        command, cwd=PACKAGE_FOLDER, env=environ, stdout=subprocess.PIPE, text=True, errors="replace"
    )
    for line in child.stdout or ():
        _show(line.rstrip("\n"))
    child.wait()
    result = decode_result(places["result"].read_text()) if places["result"].exists() else None
    return result or StepResult(ok=False, failure=Failure.INFRASTRUCTURE, detail=f"it ended with {child.returncode}")


def _show(line: str) -> None:
    event = decode_event(line)
    if event is None:
        shown = "" if line.startswith(PREFIX) else line
    elif event.kind in ("began", "ended"):
        shown = f"── {event.mark}" + (f" done in {event.seconds:.1f} s" if event.kind == "ended" else "")
    else:
        shown = f"   {event.text}" if event.text else ""
    if shown:
        _say(shown)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tell(result: StepResult, workspace: Path, *, pushed: bool) -> None:
    _say(f"\n{result.summary}".rstrip())
    if pushed:
        _say(f"\nPushed {result.commit} to {result.branch}." if result.commit else "\nNothing has changed.")
    _say(f"\nThe work tree is {workspace}/work/repo; see git -C {workspace}/work/repo diff HEAD.")
