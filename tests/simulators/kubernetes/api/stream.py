"""A watch over raw HTTP, read in a thread: its events arrive in a queue, so that a test waits with a deadline."""

import json
import queue
import threading
from types import TracebackType
from typing import Any, Self

import httpx2

Event = dict[str, Any]
SECONDS = 60.0


class WatchStream:
    """An open watch, for a `with` block."""

    def __init__(self, api: httpx2.Client, path: str, **query: str | int) -> None:
        self._api = api
        self._path = path
        self._query = {"watch": "1", **{name: str(value) for name, value in query.items()}}
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._opened = threading.Event()
        self._response: httpx2.Response | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)

    def next(self, seconds: float = SECONDS) -> Event | None:
        """Return the next event, or None where the stream has ended; raise queue.Empty after *seconds*."""
        return self._events.get(timeout=seconds)

    def told(self, seconds: float = SECONDS) -> tuple[str, str]:
        """Return the next event's type and its object's name."""
        event = self.next(seconds)
        return ("", "") if event is None else (event["type"], event["object"]["metadata"].get("name", ""))

    def _read(self) -> None:
        try:
            with self._api.stream("GET", self._path, params=self._query, timeout=60) as response:
                self._response = response
                self._opened.set()
                for line in response.iter_lines():
                    self._events.put(json.loads(line))
        except (httpx2.HTTPError, httpx2.StreamError, OSError, AttributeError):
            # The connection was broken by the server, or by `__exit__`.
            pass
        finally:
            self._opened.set()
            self._events.put(None)

    def __enter__(self) -> Self:
        self._thread.start()
        self._opened.wait(SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the stream to its own timeout, or to the end of the server."""
