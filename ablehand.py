"""The command line: picks a room and starts it. Each room is imported only when it is picked."""

from __future__ import annotations

import os
import sys

import click

from core import crash, logs, settings
from core.errors import AblehandError
from core.redaction import Redactor
from core.settings import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ablehand")
def cli() -> None:
    """Coding agents for your own GitLab: comment `/agent <what to do>` on an issue, get a merge request.

    Settings come from the environment, ABLEHAND_*; docs/settings.md lists them.
    """


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
@click.argument("project", metavar="GROUP/PROJECT")
def install_hook(project: str) -> None:
    """Create or repair the webhook of a project. The bot must be its Maintainer."""
    from core.gitlab import client
    from operate.hook import install

    loaded = _start("hook")
    loaded.require("gitlab_url", "gitlab_token")
    click.echo(f"{project}: {install(loaded, client.connect(loaded), project)}")


def _start(room: str, **overrides: object) -> Settings:
    loaded = settings.load(**overrides)
    logs.configure(Redactor(loaded.secrets()), room=room)
    # Not settings: only tests that kill processes set these two.
    crash.arm(os.environ.get("ABLEHAND_CRASH", ""), os.environ.get("ABLEHAND_TRACE", ""))  # noqa: TID251
    return loaded


def main() -> None:
    """Run the command line; an error of ours is one sentence and status 1."""
    try:
        cli()
    except AblehandError as error:
        click.echo(f"ablehand: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
