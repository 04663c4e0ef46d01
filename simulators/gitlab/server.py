"""The simulated GitLab as a server on loopback, in a thread of its own: the name that the demo and tests know."""

import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from simulators.gitlab.app import make_app
from simulators.gitlab.edge import CuttableProtocol, RecordedCall
from simulators.gitlab.faults import Faults
from simulators.gitlab.state.world import World

STOP_SECONDS = 10


class GitLabServer:
    """A GitLab at `url`, from `start` to `stop` or for a `with` block. Its repositories lie in *directory*.

    The port is taken at once, so that `url` is known, and calls wait, before the server is up.
    """

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.faults = Faults()
        self.world = World(directory, self.faults)
        self.calls: list[RecordedCall] = []
        self._socket = _listen(port)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.world.url = self.world.sender.instance = self.url
        config = uvicorn.Config(
            make_app(self.world, self.faults, self.calls),
            http=CuttableProtocol,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="gitlab", daemon=True)

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the server and the sender of hooks; what was not sent is dropped."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self.world.sender.close()
        self._socket.close()

    def wait_for_hooks(self, timeout: float = 5.0) -> None:
        """Block until every hook is delivered; raise TimeoutError where that takes longer than *timeout* seconds."""
        if not self.world.sender.wait(timeout):
            raise TimeoutError(f"hooks were still under way after {timeout} s")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the socket names its protocol; with it each answer costs 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(128)
    return listening
