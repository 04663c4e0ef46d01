"""A bot that listens on a port of loopback, for what a client inside of the test's process can't do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from bot.app import build
from tests.bot.town import Town

PATIENCE = 60.0


@contextmanager
def served(town: Town, listener: socket.socket | None = None) -> Iterator[str]:
    """Run the town's bot on *listener*, or else on any port; give its address."""
    server = uvicorn.Server(uvicorn.Config(build(town.settings), port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=[[listener] if listener else None], daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
