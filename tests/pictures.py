"""Takes the pictures of docs/usage.md: scenes of the running product on the simulated GitLab. `make pictures`."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from simulators.gitlab.ci import Job
from simulators.gitlab.links import item_url
from simulators.gitlab.records import Issue, Item, MergeRequest, Note, Project
from tests.product.stack import Stack, run_stack

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
AGENT = Path(__file__).with_name("pictures_agent.py")
WIDTH = 1000
FILES = {
    "README.md": "# Web\n",
    "CLAUDE.md": "All endpoints are in server.py.\n",
    "server.py": "def hello():\n    return 200, 'hello'\n",
}
REQUEST = "/agent Add a /health endpoint that returns a 200 OK status"


def main() -> int:
    """Play every scene, or those that are named, and photograph each; 1 where there is no browser."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("chromium is needed")
        return 1
    FOLDER.mkdir(exist_ok=True)
    agent = shlex.join([sys.executable, str(AGENT)])
    with (
        tempfile.TemporaryDirectory(prefix="ablehand-") as folder,
        run_stack(Path(folder), agent_command=agent, edit_seconds="0.5") as stack,
    ):
        for name in sys.argv[1:] or SCENES:
            scene, height = SCENES[name]
            _photograph(browser, item_url(stack.gitlab.url, scene(stack)), FOLDER / f"{name}.png", height)
    return 0


def comment(stack: Stack) -> Item:
    """Show a comment, the progress and the reply."""
    issue = _issue(stack)
    stack.ask(issue, REQUEST)
    stack.wait_for_closing(issue)
    return _settled(stack, issue)


def mention(stack: Stack) -> Item:
    """Show a mention within a sentence."""
    issue = _issue(stack)
    stack.ask(issue, "Could you add a /health endpoint, @ablehand?")
    stack.wait_for_closing(issue)
    return _settled(stack, issue)


def label(stack: Stack) -> Item:
    """Show the label, as it is at the end."""
    issue = _issue(stack, title="Add a /health endpoint", description="It returns 200 OK.")
    stack.gitlab.world.label(issue, stack.alice, add=("agent-ready",))
    stack.wait_for_closing(issue)
    return _settled(stack, issue)


def assigned(stack: Stack) -> Item:
    """Show an issue that was handed over."""
    issue = _issue(stack, title="Add a /health endpoint", description="It returns 200 OK.")
    stack.gitlab.world.assign(issue, stack.alice, stack.bot)
    stack.wait_for_closing(issue)
    return _settled(stack, issue)


def pipeline(stack: Stack) -> Item:
    """Show a failed pipeline that is looked into."""
    [request] = stack.merge_requests(_project_of(comment(stack)))
    jobs = [Job(name="test", status="failed", failure_reason="script_failure", trace=b"FAILED test_health\n")]
    world = stack.gitlab.world
    world.run_pipeline(request.project, request.source_branch, jobs, user=stack.bot, request=request)
    stack.wait_for_closing(request)
    return _settled(stack, request)


def merge_request(stack: Stack) -> Item:
    """Show what the agent opens."""
    [request] = stack.merge_requests(_project_of(comment(stack)))
    return request


def thread(stack: Stack) -> Item:
    """Show a comment on a line, and the follow-up in its thread."""
    [request] = stack.merge_requests(_project_of(comment(stack)))
    note = stack.gitlab.world.comment(
        request, author=stack.alice, body="Our monitoring reads JSON.\n\n/agent Answer with JSON here",
        position=_position(request, "server.py", 5),
    )  # fmt: skip
    stack.wait(lambda: _closing_in_thread(stack, request, note), "a reply in the thread")
    return _settled(stack, request)


def review(stack: Stack) -> Item:
    """Show the bot as a reviewer."""
    project = stack.project(files=FILES)
    changed = FILES["server.py"] + "\ndef health():\n    return 200, 'ok'\n"
    stack.gitlab.world.commit_files(project, files={"server.py": changed}, branch="health")
    request = stack.gitlab.world.add_merge_request(
        project, author=stack.alice, title="Add a health check", description="For the load balancer.",
        branches={"source_branch": "health", "target_branch": "main"},
    )  # fmt: skip
    stack.gitlab.world.change_item(request, stack.alice, reviewers=[stack.bot])
    stack.wait_for_closing(request)
    return _settled(stack, request)


