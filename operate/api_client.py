"""Calls the REST API for the command line: one address, one token, errors in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Self

import httpx2

from core.errors import AblehandError

ANSWER_SECONDS: Final = 30.0
SILENCE_SECONDS: Final = 60.0
"""A stream is pinged more often than that."""
LAST_EVENT_ID: Final = "Last-Event-ID"


class ApiError(AblehandError):
    """The API refused, or did not answer; the message says what."""


class ApiClient:
    """The API at *url*, as whoever *token* belongs to; a context."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.Client(base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Read something.

        Raises:
            ApiError: It is not there, or not for us.
        """
        return self._object("GET", path, params={name: value for name, value in query.items() if value != ""})

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> dict[str, Any]:
        """Have something done; *key* makes a repetition harmless.

        Raises:
            ApiError: It is not done.
        """
        return self._object("POST", path, json=body, headers={"Idempotency-Key": key} if key else {})

    def text(self, path: str) -> Iterator[str]:
        """Yield text as it comes.

        Raises:
            ApiError: It is not there, or not for us.
        """
        try:
            with self._http.stream("GET", path) as answer:
                _check(answer)
                yield from answer.iter_text()
        except httpx2.HTTPError as error:
            raise _absent(error) from error

    def events(self, path: str, after: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
        """Yield server-sent events behind *after*: name, data, id.

        Raises:
            ApiError: Nothing more comes; who still has to wait goes on behind the last id.
        """
        headers = {"Accept": "text/event-stream"} | ({LAST_EVENT_ID: after} if after else {})
        try:
            with self._http.stream("GET", path, headers=headers, timeout=SILENCE_SECONDS) as answer:
                _check(answer)
                yield from _events(answer.iter_lines())
        except httpx2.HTTPError as error:
            raise _absent(error) from error

    def _object(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **more)
            _check(answer)
            found = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise _absent(error) from error
        if not isinstance(found, dict):
            raise ApiError("What answers there is not Ablehand.")
        return found


def _check(answer: httpx2.Response) -> None:
    if answer.is_success:
        return
    answer.read()
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"What answers there is not Ablehand: {answer.status_code}."
    raise ApiError(detail)


def _absent(error: Exception) -> ApiError:
    return ApiError(f"Ablehand does not answer: {type(error).__name__}. Is ABLEHAND_PUBLIC_URL (or --url) right?")


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any], str]]:
    event: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            event[name] = value
        elif not line and "data" in event:
            yield event.get("event", ""), json.loads(event["data"]), event.get("id", "")
            event = {}
