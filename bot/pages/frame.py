"""What is around every page: who looks at it, the layout, and the pages for what goes wrong.

Renders with autoescape throughout: everything on a page comes from people, repositories and agents.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.api.routes import problem_of
from bot.coded import coded
from bot.desk import Desk
from bot.headers import PAGE
from bot.problems import Problem, not_found
from bot.viewer import How, Viewer
from core.errors import StoreError
from core.figures import duration, money, plural
from core.plain_text import visible_text
from core.task import Task

SEE_OTHER: Final = 303
CLOSED: Final = (
    "Nobody can sign in here yet, so these pages are closed. An operator can set up the sign-in: docs/api.md."
)
ELSEWHERE: Final = "Without sign-in these pages open by the name localhost or 127.0.0.1 alone."


class SignInFirst(Exception):
    """Nobody is signed in: the browser is sent there, and comes back to *place*; empty: to where it is."""

    def __init__(self, place: str = "") -> None:
        super().__init__(place)
        self.place = place


class Frame:
    """Shared by all pages of one bot."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        folder = Path(__file__).parents[1] / "templates"
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._templates.filters |= {
            "clock": _clock, "moment": _moment, "iso": _iso, "visible": visible_text, "coded": coded,
            "duration": duration, "money": money, "plural": plural,
        }  # fmt: skip

    async def viewer(self, request: Request) -> Viewer:
        """Give who looks at a page.

        Raises:
            SignInFirst: Nobody whom we know.
            Problem: Nobody can sign in, and the pages are closed or were not opened by a name of loopback.
        """
        viewer = await self.desk.doors.viewer(request)
        if viewer is None and self.desk.sessions is None:
            raise Problem(403, CLOSED if self.desk.settings.pages_closed else ELSEWHERE)
        if viewer is None:
            raise SignInFirst
        return viewer

    async def task(self, viewer: Viewer, task_id: int) -> Task:
        """Give a task that *viewer* may see.

        Raises:
            Problem: There is none.
        """
        task = await self.desk.store.get(task_id)
        if task is None or task.is_errand or not await self.desk.visibility.may_see(viewer, task):
            raise not_found()
        return task

    def show(self, name: str, viewer: Viewer | None, *, status: int = 200, **values: Any) -> Response:
        """Give the page that the template *name* makes of *values*; *viewer* is None for nobody."""
        is_open = viewer is not None and viewer.how is How.OPEN
        text = self._templates.get_template(name).render(viewer=viewer, is_open=is_open, **values)
        return HTMLResponse(text, status, PAGE)

    async def signed_out(self, _request: Request) -> Response:
        """Say that nobody is signed in any more."""
        return self.show("signed_out.html", None, wanted="")

    async def problem(self, request: Request, error: Exception) -> Response:
        """Show what went wrong as a page."""
        problem = problem_of(error)
        page = self.show("problem.html", await self._known(request), status=problem.status, problem=problem)
        page.headers.update(problem.headers)
        return page

    async def sign_in_first(self, request: Request, error: Exception) -> Response:
        """Send the browser to the sign-in; who sent a form is asked to go there."""
        wanted = error.place if isinstance(error, SignInFirst) else ""
        if request.method == "POST":  # Browsers hold where a form leads to, by whatever way, against our policy.
            back = wanted or urlsplit(request.headers.get("referer", "")).path or "/"
            return self.show("signed_out.html", None, status=401, wanted=back)
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(wanted or here, safe='')}", SEE_OTHER)

    async def _known(self, request: Request) -> Viewer | None:
        """Give who looks at an error, for the way back; nobody where that can't be told either."""
        try:
            return await self.desk.doors.viewer(request)
        except StoreError:
            return None


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) if seconds else ""


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
