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
def cli() -> None:
    """Coding agents for your own GitLab: comment `/agent <what to do>` on an issue, get a merge request."""


@cli.command()
def bot() -> None:
    """Receive webhooks and serve the pages."""
    from bot.app import serve

    serve(_start("bot"))


def _start(room: str, **overrides: object) -> Settings:
    loaded = settings.load(**overrides)
    logs.configure(Redactor(loaded.secrets()), room=room)
    crash.arm(os.environ.get("ABLEHAND_CRASH", ""), os.environ.get("ABLEHAND_TRACE", ""))  # noqa: TID251 - not a setting
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
