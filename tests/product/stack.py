"""The product as `ablehand up` runs it, on a simulated GitLab: what the tests of this folder talk to."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import shlex
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from core.connections import open_store_redis
from core.gitlab import client
from core.settings import Settings
from core.store import TaskStore
from core.task import Task
from operate import hook
from operate.embedded_redis import EmbeddedRedis
from operate.processes import Child, Processes
from operate.up import free_port, running
from simulators.gitlab.records import Issue, Item, MergeRequest, Note, Project, User
from simulators.gitlab.server import GitLabServer

DEVELOPER, MAINTAINER = 30, 40
PATIENCE_SECONDS = 180.0
AGENT = Path(__file__).with_name("agent.py")
T = TypeVar("T")


@dataclass(kw_only=True)
class Stack:
    """One running product. Every test makes a project of its own in it."""

    gitlab: GitLabServer
    redis: EmbeddedRedis
    settings: Settings
    processes: Processes
    environment: dict[str, str]
    folder: Path
    alice: User
    bot: User
    project_count: int = field(default=0)

    def project(self, **fields: Any) -> Project:
        """Make a project with the webhook installed, Alice a Developer and the bot a Maintainer."""
        self.project_count += 1
        files = {"README.md": "# Web\n", "CLAUDE.md": "Be brief.\n"}
        fields = {"visibility": "private", "files": files, **fields}
        project = self.gitlab.world.add_project(f"shop/web{self.project_count}", **fields)
        self.gitlab.world.add_member(project, self.alice, access_level=DEVELOPER)
        self.gitlab.world.add_member(project, self.bot, access_level=MAINTAINER)
        hook.install(self.settings, client.connect(self.settings), project.path_with_namespace)
        return project

    def issue(self, project: Project | None = None, **fields: Any) -> Issue:
        """Open an issue as Alice."""
        fields = {"title": "A thing to do", "description": "As it says.", **fields}
        author = fields.pop("author", self.alice)
        return self.gitlab.world.add_issue(project or self.project(), author=author, **fields)

    def ask(self, issue: Item, text: str, *, author: User | None = None) -> Note:
        """Comment on an issue."""
        return self.gitlab.world.comment(issue, author=author or self.alice, body=text)

    def replies(self, issue: Item) -> list[Note]:
        """List the bot's comments on an issue or merge request."""
        return [note for note in self.gitlab.world.notes(issue) if note.author.id == self.bot.id]

    def push_tokens(self, project: Project) -> list[str]:
        """List the names of the project's access tokens that work."""
        tokens = list(self.gitlab.world.tokens.values())
        return [token.name for token in tokens if token.project_id == project.id and not token.revoked]

    def closing(self, issue: Item) -> Note | None:
        """Give the closing reply; None while there is none."""
        return next((note for note in self.replies(issue) if "ablehand:final" in note.body), None)

    def wait_for_closing(self, issue: Item) -> str:
        """Wait for the closing reply; give its text."""
        return self.wait(lambda: self.closing(issue), f"a closing reply on {issue.title}").body

    def wait(
        self,
        look: Callable[[], T | None],
        what: str,
        *,
        pause_seconds: float = 0.02,
        left: Callable[[], object] = lambda: "",
    ) -> T:
        """Wait until *look* finds something; in vain, tell what is *left* by then."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(pause_seconds)
        raise AssertionError(f"waited in vain for {what} {left()}\n{self.log()[-4000:]}")

    def merge_requests(self, project: Project) -> list[MergeRequest]:
        """List the project's merge requests."""
        return self.gitlab.world.merge_requests(project)

    def task(self, issue: Issue) -> Task:
        """Read the youngest task of an issue."""
        return self.wait(lambda: self._task(issue), "a task", pause_seconds=0.1)

    def wait_until_quiet(self) -> None:
        """Wait until nothing is live, untold, queued or left over."""
        self.wait(lambda: not self.leftovers(), "quiet", pause_seconds=0.1, left=self.leftovers)

    def wait_until_ready(self) -> None:
        """Wait until the bot takes deliveries."""
        self.wait(lambda: _is_ready(self.settings.public_url), "the bot", pause_seconds=0.1)

    def leftovers(self) -> dict[str, Any]:
        """Tell what is not finished: tasks, the outbox, slots, the queue, run folders."""
        found = asyncio.run(self._leftovers())
        runs = self.settings.state_dir / "runs"
        found["runs"] = sorted(path.name for path in runs.iterdir()) if runs.is_dir() else []
        return {name: value for name, value in found.items() if value}

    def log(self) -> str:
        """Give what the processes have logged."""
        return (self.folder / "ablehand.log").read_text("utf-8")

    @contextmanager
    def another(self, room: str, **changes: str) -> Iterator[None]:
        """Run a second process of *room* for a while; *changes* are ``ABLEHAND_`` variables in lower case."""
        environment = self.environment | {f"ABLEHAND_{name.upper()}": value for name, value in changes.items()}
        further = Processes([Child(f"another {room}", [room])], environment, log_file=self.folder / "ablehand.log")
        further.start()
        try:
            yield
        finally:
            further.stop()

    def page(self, note: Note) -> str:
        """Open the page that a comment links to."""
        address = note.body.partition("log](")[2].partition(")")[0]
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - the bot's own page
            return str(answer.read().decode())

    def task_log(self, issue: Issue) -> str:
        """Read the log of an issue's task over the API."""
        address = f"{self.settings.public_url}/api/v1/tasks/{self.task(issue).id}/log?format=text"
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the bot's own API
            return str(answer.read().decode())

    def _task(self, issue: Issue) -> Task | None:
        tasks = asyncio.run(self._tasks())
        here = [task for task in tasks if task.trigger.iid == issue.iid]
        return next((task for task in here if task.trigger.project_id == issue.project.id), None)

    async def _tasks(self) -> list[Task]:
        redis = open_store_redis(self.settings)
        try:
            return await TaskStore(redis).latest(100)
        finally:
            await redis.aclose()

    async def _leftovers(self) -> dict[str, Any]:
        redis = open_store_redis(self.settings)
        store = TaskStore(redis)
        try:
            return {
                "live": await store.live(),
                "outbox": await redis.zrange("{ablehand}:outbox", 0, -1),
                "slots": await store.slots_taken(),
                "queue": await store.queued(),
            }
        finally:
            await redis.aclose()


