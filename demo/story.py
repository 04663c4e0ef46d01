"""`ablehand demo`: one comment becomes a merge request, a second one a commit on it, for real, on this machine.

Only GitLab and the model are played: `simulators.gitlab`, and `demo.agent` or, for the real program of an agent,
`simulators.model`. Everything between them is the product as
`ablehand up` runs it.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from core.errors import SettingsError
from core.gitlab.client import GitLab
from core.gitlab.transport import Transport
from core.settings import PREFIX, Settings
from demo.scripted import MODELS, turns, variables
from demo.second_act import COMMENT, comment_on_line
from demo.world import Scene, set_up
from operate import hook
from operate.up import free_port, running
from simulators.gitlab.records import Item, Note, User
from simulators.gitlab.server import GitLabServer
from simulators.model.script import Turn
from simulators.model.server import ModelServer
from worker.executors.bubblewrap import bubblewrap_problem

PROMPT: Final = "Add a /health endpoint that returns a 200 OK status"
PATIENCE_SECONDS: Final = 600.0
READY_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.05
HANDED_ON: Final = ("PATH", "HOME", "LANG", "TMPDIR")
"""Of our own environment; the demo must not pick up an operator's settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for."""

    prompt: str | None = None
    repository: Path | None = None
    agent: str = "command"
    agent_command: str = ""
    scripted: bool = False
    """The real agent, but a model that is played: no key is needed."""
    serve: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it ended; the object that ``--json`` prints."""

    status: str
    merge_request: str = ""
    branch: str = ""
    commit: str = ""
    notes: int = 0
    """Of the bot's on the issue."""
    seconds: float = 0.0
    """From the first comment to its closing reply."""
    follow_up: str = ""
    """The commit of the second act; empty where there was none."""


def play(wish: Wish) -> int:
    """Play the story; answer the exit status: 0 when the merge request is there."""
    folder = Path(tempfile.mkdtemp(prefix="ablehand-demo-"))
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))  # tidy up then, too
    try:
        with GitLabServer(folder / "gitlab") as gitlab, ModelServer(*_turns(wish)) as model:
            scene = set_up(gitlab, wish.repository)
            settings = _settings(wish, gitlab.url, scene, folder)
            environment = _environment(wish, settings) | (variables(wish.agent, model.url) if wish.scripted else {})
            with running(settings, environment=environment, log_file=folder / "ablehand.log"):
                outcome = _tell(wish, settings, gitlab, scene)
                if wish.serve:
                    _keep_open(gitlab.url)
        if wish.as_json:
            click.echo(json.dumps(asdict(outcome)))
        has_second_act = wish.prompt is None and wish.repository is None
        is_done = outcome.status == "completed" and outcome.merge_request and (outcome.follow_up or not has_second_act)
        return 0 if is_done else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _turns(wish: Wish) -> tuple[Turn, ...]:
    return turns(wish.agent) if wish.scripted else ()


def _settings(wish: Wish, gitlab_url: str, scene: Scene, folder: Path) -> Settings:
    command = wish.agent_command or shlex.join([sys.executable, str(Path(__file__).with_name("agent.py"))])
    port = free_port()
    return Settings(
        gitlab_url=gitlab_url,
        gitlab_token=scene.api_token,
        git_read_token=scene.read_token,
        git_write_token=scene.write_token,
        webhook_signing_token="whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        public_url=f"http://127.0.0.1:{port}",
        port=port,
        state_dir=folder / "state",
        agent=wish.agent,
        agent_command=tuple(_absolute(word) for word in shlex.split(command)),
        model=MODELS[wish.agent] if wish.scripted else "",
    )


def _environment(wish: Wish, settings: Settings) -> dict[str, str]:
    """Give the processes' environment: the settings as an operator would set them."""
    names = HANDED_ON + (settings.agent_variable_names() if wish.agent != "command" else ())
    handed_on = {name: os.environ[name] for name in names if name in os.environ}  # noqa: TID251 - handed on, not read
    told = (
        "gitlab_url",
        "gitlab_token",
        "git_read_token",
        "git_write_token",
        "webhook_signing_token",
        "agent",
        "model",
    )
    variables = {PREFIX + name.upper(): _plain(getattr(settings, name)) for name in told}
    return {**handed_on, **variables, PREFIX + "AGENT_COMMAND": shlex.join(settings.agent_command)}


