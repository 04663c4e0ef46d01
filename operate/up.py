"""`ablehand up`: the whole product on one machine, with an embedded Redis where no URL is given."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from bot.app import make_verifier
from bot.doors import check_exposure
from core.settings import PREFIX, Settings
from operate.embedded_redis import EmbeddedRedis
from operate.processes import Child, Processes

WORKERS: Final = 2
WITHHELD_FROM_BOT: Final = ("GITLAB_TOKEN", "GIT_READ_TOKEN", "GIT_WRITE_TOKEN")
"""What faces the network holds no token of GitLab's, nor the model's key."""
WITHHELD_FROM_OTHERS: Final = ("OIDC_CLIENT_SECRET", "SESSION_SECRET")
"""What only pages need."""


@contextmanager
def running(settings: Settings, *, environment: Mapping[str, str], log_file: Path | None = None) -> Iterator[Processes]:
    """Run bot, workers and reconciler while the context is entered; runs that agents are in go on after it.

    *environment* is what the processes get, beside the settings that are filled in here.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    own = None if settings.redis_url.get_secret_value() else EmbeddedRedis(settings.state_dir / "redis")
    if own is not None:
        own.start()
    port = settings.port or free_port()
    filled = {
        "REDIS_URL": own.url if own else settings.redis_url.get_secret_value(),
        "PORT": str(port),
        "PUBLIC_URL": settings.public_url or f"http://{settings.host}:{port}",
        "STATE_DIR": str(settings.state_dir.resolve()),
    }
    secrets = (
        {PREFIX + name for name in WITHHELD_FROM_BOT}
        | set(settings.agent_variable_names())
        | set(settings.mcp_variables)
    )
    others = frozenset(PREFIX + name for name in WITHHELD_FROM_OTHERS)
    rooms = [Child("bot", ["bot"], frozenset(secrets)), Child("reconciler", ["reconciler"], others)]
    rooms += [Child(f"worker-{number}", ["worker"], others) for number in range(1, WORKERS + 1)]
    variables = {**environment, **{PREFIX + name: value for name, value in filled.items()}}
    processes = Processes(rooms, variables, log_file=log_file, longest_pause_seconds=settings.retry_seconds)
    processes.start()
    try:
        yield processes
    finally:
        processes.stop()
        if own is not None:
            own.stop()


def serve(settings: Settings) -> None:
    """Run everything in the foreground until told to stop."""
    settings.require("gitlab_url", "gitlab_token")
    # Say what is missing now, not in a log that starts over and over.
    make_verifier(settings)
    check_exposure(settings)
    with running(settings, environment=os.environ) as processes:  # noqa: TID251 - handed on, not read
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: processes.request_stop())
        click.echo(f"Ablehand is up on http://{settings.host}:{settings.port}; stop it with Ctrl-C.", err=True)
        if not settings.oidc_client_id:
            click.echo("Nobody signs in: whoever reaches this machine's loopback sees all tasks.", err=True)
        processes.keep()


def free_port() -> int:
    """Find a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
