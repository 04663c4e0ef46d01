"""Every operation of the API, once: `openapi` describes this table, `routes` serves it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from bot.api.outcomes import OutcomesQuery, OutcomesView
from bot.api.shapes import (
    BranchChoices,
    ChoicesQuery,
    ListQuery,
    LogLine,
    LogQuery,
    ProjectChoices,
    Query,
    TaskPage,
    TaskView,
)
from bot.wishes import Wish

JSON: Final = "application/json"
TEXT: Final = "text/plain"
LINES: Final = "application/x-ndjson"
EVENTS: Final = "text/event-stream"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
KEY_PATTERN: Final = r"^[\x21-\x7e]{1,255}$"
LAST_EVENT_ID: Final = "Last-Event-ID"

Media = Mapping[str, type[BaseModel] | None]
"""What an answer is made of by its content type; None: text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header that an operation reads."""

    name: str
    pattern: str
    """Empty: whatever."""
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be done. *refusals* are the statuses of problems beside those that each operation may have."""

    name: str
    method: str
    path: str
    says: str
    answers: Mapping[int, Media]
    refusals: tuple[int, ...] = ()
    query: type[Query] = Query
    body: type[BaseModel] | None = None
    headers: tuple[Header, ...] = ()
    is_public: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"


_ONE: Final[Media] = MappingProxyType({JSON: TaskView})
_RESUME: Final = Header(name=LAST_EVENT_ID, pattern="", says="Go on behind this event; what is none is no event.")

OPERATIONS: Final = (
    Operation(
        name="createTask",
        method="POST",
        path="/tasks",
        says="Have something done in a project. The merge request comes at the end; nothing is commented on.",
        answers={202: _ONE, 200: _ONE},
        refusals=(404, 409, 413, 415),
        body=Wish,
        headers=(
            Header(
                name=IDEMPOTENCY_KEY,
                pattern=KEY_PATTERN,
                says="The same key with the same body gives the same task, for a day.",
            ),
        ),
    ),
    Operation(
        name="listTasks",
        method="GET",
        path="/tasks",
        says="The tasks that GitLab lets you see, the youngest first.",
        answers={200: {JSON: TaskPage}},
        query=ListQuery,
    ),
    Operation(
        name="getTask",
        method="GET",
        path="/tasks/{task_id}",
        says="One task.",
        answers={200: _ONE},
        refusals=(404,),
    ),
    Operation(
        name="cancelTask",
        method="POST",
        path="/tasks/{task_id}/cancel",
        says="End the task, its run, and what it spends. The answer is the task as it is now.",
        answers={202: _ONE},
        refusals=(404, 409),
    ),
    Operation(
        name="retryTask",
        method="POST",
        path="/tasks/{task_id}/retry",
        says="Do once more what has ended. The answer is a new task.",
        answers={202: _ONE},
        refusals=(404, 409),
    ),
    Operation(
        name="readLog",
        method="GET",
        path="/tasks/{task_id}/log",
        says="The log of the run: as text without control characters, as JSON lines, or, as events, as it is written.",
        answers={200: {TEXT: None, LINES: LogLine, EVENTS: None}},
        refusals=(404,),
        query=LogQuery,
        headers=(_RESUME,),
    ),
    Operation(
        name="followTask",
        method="GET",
        path="/tasks/{task_id}/events",
        says="The task each time that it has changed, as server-sent events named task; end when it has ended.",
        answers={200: {EVENTS: None}},
        refusals=(404,),
    ),
    Operation(
        name="followTasks",
        method="GET",
        path="/events",
        says="Every task that you may see, each time that it has changed, as server-sent events named task.",
        answers={200: {EVENTS: None}},
        headers=(_RESUME,),
    ),
    Operation(
        name="listProjects",
        method="GET",
        path="/projects",
        says="Some projects that you may ask for something in, for a form to offer.",
        answers={200: {JSON: ProjectChoices}},
        query=ChoicesQuery,
    ),
    Operation(
        name="listBranches",
        method="GET",
        path="/projects/{project_id}/branches",
        says="Some branches of a project, for a form to offer.",
        answers={200: {JSON: BranchChoices}},
        refusals=(404,),
        query=ChoicesQuery,
    ),
    Operation(
        name="showOutcomes",
        method="GET",
        path="/outcomes",
        says="What has become of tasks and merge requests in some days, of one project or of all that you may see.",
        answers={200: {JSON: OutcomesView}},
        refusals=(404,),
        query=OutcomesQuery,
    ),
    Operation(
        name="describe",
        method="GET",
        path="/openapi.json",
        says="This description.",
        answers={200: {JSON: None}},
        is_public=True,
    ),
)
ALWAYS: Final = (400, 429, 502, 503)
"""Statuses of problems that every operation may have."""
GUARDED: Final = (401, 403)
"""And those of operations that ask who you are."""
