"""What each operation does, by its name in `operations`. The viewer is known, the query is as described."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from bot import task_events
from bot.api import openapi
from bot.api.incoming import read_body, read_header
from bot.api.operations import EVENTS, IDEMPOTENCY_KEY, LAST_EVENT_ID, LINES, TEXT, Operation
from bot.api.outcomes import OutcomesQuery, outcomes_view
from bot.api.shapes import (
    BranchChoices,
    ChoicesQuery,
    ListQuery,
    LogLine,
    LogQuery,
    ProjectChoice,
    ProjectChoices,
    Query,
    TaskPage,
    task_view,
)
from bot.changes import position
from bot.desk import Desk
from bot.headers import HARMLESS
from bot.listing import list_tasks
from bot.live_log import log_events
from bot.outcomes import outcomes_for
from bot.problems import Problem, not_found
from bot.viewer import How, Viewer
from bot.wishes import Wish
from core.gitlab.levels import DEVELOPER
from core.plain_text import plain_line
from core.task import Status, Task
from core.task_list import Wanted
from core.task_log import START, Entry, is_position

LINES_AT_ONCE: Final = 1000
PING_SECONDS: Final = 15
LAST_NUMBER: Final = 2**63 - 1
"""Of a place in a stream of Redis's."""
_FORMATS: Final = {"text": TEXT, "jsonl": LINES, "sse": EVENTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: who, what, with what."""

    desk: Desk
    operation: Operation
    request: Request
    query: Query
    viewer: Viewer

    async def task(self) -> Task:
        """Give the task that the address names.

        Raises:
            Problem: There is none for this viewer.
        """
        task = await self.desk.store.get(int(self.request.path_params["task_id"]))
        if task is None or task.is_errand or not await self.desk.visibility.may_see(self.viewer, task):
            raise not_found()
        return task

    def header(self, name: str) -> str:
        """Give a header that the operation reads; empty where it is not sent."""
        return read_header(self.request, next(header for header in self.operation.headers if header.name == name))

    def check_person(self) -> None:
        """Check that it is somebody whom GitLab can be asked about.

        Raises:
            Problem: Anybody.
        """
        if self.viewer.how is How.OPEN:
            raise Problem(403, "Nobody signs in here: send a GitLab access token.")

    def place(self, fallback: str = "") -> str:
        """Give where a stream goes on, be it behind its end; empty: at its beginning."""
        told = self.header(LAST_EVENT_ID)
        place = told if is_position(told) else fallback
        return "-".join(str(min(int(number), LAST_NUMBER)) for number in place.split("-")) if place else ""

    def shown(self, task: Task, status: int = 200, **headers: str) -> Response:
        """Show a task."""
        body = task_view(task, self.desk.settings.public_url).model_dump(mode="json")
        return JSONResponse(body, status, headers)


async def create_task(call: Call) -> Response:
    """Accept a task."""
    wish = await read_body(call.request, Wish)
    new, task = await call.desk.asking.ask(call.viewer, wish, idempotency_key=call.header(IDEMPOTENCY_KEY))
    return call.shown(task, 202 if new else 200, Location=f"/api/v1/tasks/{task.id}")


async def list_some(call: Call) -> Response:
    """List what the viewer may see."""
    query, desk = cast("ListQuery", call.query), call.desk
    wanted = Wanted(
        projects=frozenset({int(query.project)}) if query.project else None,
        statuses=(Status(query.status),) if query.status else (),
        requester=query.requester,
        text=query.text,
    )
    page = await list_tasks(desk, call.viewer, wanted, before=int(query.cursor or 0), limit=query.limit)
    views = [task_view(task, desk.settings.public_url) for task in page.tasks]
    return _json(TaskPage(tasks=views, next=str(page.next) if page.next else None))


async def get_task(call: Call) -> Response:
    """Show one."""
    return call.shown(await call.task())


async def cancel_task(call: Call) -> Response:
    """Have one cancelled."""
    task = await call.task()
    await call.desk.asking.order(call.viewer, task, "cancel")
    return call.shown(task, 202)


async def retry_task(call: Call) -> Response:
    """Have one done again."""
    again = await call.desk.asking.order(call.viewer, await call.task(), "retry")
    return call.shown(again, 202, Location=f"/api/v1/tasks/{again.id}")


async def read_log(call: Call) -> Response:
    """Give a log as it was asked for."""
    query = cast("LogQuery", call.query)
    task = await call.task()
    after = call.place(query.after) or START
    accepted = call.request.headers.get("accept", "")
    media = _FORMATS.get(query.format) or next((kind for kind in (EVENTS, LINES) if kind in accepted), TEXT)
    # Read before the answer begins: what can't be read is then a refusal, and not an answer that breaks off.
    first = await call.desk.task_log.read(task.id, after, count=1 if media == EVENTS else LINES_AT_ONCE)
    if media == EVENTS:
        return _events(log_events(call.desk, call.viewer, task, after))
    write = _as_json if media == LINES else _as_text
    return StreamingResponse(_written(call.desk, task, first, write), media_type=media, headers=HARMLESS)


async def follow_task(call: Call) -> Response:
    """Follow one."""
    return _events(task_events.task_events(call.desk, call.viewer, await call.task()))


async def follow_tasks(call: Call) -> Response:
    """Follow all."""
    last = call.place()
    place = position(last) if last else None
    return _events(task_events.all_task_events(call.desk, call.viewer, place))


async def list_projects(call: Call) -> Response:
    """Offer projects."""
    query = cast("ChoicesQuery", call.query)
    call.check_person()
    found = await call.desk.gitlab.choices(call.viewer.token, query.search, DEVELOPER)
    choices = [ProjectChoice(id=one.id, path=one.path, default_branch=one.default_branch) for one in found]
    return _json(ProjectChoices(projects=choices))


async def list_branches(call: Call) -> Response:
    """Offer branches."""
    query = cast("ChoicesQuery", call.query)
    call.check_person()
    project_id = int(call.request.path_params["project_id"])
    return _json(BranchChoices(branches=await call.desk.gitlab.branches(call.viewer.token, project_id, query.search)))


async def show_outcomes(call: Call) -> Response:
    """Sum up what has become of tasks and merge requests."""
    query, desk = cast("OutcomesQuery", call.query), call.desk
    days, project_id = int(query.days), int(query.project or 0)
    found = await outcomes_for(desk, call.viewer, days=days, project_id=project_id)
    return JSONResponse(outcomes_view(days, found).model_dump(mode="json"))


async def describe(call: Call) -> Response:
    """Describe the API."""
    return JSONResponse(openapi.document(call.desk.settings.public_url))


CALLS: Final[dict[str, Callable[[Call], Awaitable[Response]]]] = {
    "createTask": create_task,
    "listTasks": list_some,
    "getTask": get_task,
    "cancelTask": cancel_task,
    "retryTask": retry_task,
    "readLog": read_log,
    "followTask": follow_task,
    "followTasks": follow_tasks,
    "listProjects": list_projects,
    "listBranches": list_branches,
    "showOutcomes": show_outcomes,
    "describe": describe,
}


async def _written(desk: Desk, task: Task, entries: list[Entry], write: Callable[[Entry], str]) -> AsyncIterator[str]:
    while entries:
        yield "".join(write(entry) for entry in entries)
        entries = await desk.task_log.read(task.id, entries[-1].id, count=LINES_AT_ONCE)


def _as_text(entry: Entry) -> str:
    return f"{plain_line(entry.text)}\n"


def _as_json(entry: Entry) -> str:
    return LogLine(id=entry.id, step=entry.step, text=entry.text, at=entry.at).model_dump_json(ensure_ascii=True) + "\n"


def _events(events: AsyncIterator[Any]) -> Response:
    return EventSourceResponse(events, headers=HARMLESS, ping=PING_SECONDS)


def _json(body: TaskPage | ProjectChoices | BranchChoices) -> Response:
    return JSONResponse(body.model_dump(mode="json"))