class Gate:
    """Where an agent waits (``wait=<name>``) until the test opens it. A port: files do not reach into a sandbox."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.name = str(self._socket.getsockname()[1])

    def wait_for_agent(self) -> None:
        """Wait until an agent stands at the gate."""
        self._socket.settimeout(PATIENCE_SECONDS)
        self._agent, _ = self._socket.accept()

    def wait_until_agent_ends(self) -> None:
        """Wait until the agent that stands at the gate is no more."""
        self._agent.settimeout(PATIENCE_SECONDS)
        self._agent.recv(1)

    def open(self) -> None:
        """Let every agent go on, now and later."""
        self._socket.close()
        if hasattr(self, "_agent"):
            self._agent.close()


@contextmanager
def run_stack(folder: Path, further: Mapping[str, str] | None = None, /, **changes: str) -> Iterator[Stack]:
    """Run everything until the context ends; *changes* are ``ABLEHAND_`` variables in lower case, *further* any.

    With a ``session_secret``, people sign in.
    """
    with ExitStack() as stack:
        gitlab = stack.enter_context(GitLabServer(folder / "gitlab"))
        redis = stack.enter_context(EmbeddedRedis(folder / "redis"))
        alice = gitlab.world.add_user("alice", name="Alice Moreau")
        bot = gitlab.world.add_user("ablehand", name="Ablehand", bot=True)
        port = free_port()
        variables = {
            "gitlab_url": gitlab.url,
            "gitlab_token": gitlab.world.add_token(bot, scopes={"api"}),
            "git_read_token": gitlab.world.add_token(bot, scopes={"read_repository"}),
            "git_write_token": gitlab.world.add_token(bot, scopes={"write_repository"}),
            "webhook_signing_token": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "redis_url": redis.url,
            "public_url": f"http://127.0.0.1:{port}",
            "port": str(port),
            "state_dir": str(folder / "state"),
            "agent": "command",
            "agent_command": shlex.join([sys.executable, str(AGENT)]),
            "retry_seconds": "0.5",
            "gitlab_timeout_seconds": "2",
            "leader_lease_seconds": "2",
            "sweep_seconds": "2",
            "output_limit_bytes": "2000000",
            **changes,
        }
        variables |= _sign_in(gitlab, variables["public_url"]) if "session_secret" in changes else {}
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {f"ABLEHAND_{name.upper()}": value for name, value in variables.items()}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        environment |= further or {}
        settings = _settings(environment)
        processes = stack.enter_context(running(settings, environment=environment, log_file=folder / "ablehand.log"))
        made = Stack(
            gitlab=gitlab,
            redis=redis,
            settings=settings,
            processes=processes,
            environment=environment,
            folder=folder,
            alice=alice,
            bot=bot,
        )
        keeper = threading.Thread(target=processes.keep)
        keeper.start()
        stack.callback(keeper.join)
        stack.callback(processes.request_stop)
        made.wait_until_ready()
        yield made


def _sign_in(gitlab: GitLabServer, url: str) -> dict[str, str]:
    application = gitlab.world.add_application("Ablehand", [f"{url}/sign-in/callback"])
    return {"oidc_client_id": application.client_id, "oidc_client_secret": application.secret}


def _settings(environment: dict[str, str]) -> Settings:
    names = {f"ABLEHAND_{name.upper()}": name for name in Settings.model_fields}
    return Settings(**{names[key]: value for key, value in environment.items() if key in names})  # type: ignore[arg-type]


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - the bot's own page
            return bool(answer.status == 200)
    except OSError:
        return False
