"""What is answered instead: one exception, which pages show as a page and the API as ``application/problem+json``."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from starlette.responses import JSONResponse, Response

from core.errors import GitLabDenied, GitLabError, GitLabNotFound, GitLabUnavailable, TokenRefused

MEDIA_TYPE: Final = "application/problem+json"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Problem(Exception):
    """The request is not carried out; *detail* is a sentence for who sent it, with what to do."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] = _NONE, field: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.field = field
        """The one that is to be mended, where it is one."""

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase


def not_found() -> Problem:
    """Give the answer for what is not there and for what may not be seen: it is one."""
    return Problem(404, "There is no such task, or it is not for you to see.")


def of_gitlab(error: GitLabError) -> Problem:
    """Give the answer for an error of GitLab's."""
    if isinstance(error, GitLabUnavailable):
        return Problem(503, "GitLab does not answer. Try again in a moment.", headers={"Retry-After": "10"})
    if isinstance(error, TokenRefused):
        return Problem(401, "GitLab does not take your token any more. Sign in again, or use another token.")
    if isinstance(error, GitLabNotFound):
        return Problem(404, "GitLab shows you nothing there.")
    if isinstance(error, GitLabDenied):
        return Problem(403, "GitLab does not let your token do that.")
    return Problem(502, "GitLab's answer makes no sense. An operator finds more in the bot's log.")


def as_json(problem: Problem) -> Response:
    """Give a problem as RFC 9457 has it."""
    body = {"type": "about:blank", "title": problem.title, "status": problem.status, "detail": problem.detail}
    body |= {"field": problem.field} if problem.field else {}
    return JSONResponse(body, problem.status, dict(problem.headers), media_type=MEDIA_TYPE)
