"""Run `git http-backend` for one request: the body streams in, the answer streams out. Called by `git_http`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from simulators.gitlab.repository import git_environment

CHUNK = 65536


async def run_backend(
    request: Request,
    repository: Path,
    service_path: str,
    variables: Mapping[str, str],
    when_done: Callable[[], Awaitable[None]],
) -> Response:
    """Return what git answers; *variables* reach its hooks, *when_done* runs once git has ended."""
    backend = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=git_environment(**_cgi(request, repository, service_path), **variables),
    )
    if backend.stdin is None or backend.stdout is None:
        raise RuntimeError("git http-backend was started without pipes")
    feeding = asyncio.create_task(_feed(request, backend.stdin))
    status, headers = await _read_head(backend.stdout)
    return BackendAnswer(_stream(backend, backend.stdout, feeding, when_done), status, headers)


class BackendAnswer(StreamingResponse):
    """A streamed answer that does not watch for the client's end: `_feed` is the one reader of the request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything."""
        del scope, receive
        await self.stream_response(send)


def _cgi(request: Request, repository: Path, service_path: str) -> dict[str, str]:
    headers = request.headers
    variables = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "GIT_PROJECT_ROOT": str(repository.parent),
        "PATH_INFO": f"/{repository.name}/{service_path}",
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
    }
    # A chunked body has no length: git then reads to its end.
    if length := headers.get("content-length"):
        variables["CONTENT_LENGTH"] = length
    return variables


async def _feed(request: Request, stdin: asyncio.StreamWriter) -> None:
    # git may end before it has read everything, and the client may go away.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, ClientDisconnect):
        async for chunk in request.stream():
            stdin.write(chunk)
            await stdin.drain()
    stdin.close()


async def _read_head(stdout: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status, headers = 200, {}
    while line := (await stdout.readline()).decode().strip():
        name, _, value = line.partition(": ")
        if name == "Status":
            status = int(value.split(" ")[0])
        else:
            headers[name] = value
    return status, headers


async def _stream(
    backend: asyncio.subprocess.Process,
    stdout: asyncio.StreamReader,
    feeding: asyncio.Task[None],
    when_done: Callable[[], Awaitable[None]],
) -> AsyncIterator[bytes]:
    try:
        while chunk := await stdout.read(CHUNK):
            yield chunk
        await backend.wait()
        await when_done()
    finally:
        feeding.cancel()
        if backend.returncode is None:
            backend.kill()
