"""The pages: what was asked, its phases, its log. Reads the ledger only; shows each viewer what is theirs to see."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.api.routes import problem_of
from bot.desk import Desk
from bot.headers import HARMLESS, PAGE
from bot.live_log import log_events
from bot.problems import Problem, not_found
from bot.viewer import How, Viewer
from core.task import Phase, Task
from core.task_log import START, is_position

LINES_SHOWN: Final = 2000
SEE_OTHER: Final = 303
CLOSED: Final = (
    "Nobody can sign in here yet, so these pages are closed. An operator can set up the sign-in: docs/api.md."
)
ELSEWHERE: Final = "Without sign-in these pages open by the name localhost or 127.0.0.1 alone."
_SHOWN_PHASES: Final = (
    Phase.RECEIVED, Phase.QUEUED, Phase.STARTING, Phase.PREPARING, Phase.WORKING, Phase.PUBLISHING, Phase.FINISHING,
)  # fmt: skip


class SignInFirst(Exception):
    """Nobody is signed in: the browser is sent there, and comes back."""


class Pages:
    """Renders with autoescape throughout: everything on a page comes from people, repositories and agents."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        folder = Path(__file__).parent / "templates"
        self._templates = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True)
        self._templates.filters["clock"] = _clock

    async def home(self, request: Request) -> Response:
        """Say that the bot runs, and how a task is started."""
        return self._render("home.html", await self._viewer(request))

    async def task(self, request: Request) -> Response:
        """Show one task."""
        viewer = await self._viewer(request)
        task = await self._task(viewer, request)
        entries = await self._desk.task_log.read(task.id, count=LINES_SHOWN)
        last = entries[-1].id if entries else START
        return self._render("task.html", viewer, task=task, phases=timeline(task), entries=entries, last=last)

    async def log(self, request: Request) -> Response:
        """Stream a task's log from behind ``Last-Event-ID`` (the browser's own reconnect) or ``?after=``."""
        viewer = await self._viewer(request)
        task = await self._task(viewer, request)
        after = request.headers.get("last-event-id") or request.query_params.get("after") or START
        if not is_position(after):
            raise Problem(400, "after is no position of this log.")
        return EventSourceResponse(log_events(self._desk, viewer, task, after), headers=HARMLESS, ping=15)

    async def signed_out(self, _request: Request) -> Response:
        """Say that nobody is signed in any more."""
        return self._render("signed_out.html", None)

    async def problem(self, _request: Request, error: Exception) -> Response:
        """Show what went wrong as a page."""
        problem = problem_of(error)
        return self._render("problem.html", None, status=problem.status, problem=problem)

    async def sign_in_first(self, request: Request, _error: Exception) -> Response:
        """Send the browser to the sign-in."""
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}", SEE_OTHER)

    async def _viewer(self, request: Request) -> Viewer:
        viewer = await self._desk.doors.viewer(request)
        if viewer is None and self._desk.sessions is None:
            raise Problem(403, CLOSED if self._desk.settings.pages_closed else ELSEWHERE)
        if viewer is None:
            raise SignInFirst
        return viewer

    async def _task(self, viewer: Viewer, request: Request) -> Task:
        task = await self._desk.store.get(int(request.path_params["task_id"]))
        if task is None or task.is_errand or not await self._desk.visibility.may_see(viewer, task):
            raise not_found()
        return task

    def _render(self, name: str, viewer: Viewer | None, *, status: int = 200, **values: Any) -> Response:
        is_open = viewer is not None and viewer.how is How.OPEN
        text = self._templates.get_template(name).render(viewer=viewer, is_open=is_open, **values)
        return HTMLResponse(text, status, PAGE)


def timeline(task: Task) -> list[tuple[str, float, str]]:
    """List the phases in their order, with the time each was entered (0: not) and done, active, failed or waiting."""
    entered = dict(task.phase_times)
    passed = [phase for phase in _SHOWN_PHASES if phase in entered or not task.phase.is_final]
    reached = [phase for phase in passed if phase in entered]
    last = reached[-1] if reached else None
    rows = []
    for phase in passed:
        state = "done" if phase in entered else "waiting"
        if phase is last and not task.phase.is_final:
            state = "active"
        if phase is last and task.phase in {Phase.FAILED, Phase.REJECTED}:
            state = "failed"
        rows.append((phase.value, entered.get(phase, 0.0), state))
    return rows + ([(task.phase.value, task.ended_at, "done")] if task.phase.is_final else [])


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) if seconds else ""