def plan(stack: Stack) -> Item:
    """Show a plan, and its approval."""
    issue = _issue(stack, title="Sessions are lost at a restart", description="They live in a dictionary.")
    stack.ask(issue, "/agent plan move the sessions into Redis")
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()
    stack.ask(issue, "/agent approve")
    stack.wait(lambda: len(_closings(stack, issue)) > 1, "the end of what was approved")
    return _settled(stack, issue)


def cancel(stack: Stack) -> Item:
    """Show a run that is stopped."""
    issue = _issue(stack, title="The server is slow", description="Sometimes.")
    stack.ask(issue, "/agent rewrite it in another language")
    stack.wait(lambda: any("Reading" in note.body for note in stack.replies(issue)), "the agent at work")
    stack.ask(issue, "/agent cancel")
    stack.wait_for_closing(issue)
    return _settled(stack, issue)


def status(stack: Stack) -> Item:
    """Show what runs here."""
    issue = _issue(stack, title="The server is slow", description="Sometimes.")
    stack.ask(issue, "/agent rewrite it in another language")
    stack.wait(lambda: any("Reading" in note.body for note in stack.replies(issue)), "the agent at work")
    stack.ask(issue, "/agent status")
    stack.wait_for_closing(issue)
    return issue


def refusals(stack: Stack) -> Item:
    """Show a word that is nearly a command, and a person who may not ask."""
    project = stack.project(files=FILES)
    bob = stack.gitlab.world.add_user("bob", name="Bob Reyes")
    stack.gitlab.world.add_member(project, bob, 20)
    issue = stack.issue(project, title="The service needs a health check", description="For the load balancer.")
    stack.ask(issue, "/agent cancle")
    stack.ask(issue, "/agent --budget 500 add it", author=bob)
    stack.wait(lambda: len(_closings(stack, issue)) > 1, "both replies")
    return _settled(stack, issue)


SCENES: dict[str, tuple[Callable[[Stack], Item], int]] = {
    "comment": (comment, 760),
    "mention": (mention, 760),
    "label": (label, 700),
    "assigned": (assigned, 760),
    "pipeline": (pipeline, 1100),
    "merge-request": (merge_request, 900),
    "thread": (thread, 1100),
    "review": (review, 800),
    "plan": (plan, 1250),
    "cancel": (cancel, 760),
    "refusals": (refusals, 700),
    "status": (status, 900),
}


def _issue(stack: Stack, **fields: str) -> Issue:
    fields = {"title": "The service needs a health check", "description": "For the load balancer.", **fields}
    return stack.issue(stack.project(files=FILES), **fields)


def _project_of(item: Item) -> Project:
    return item.project


def _settled(stack: Stack, item: Item) -> Item:
    stack.wait(lambda: not stack.leftovers().get("outbox"), "everything told")
    return item


def _closings(stack: Stack, issue: Issue) -> list[Note]:
    return [note for note in stack.replies(issue) if "ablehand:final" in note.body]


def _closing_in_thread(stack: Stack, request: MergeRequest, note: Note) -> Note | None:
    here = (each for each in stack.gitlab.world.notes(request) if each.discussion_id == note.discussion_id)
    return next((each for each in here if "ablehand:final" in each.body), None)


def _position(request: MergeRequest, path: str, line: int) -> dict[str, object]:
    shas: dict[str, object] = {"base_sha": request.base_sha, "start_sha": request.base_sha, "head_sha": request.sha}
    return {"position_type": "text", "old_path": path, "new_path": path, "old_line": None, "new_line": line, **shas}


def _photograph(browser: str, address: str, file: Path, height: int) -> None:
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
                "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                f"--user-data-dir={profile}", f"--window-size={WIDTH},{height}", f"--screenshot={file}", address,
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
    print(file.name)


if __name__ == "__main__":
    sys.exit(main())
