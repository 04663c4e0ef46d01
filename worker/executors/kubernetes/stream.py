"""Asynchronous reads of the cluster's API: whole answers, and streams that go on for minutes or hours.

Used by the watches and the log readers of one reconciler, all on one session. Bytes in, bytes out; configuration,
credentials and TLS are the official client's. Importing this costs about 60 MiB; processes that only launch do not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from core.errors import ExecutorError, ExecutorUnavailable, SettingsError
from core.reasons import Reason
from worker.executors.kubernetes.refusals import Answer, refusal
from worker.executors.kubernetes.session import load_credentials, open_client

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0
REFUSAL_LIMIT_BYTES: Final = 65_536
RELOAD_SECONDS: Final = 10.0
"""Credentials that are not accepted are read anew, but no more often than this."""
_UNAUTHORIZED: Final = 401
_FIRST_ERROR: Final = 400


class Refused(ExecutorError):
    """The API answered with an error: *status*, and after how many *seconds* to come back (0: it did not say)."""

    def __init__(self, error: ExecutorError, status: int, seconds: float) -> None:
        super().__init__(str(error), error.reason)
        self.status = status
        self.seconds = seconds


class Silent(ExecutorUnavailable):
    """There is a connection, and nothing came over it in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One GET. *what* says it in the words that an error begins with ("list jobs")."""

    what: str
    path: str
    """With ``{namespace}`` where the namespace goes."""
    query: Mapping[str, str] = field(default_factory=dict)
    read_seconds: float
    """The longest silence; whoever asks decides, because only some streams have something to say."""


class Body:
    """An answer that is still coming."""

    def __init__(self, response: aiohttp.ClientResponse, what: str) -> None:
        self._response = response
        self._what = what

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what comes, as it comes; end where the server ended the answer in order.

        Raises:
            ExecutorUnavailable: It was cut, closed by us, or is `Silent`.
        """
        with _translated(self._what):
            async for chunk in self._response.content.iter_any():
                yield chunk

    def close(self) -> None:
        """Hang up at once; who reads gets an `ExecutorUnavailable`."""
        self._response.close()


class ApiStream:
    """GETs in one namespace over one session, opened by the first of them. For one event loop.

    *kubeconfig*: a file to use in place of what `worker.executors.kubernetes.session` finds. *on_error* is told of
    every question that got an error for an answer, or none; it must not block.
    """

    def __init__(
        self,
        namespace: str,
        *,
        kubeconfig: Path | None = None,
        reload_seconds: float = RELOAD_SECONDS,
        on_error: Callable[[ExecutorError], None] = lambda _error: None,
    ) -> None:
        self._namespace = namespace
        self._on_error = on_error
        self._kubeconfig = kubeconfig
        self._reload_seconds = reload_seconds
        self._client: ApiClient | None = None
        self._opening = asyncio.Lock()
        self._loaded_at = 0.0
        self.clock_offset = 0.0
        """Seconds that the server's clock is ahead of ours, by its last answer."""

    @contextlib.asynccontextmanager
    async def open(self, ask: Ask) -> AsyncIterator[Body]:
        """GET and give the answer's body to be read while it comes.

        Raises:
            Refused: The answer is an error.
            ExecutorUnavailable: There is none.
        """
        with self._asking(ask.what):
            response = await self._send(ask)
        try:
            if response.status >= _FIRST_ERROR:
                raise await self._refused(response, ask.what)
            yield Body(response, ask.what)
        finally:
            response.close()

    async def read(self, ask: Ask) -> bytes:
        """GET the whole answer; errors as those of `open`."""
        with self._asking(ask.what):
            response = await self._send(ask)
            async with response:
                if response.status >= _FIRST_ERROR:
                    raise await self._refused(response, ask.what)
                return await response.read()

    async def close(self) -> None:
        """Close every connection."""
        client: Any = self._client
        self._client = None
        if client is not None:
            await client.close()

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            with _translated(what):
                yield
        except ExecutorUnavailable as error:
            self._on_error(error)
            raise

    async def _send(self, ask: Ask) -> aiohttp.ClientResponse:
        client = await self._opened()
        request: Any = await client.param_serialize(
            "GET",
            ask.path,
            path_params={"namespace": self._namespace},
            query_params=list(ask.query.items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        method, url, headers = request[:3]
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=ask.read_seconds)
        transport: Any = client.rest_client
        answer = await transport.request(method, url, headers=headers, _request_timeout=timeout)
        response: aiohttp.ClientResponse = answer.response
        self._note_clock(response)
        return response

    async def _opened(self) -> ApiClient:
        async with self._opening:
            if self._client is None:
                configuration = Configuration()
                await load_credentials(configuration, self._kubeconfig)
                self._loaded_at = time.monotonic()
                self._client = open_client(configuration)
            return self._client

    async def _refused(self, response: aiohttp.ClientResponse, what: str) -> Refused:
        text = await response.content.read(REFUSAL_LIMIT_BYTES)
        after = response.headers.get("Retry-After", "")
        seconds = float(after) if after.isdecimal() else 0.0
        if response.status == _UNAUTHORIZED:
            await self._reload_credentials()
        answer = Answer(status=response.status, body=text, retry_after=seconds)
        error = refusal(what, self._namespace, answer)
        self._on_error(error)
        return Refused(error, response.status, seconds)

    async def _reload_credentials(self) -> None:
        """Read the credentials anew, so that the next try has the token that a plugin gives now."""
        async with self._opening:
            if self._client is not None and time.monotonic() - self._loaded_at > self._reload_seconds:
                self._loaded_at = time.monotonic()
                try:
                    await load_credentials(self._client.configuration, self._kubeconfig)
                except SettingsError as error:
                    log.warning("credentials for the cluster could not be renewed", extra={"why": str(error)})

    def _note_clock(self, response: aiohttp.ClientResponse) -> None:
        with contextlib.suppress(ValueError):
            self.clock_offset = parsedate_to_datetime(response.headers.get("Date", "")).timestamp() - time.time()


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Silent(f"the cluster does not answer ({what}: nothing came in time)", Reason.CLUSTER) from error
    except (aiohttp.ClientError, OSError) as error:
        words = f"{what}: {type(error).__name__}"
        raise ExecutorUnavailable(f"the cluster does not answer ({words})", Reason.CLUSTER) from error
