"""The command line: picks a room and starts it. Each room is imported only when it is picked."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from core import crash, logs, settings
from core.errors import AblehandError
from core.redaction import Redactor
from core.settings import Settings
from operate.task_commands import task

AGENTS = ["command", "claude", "codex", "opencode", "gemini"]
TERMINATED = 128 + signal.SIGTERM


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ablehand")
def cli() -> None:
    """Coding agents for your own GitLab: comment `/agent <what to do>` on an issue, get a merge request.

    Settings come from the environment, ABLEHAND_*; docs/settings.md lists them.
    """


cli.add_command(task)


@cli.command()
def bot() -> None:
    """Receive webhooks and serve the pages."""
    from bot.app import serve

    serve(_start("bot"))


@cli.command()
def worker() -> None:
    """Work off steps: one RQ worker."""
    from worker.rq_worker import serve

    serve(_start("worker"))


@cli.command()
def reconciler() -> None:
    """Follow the runs, ring what is due; of several, one leads."""
    from worker.reconciler.loop import serve

    serve(_start("reconciler"))


@cli.command()
def up() -> None:
    """Run everything on this machine, with an embedded Redis where no ABLEHAND_REDIS_URL is set."""
    from operate.up import serve

    serve(_start("up"))


@cli.command()
@click.option("--prompt", metavar="TEXT", help="What to ask for, instead of the seeded task.")
@click.option(
    "--repo",
    "repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Work on a copy of this git repository instead of the seeded one.",
)
@click.option("--agent", type=click.Choice(AGENTS), default="command", show_default=True)
@click.option("--scripted", is_flag=True, help="Let a script be the model of the real agent: no key is needed.")
@click.option("--agent-command", metavar="CMD", default="", help="Program that reads the prompt and edits the files.")
@click.option("--serve", is_flag=True, help="Keep everything open for clicking.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def demo(**wishes: Any) -> None:
    """Play the main job on this machine: a comment on a simulated GitLab becomes a merge request."""
    from demo.story import Wish, play

    if wishes["repository"] and wishes["agent"] == "command" and not wishes["agent_command"]:
        raise click.UsageError("--repo needs --agent-command or --agent claude: the script knows one project only.")
    if wishes["scripted"] and (wishes["agent"] == "command" or wishes["repository"]):
        raise click.UsageError("--scripted needs --agent, and no --repo: the script knows one project only.")
    sys.exit(play(Wish(**wishes)))


@cli.command()
@click.argument("projects", nargs=-1, metavar="[GROUP/PROJECT]...")
def doctor(projects: tuple[str, ...]) -> None:
    """Check token, hook, Redis and executor, and say how to mend each. Status 1 if something is wrong."""
    from operate.doctor import examine

    findings = list(examine(_start("doctor"), projects))
    for finding in findings:
        click.echo(f"✗ {finding.what}\n    {finding.mend}" if finding.mend else f"✓ {finding.what}")
    sys.exit(1 if any(finding.mend for finding in findings) else 0)


@cli.group()
def hook() -> None:
    """Look after the webhook on GitLab's side."""


@hook.command("install")
@click.argument("path", metavar="GROUP/PROJECT", required=False)
@click.option("--project", metavar="GROUP/PROJECT", help="The same as the argument.")
@click.option("--group", metavar="GROUP", help="One hook for all projects of a group: GitLab Premium, bot is Owner.")
def install_hook(path: str | None, project: str | None, group: str | None) -> None:
    """Create or repair the webhook of a project, whose Maintainer the bot must be, or of a group."""
    from core.gitlab import client
    from operate.hook import install

    given = [one for one in (path, project, group) if one]
    if len(given) != 1:
        raise click.UsageError("Name one project or one group.")
    loaded = _start("hook")
    loaded.require("gitlab_url", "gitlab_token")
    click.echo(f"{given[0]}: {install(loaded, client.connect(loaded), given[0], is_group=bool(group))}")


def _start(room: str, **overrides: object) -> Settings:
    loaded = settings.load(**overrides)
    logs.configure(Redactor(loaded.secrets()), room=room)
    # Not a setting: only tests that kill processes set it.
    crash.arm(os.environ.get("ABLEHAND_CRASH", ""), room)  # noqa: TID251
    return loaded


def main() -> None:
    """Run the command line; an error of ours is one sentence and status 1."""
    # Until a room has its own: as a container's first process, we would not be ended by a signal that nobody handles.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        cli()
    except AblehandError as error:
        click.echo(f"ablehand: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
