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
_MESSAGE_LIMIT: Final = 500

T = TypeVar("T")


class Transport:
    """One authenticated connection pool to one GitLab; for one process and one thread at a time."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_seconds: float = 10,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._pause = pause_seconds
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

    def write(self, name: str, verb: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST or PUT *body* to *path*, once. After `GitLabUnavailable` it may or may not have happened."""
        with point(f"gitlab.{name}"):
            return _translated(name, lambda: _object(self._sent(verb, path, body).json()))

    def _sent(self, verb: str, path: str, body: dict[str, Any]) -> requests.Response:
        return self._api.http_request(verb, path, post_data=body, obey_rate_limit=False)

    def _attempt(self, name: str, read: Callable[[], T]) -> T:
        with point(f"gitlab.{name}"):
            for tried in range(1, READ_TRIES):
                try:
                    return _translated(name, read)
                except GitLabUnavailable:
                    time.sleep(self._pause * 2 ** (tried - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            return _translated(name, read)


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
