"""The simulated model API as a server on loopback, in a thread of its own: the name that the demo and tests know."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from simulators.model.app import Application, CuttableProtocol, RecordedRequest
from simulators.model.script import Script, Turn

STOP_SECONDS = 10


class ModelServer:
    """A model at `url`, from `start` to `stop` or for a `with` block; `requests` fills with all that it is asked."""

    def __init__(self, *turns: Turn, port: int = 0) -> None:
        self.script = Script(turns)
        self.requests: list[RecordedRequest] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(128)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._application = Application(self.script, self.requests)
        config = uvicorn.Config(
            self._application,
            http=CuttableProtocol,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="model", daemon=True)

    @property
    def turns(self) -> list[RecordedRequest]:
        """The requests that were answered from the script."""
        return [request for request in self.requests if request.turn]

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the server; answers that are under way are cut."""
        self._application.stopping = True
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
