"""From a comment to its merge request, beside the three runtime steps run by hand, in turns in one run.

Same repository (the demo's), same scripted agent, same GitLab. By hand: three commands, no sandbox, nobody told.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo.story import PROMPT
from demo.world import PROJECT_FILES
from runtime.contract import GIT_TOKEN_VARIABLE, Order, Step
from simulators.gitlab.records import Issue, Project
from tests.product.stack import Stack, run_stack

ROUNDS = 7
AGENT = [sys.executable, str(PROJECT_FILES.with_name("agent.py"))]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        # What an operator has, not what the tests hurry with.
        changes = {"retry_seconds": "10", "sweep_seconds": "300", "agent_command": shlex.join(AGENT)}
        with run_stack(Path(folder), **changes) as stack:
            files = {path.name: path.read_text("utf-8") for path in PROJECT_FILES.iterdir() if path.is_file()}
            project = stack.project(files=files)
            whole, hand = [], []
            for number in range(ROUNDS):
                whole.append(_whole_way(stack, stack.issue(project)))
                hand.append(_by_hand(stack, project, Path(folder) / f"hand-{number}", number))
    ours, theirs = statistics.median(whole), statistics.median(hand)
    print(f"comment to merge request {ours:.2f} s (asked: under 8 s); of each: {_figures(whole)}")
    print(f"three steps by hand      {theirs:.2f} s; of each: {_figures(hand)}")
    print(f"added {ours - theirs:.2f} s (asked: under 2 s), ratio {ours / theirs:.2f}")


def _whole_way(stack: Stack, issue: Issue) -> float:
    begin = time.perf_counter()
    stack.ask(issue, f"/agent {PROMPT}")
    stack.wait(
        lambda: [r for r in stack.merge_requests(issue.project) if f"#{issue.iid}" in r.description],
        "the merge request",
    )
    seconds = time.perf_counter() - begin
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()
    return seconds


def _has_merge_request(stack: Stack, issue: Issue) -> bool:
    return any(f"Closes #{issue.iid}" in request.description for request in stack.merge_requests(issue.project))


def _by_hand(stack: Stack, project: Project, folder: Path, number: int) -> float:
    branch = project.repository.branches()[project.default_branch]
    order = Order(
        task_id=1000 + number,
        clone_url=f"{stack.gitlab.url}/{project.path_with_namespace}.git",
        default_branch=project.default_branch,
        base_branch=project.default_branch,
        base_commit=branch,
        push_branch=f"agent/hand-{number}",
        commit_message="By hand",
        author_name="A",
        author_email="a@example.org",
        commit_time=int(time.time()),
        prompt=PROMPT,
        agent="command",
        agent_command=AGENT,
    )
    folder.mkdir()
    (folder / "order.json").write_text(order.to_json())
    begin = time.perf_counter()
    for step in Step:
        _step(stack, folder, step)
    return time.perf_counter() - begin


def _step(stack: Stack, folder: Path, step: Step) -> None:
    tokens = {Step.PREPARE: stack.settings.git_read_token, Step.PUBLISH: stack.settings.git_write_token}
    secret = {GIT_TOKEN_VARIABLE: tokens[step].get_secret_value()} if step in tokens else {}
    workspace = folder / ("publish" if step is Step.PUBLISH else "work")
    places = {"order": "order.json", "handover": "handover", "result": f"{step}.result"}
    for place in (workspace, folder / "handover"):
        place.mkdir(exist_ok=True)
    arguments = [part for name, value in places.items() for part in (f"--{name}", str(folder / value))]
    subprocess.run(
        [sys.executable, "-m", "runtime", step, "--workspace", str(workspace), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **secret},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _figures(seconds: list[float]) -> str:
    return " ".join(f"{figure:.2f}" for figure in seconds)


if __name__ == "__main__":
    main()
