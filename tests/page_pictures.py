"""Takes the pictures of our own pages for README and docs/usage.md, of the running product. Part of `make pictures`."""

from __future__ import annotations

import secrets
import shlex
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from simulators.gitlab.records import Project, User
from tests.browser import chromium
from tests.browser.chromium import Windows
from tests.pictures import FOLDER
from tests.product.stack import Stack, run_stack

AGENT = Path(__file__).with_name("page_pictures_agent.py")
PROMPTS = (
    "Add a /health endpoint that returns a 200 OK status",
    "Write a test for the rounding of VAT",
    "Upgrade the linter to its latest version, and mend what it finds then; leave out the generated files below api/",
    "Translate the error messages of the sign-up form into German and French",
    "Make the Dockerfile smaller",
)
FLAKY = "Find out why the checkout test fails once in twenty runs"
LONG = "Refactor the auth service: sessions into Redis, drop the in-memory store"


def main() -> int:
    """Fill a table with tasks of two people, and photograph it, one that runs, and the form."""
    agent = shlex.join([sys.executable, str(AGENT)])
    with (
        tempfile.TemporaryDirectory(prefix="ablehand-") as folder,
        run_stack(Path(folder), session_secret=secrets.token_hex(32), agent_command=agent) as stack,
    ):
        play(stack)
        with chromium.running() as browser:
            windows = Windows(browser=browser, url=stack.settings.public_url, gitlab_url=stack.gitlab.url)
            for name, (path, pose) in POSES.items():
                page = windows.sign_in(
                    "alice", path, viewport={"width": 1200, "height": 720}, color_scheme=LIGHTS[name]
                )
                pose(page)
                page.screenshot(path=FOLDER / f"{name}.png")
                print(f"{name}.png")
    return 0


def play(stack: Stack) -> None:
    """Have tasks done, one fail, one refused, one cancelled, and two under way."""
    bob = stack.gitlab.world.add_user("bob", name="Bob Reyes")
    rob = stack.gitlab.world.add_user("rob", name="Rob Ito")
    projects = [_project(stack, bob, rob) for _ in range(2)]
    for number, prompt in enumerate(PROMPTS):
        _ask(stack, projects[number % 2], prompt, (stack.alice, bob)[number % 3 == 1])
    _ask(stack, projects[0], FLAKY, bob)
    _ask(stack, projects[1], "Delete the old API", rob)
    stack.wait_until_quiet()
    _ask(stack, projects[1], LONG, stack.alice, wait=False)


def table(page: Page) -> None:
    """Show what is there, live."""
    expect(page.get_by_role("status")).to_have_text("Live")
    expect(page.locator(".status.running")).to_have_count(1)


def task(page: Page) -> None:
    """Show the one that runs, with its log."""
    page.get_by_role("link", name=LONG).click()
    expect(page.locator("#log .rows, #log > .line").filter(has_text="12 passed")).to_be_visible()


def new_task(page: Page) -> None:
    """Show the form while a project is being picked."""
    page.get_by_label("What is to be done").fill(PROMPTS[0])
    page.get_by_label("Repository").press_sequentially("sho")
    expect(page.locator("[role=listbox] [role=option]")).to_have_count(2)
    page.keyboard.press("ArrowDown")


POSES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "table": ("/", table),
    "task": ("/", task),
    "new-task": ("/tasks/new", new_task),
}
LIGHTS = {"table": "light", "task": "dark", "new-task": "light"}


def _project(stack: Stack, developer: User, reporter: User) -> Project:
    project = stack.project(
        files={"README.md": "# Web\n", "CLAUDE.md": "Be brief.\n", "server.py": "def hello(): ...\n"}
    )
    stack.gitlab.world.add_member(project, developer, access_level=30)
    stack.gitlab.world.add_member(project, reporter, access_level=20)
    return project


def _ask(stack: Stack, project: Project, prompt: str, who: User, *, wait: bool = True) -> None:
    issue = stack.issue(project, title=prompt.partition(":")[0], author=who)
    stack.ask(issue, f"/agent {prompt}", author=who)
    if wait:
        stack.wait_for_closing(issue)


if __name__ == "__main__":
    sys.exit(main())
