"""The page of a task: what was asked, its phases, its log. Reads the ledger only.

Until people sign in, the unguessable key in the link from the comment is what opens a page: who can read the issue can
read the page. A wrong key looks like no task.
"""

from __future__ import annotations

import hmac
import time
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core.store import TaskStore
from core.task import Phase, Task
from core.task_log import START, TaskLog

LINES_SHOWN = 2000
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_SHOWN_PHASES = (
    Phase.RECEIVED, Phase.QUEUED, Phase.STARTING, Phase.PREPARING, Phase.WORKING, Phase.PUBLISHING, Phase.FINISHING,
)  # fmt: skip


class Pages:
    """Renders with autoescape throughout: everything on a page comes from people, repositories and agents."""

    def __init__(self, store: TaskStore, task_log: TaskLog) -> None:
        self._store = store
        self._log = task_log
        folder = Path(__file__).parent / "templates"
        self._templates = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True)
        self._templates.filters["clock"] = _clock

    async def home(self, _request: Request) -> Response:
        """Say that the bot runs, and how a task is started."""
        return self._render("home.html")

    async def task(self, request: Request) -> Response:
        """Show one task, to whom has its key."""
        task = await find(self._store, request)
        if task is None:
            return self._render("missing.html", status=404)
        entries = await self._log.read(task.id, count=LINES_SHOWN)
        last = entries[-1].id if entries else START
        return self._render("task.html", task=task, phases=timeline(task), entries=entries, last=last)

    def _render(self, name: str, *, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(name).render(**values), status, HEADERS)


async def find(store: TaskStore, request: Request) -> Task | None:
    """Give the task that the address names, if its key is right; None for all else."""
    task = await store.get(int(request.path_params["task_id"]))
    key = request.query_params.get("key", "")
    return task if task and hmac.compare_digest(key.encode(), task.page_key.encode()) else None


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