def _tell(wish: Wish, settings: Settings, gitlab: GitLabServer, scene: Scene) -> Outcome:
    teller = Teller(quiet=wish.as_json)
    _wait_until_ready(settings)
    installed = hook.install(
        settings, GitLab(Transport(gitlab.url, scene.api_token)), scene.project.path_with_namespace
    )
    teller.say(f"Ablehand is up at {settings.public_url}; its webhook is {installed} on {gitlab.url}")
    if problem := bubblewrap_problem():
        teller.say(f"The agent runs without a sandbox here ({problem}); with bubblewrap it has one")
    # A prompt of the command line's may be one word, or begin like a command: `run --` takes it as it is.
    command = f"/agent run -- {wish.prompt}" if wish.prompt else f"/agent {PROMPT}"
    teller.start()
    gitlab.world.comment(scene.issue, author=scene.person, body=command)
    teller.say(f"@{scene.person.username} comments on {gitlab.url}/{scene.project.path_with_namespace}/-/issues/1")
    teller.say(f"  {command}")
    notes = _watch(teller, gitlab, scene.issue, scene.bot)
    if not notes:
        return Outcome(status="timeout", seconds=teller.seconds)
    outcome = _outcome(teller, gitlab, scene, notes)
    if wish.prompt is None and wish.repository is None and outcome.merge_request:
        return _play_second_act(teller, gitlab, scene, outcome)
    return outcome


def _play_second_act(teller: Teller, gitlab: GitLabServer, scene: Scene, outcome: Outcome) -> Outcome:
    merge_request = gitlab.world.merge_requests(scene.project)[0]
    before = merge_request.sha
    teller.start()
    _, place = comment_on_line(gitlab, merge_request, scene.person)
    teller.say(f"@{scene.person.username} reviews it, and comments on {place}")
    for line in _readable(COMMENT):
        teller.say(f"  {line}")
    _watch(teller, gitlab, merge_request, scene.bot)
    gitlab.world.refresh(merge_request)
    if merge_request.sha == before:
        return outcome
    teller.say(f"A follow-up commit is on {merge_request.source_branch}: {merge_request.sha[:8]}")
    return replace(outcome, commit=merge_request.sha, follow_up=merge_request.sha)


def _watch(teller: Teller, gitlab: GitLabServer, item: Item, bot: User) -> list[Note]:
    """Follow the bot's comments as a person would until the closing reply; give them, none where it did not come."""
    shown: set[str] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        notes = [note for note in gitlab.world.notes(item) if note.author.id == bot.id]
        for note in notes:
            for line in _readable(note.body):
                if line not in shown:
                    shown.add(line)
                    teller.say(f"  {line}")
        if len(notes) > 1 or (notes and "ablehand:final" in notes[0].body):
            return notes
        time.sleep(LOOK_SECONDS)
    teller.say("nothing more came; gave up")
    return []


def _outcome(teller: Teller, gitlab: GitLabServer, scene: Scene, notes: list[Note]) -> Outcome:
    seconds = teller.seconds
    found = gitlab.world.merge_requests(scene.project)
    if not found:
        return Outcome(status="failed", notes=len(notes), seconds=seconds)
    merge_request = found[0]
    address = f"{gitlab.url}/{scene.project.path_with_namespace}/-/merge_requests/{merge_request.iid}"
    teller.say(f"Merge request: {address}")
    return Outcome(
        status="completed",
        merge_request=address,
        branch=merge_request.source_branch,
        commit=merge_request.sha,
        notes=len(notes),
        seconds=seconds,
    )


class Teller:
    """Prints what happens, with the seconds since the comment."""

    def __init__(self, *, quiet: bool) -> None:
        self._error_stream = quiet
        self._begin = time.monotonic()

    def start(self) -> None:
        """Count from now on."""
        self._begin = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start, to the hundredth."""
        return round(time.monotonic() - self._begin, 2)

    def say(self, text: str) -> None:
        """Print one step; on stderr where stdout belongs to ``--json``."""
        click.echo(f"{self.seconds:6.2f} s  {text}", err=self._error_stream)


def _readable(body: str) -> list[str]:
    return [line for line in body.splitlines() if line.strip() and not line.startswith("<!--")]


def _wait_until_ready(settings: Settings) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(settings.public_url):
        if time.monotonic() > deadline:
            raise SettingsError("Ablehand did not become ready.")
        time.sleep(LOOK_SECONDS)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _keep_open(url: str) -> None:
    click.echo(f"GitLab stays open at {url}; Ctrl-C ends it.", err=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("", err=True)


def _absolute(word: str) -> str:
    """Spell a file of the caller's directory out: the agent is started in the work tree."""
    return str(Path(word).absolute()) if Path(word).is_file() else word


def _plain(value: Any) -> str:
    secret: Callable[[], str] | None = getattr(value, "get_secret_value", None)
    return secret() if secret else str(value)
