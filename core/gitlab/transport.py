"""How GitLab is asked: time limits, retries of reads, errors of ours, and no token for another host.

python-gitlab's own retries are off: it repeats POST, and waits as long as a server says. A read is tried three times; a
write once, and what becomes of it is for the caller to look up.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import gitlab
import gitlab.v4.objects  # python-gitlab's first client would import it: 70 ms in every forked step
import requests
from gitlab.exceptions import GitlabAuthenticationError, GitlabError, GitlabHttpError

from core.crash import point
from core.errors import (
    GitLabConflict,
    GitLabDenied,
    GitLabError,
    GitLabNotFound,
    GitLabUnavailable,
    TokenRefused,
)

READ_TRIES: Final = 3
PAUSE_SECONDS: Final = 0.3
"""Before the second try; doubled before the third; with jitter."""
CHUNK_BYTES: Final = 65_536
LONGEST_BYTES: Final = 128 * 1024 * 1024
"""GitLab keeps at most 100 MiB of a job's log, unless its operator wants more."""
_MESSAGE_LIMIT: Final = 500

T = TypeVar("T")


class Transport:
    """One authenticated connection pool to one GitLab; for one process and one thread at a time.

    *on_error* is told of every answer that is an error, also of those that are tried again.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_seconds: float = 10,
        pause_seconds: float = PAUSE_SECONDS,
        on_error: Callable[[GitLabError], None] = lambda _error: None,
    ) -> None:
        self._pause = pause_seconds
        self._on_error = on_error
        # As a Bearer token, requests drops it when a redirect leaves the host; a PRIVATE-TOKEN header would follow.
        self._api = gitlab.Gitlab(
            url,
            oauth_token=token,
            timeout=timeout_seconds,
            retry_transient_errors=False,
            keep_base_url=True,
            user_agent="ablehand",
        )

    def read(self, name: str, path: str, **query: Any) -> dict[str, Any]:
        """GET the object *path*; *name* is the crash point and the words of an error."""
        return self._attempt(name, lambda: _object(self._api.http_get(path, query_data=query, obey_rate_limit=False)))

    def read_all(self, name: str, path: str, *, limit: int = 1000, **query: Any) -> list[dict[str, Any]]:
        """GET every page of the list *path*, at most *limit* entries."""
        query = {"per_page": 100, **query}

        def pages() -> list[dict[str, Any]]:
            found: Iterable[Any] = self._api.http_list(path, query_data=query, iterator=True, obey_rate_limit=False)
            return [_object(item) for item, _ in zip(found, range(limit), strict=False)]

        return self._attempt(name, pages)

    def download(self, name: str, path: str, *, limit_bytes: int) -> bytes:
        """GET a file, one byte more than *limit_bytes* at most: then its reader knows that it is larger."""

        def read() -> bytes:
            content = b""
            with self._api.http_request("get", path, streamed=True, obey_rate_limit=False) as answer:
                for piece in answer.iter_content(CHUNK_BYTES):
                    content += piece
                    if len(content) > limit_bytes:
                        break
            return content[: limit_bytes + 1]

        return self._attempt(name, read)

    def write(self, name: str, verb: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST or PUT *body* to *path*, once. After `GitLabUnavailable` it may or may not have happened."""
        with point(f"gitlab.{name}"):
            return self._told(name, lambda: _object(self._sent(verb, path, body).json()))

    def delete(self, name: str, path: str) -> None:
        """DELETE *path*, once."""
        with point(f"gitlab.{name}"):
            self._told(name, lambda: self._sent("delete", path, {}))

    def read_tail(self, name: str, path: str, limit: int) -> bytes:
        """GET the last *limit* bytes of *path*, however long it is, holding no more than that."""
        return self._attempt(name, lambda: self._tail(path, limit))

    def _tail(self, path: str, limit: int) -> bytes:
        tail = b""
        with self._api.http_request("get", path, streamed=True, obey_rate_limit=False) as answer:
            for read, chunk in enumerate(answer.iter_content(CHUNK_BYTES), start=1):
                tail = (tail + chunk)[-limit:]
                if read * CHUNK_BYTES >= LONGEST_BYTES:
                    break
        return tail

    def _sent(self, verb: str, path: str, body: dict[str, Any]) -> requests.Response:
        return self._api.http_request(verb, path, post_data=body, obey_rate_limit=False)

    def _attempt(self, name: str, read: Callable[[], T]) -> T:
        with point(f"gitlab.{name}"):
            for tried in range(1, READ_TRIES):
                try:
                    return self._told(name, read)
                except GitLabUnavailable:
                    time.sleep(self._pause * 2 ** (tried - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            return self._told(name, read)

    def _told(self, name: str, call: Callable[[], T]) -> T:
        try:
            return _translated(name, call)
        except GitLabError as error:
            self._on_error(error)
            raise


def _translated(name: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except GitlabAuthenticationError as error:
        raise TokenRefused(f"{name}: 401 {_message(error)}") from error
    except GitlabHttpError as error:
        raise _error_for(error.response_code or 0)(f"{name}: {error.response_code} {_message(error)}") from error
    # TypeError and LookupError: what python-gitlab makes of a page that is no list.
    except (GitlabError, requests.RequestException, ValueError, TypeError, LookupError) as error:
        raise GitLabUnavailable(f"{name}: {type(error).__name__}") from error


def _object(answer: Any) -> dict[str, Any]:
    """Give *answer* if it is an object: a proxy's page under status 200 is no answer of GitLab's."""
    if not isinstance(answer, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a wrong value from outside, as any broken JSON
    return answer


def _error_for(status: int) -> type[GitLabError]:
    if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
        return GitLabUnavailable
    known: dict[int, type[GitLabError]] = {403: GitLabDenied, 404: GitLabNotFound, 409: GitLabConflict}
    return known.get(status, GitLabError)


def _message(error: GitlabError) -> str:
    return " ".join(str(error.error_message or "").split())[:_MESSAGE_LIMIT]
