"""What goes out as JSON, and the queries that come in; `bot.wishes` has what a task is asked for with. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.task import Mode, Phase, Place, Source, Status, Task

MOST_AT_ONCE = 100
Moment = Annotated[datetime, Field(description="RFC 3339, UTC.")]


class Person(BaseModel):
    """A GitLab user; 0 and empty while it is not known."""

    id: int
    username: str
    name: str


class PhaseView(BaseModel):
    """When a phase was entered."""

    phase: Phase
    at: Moment


class CheckView(BaseModel):
    """Something that is to be done."""

    text: str
    state: str = Field(description="waiting, active, done or failed.")


class MarkView(CheckView):
    """A part of the run."""

    seconds: float = Field(description="How long it took; 0 while that is not known.")


class ProgressView(BaseModel):
    """How far the run is."""

    phases: list[PhaseView] = Field(description="Those that this attempt came to, in their order.")
    marks: list[MarkView] = Field(description="Parts of the run: clone, setup, agent, push.")
    items: list[CheckView] = Field(description="The agent's own list.")
    current: str = Field(description="What the agent is doing, in its words.")


class TaskView(BaseModel):
    """A task. The first block has the names of the seed's Task."""

    id: int
    prompt: str
    repository: str
    branch: str
    status: Status
    job_name: str
    unique_id: str
    duration: int | None = Field(description="Whole seconds from the sandbox's start to the end; null before.")
    created_at: Moment

    phase: Phase
    reason: str = Field(description="Why it failed or was rejected; empty for all else.")
    detail: str
    source: Source
    mode: Mode
    project_id: int
    place: Place = Field(description="Where it was asked: issues, merge_requests, or nowhere on GitLab.")
    iid: int = Field(description="Of the issue or merge request; 0 for nowhere.")
    title: str
    parent_id: int = Field(description="The task that this one goes on with; 0: none.")
    requester: Person
    agent: str
    model: str
    attempt: int
    queue_place: int
    started_at: Moment | None
    ended_at: Moment | None
    target_branch: str
    result_branch: str
    commit: str
    merge_request_iid: int
    merge_request_url: str
    files_changed: int
    lines_added: int
    lines_removed: int
    summary: str
    progress: ProgressView
    cost_usd: float
    tokens: int
    turns: int
    url: str = Field(description="The task's page.")


class TaskPage(BaseModel):
    """Tasks, the youngest first."""

    tasks: list[TaskView]
    next: str | None = Field(
        description="Send it as `cursor` to go on; null at the end. A page may hold fewer than asked for, even none."
    )


class LogLine(BaseModel):
    """One line of a log, redacted."""

    id: str = Field(description="Send it as `after` to go on behind it.")
    step: str
    text: str
    at: float = Field(description="Unix seconds.")


class ProblemView(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = Field(None, description="The one to mend, where it is one.")


class ProjectChoice(BaseModel):
    """A project that you may ask for something in."""

    id: int
    path: str
    default_branch: str


class ProjectChoices(BaseModel):
    """Some of them."""

    projects: list[ProjectChoice]


class BranchChoices(BaseModel):
    """Some branches of a project."""

    branches: list[str]


class Query(BaseModel):
    """Nothing in the address."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ListQuery(Query):
    """Which tasks."""

    status: Annotated[str, StringConstraints(pattern=r"^(?:pending|running|completed|failed|cancelled|rejected)?$")] = (
        ""
    )
    project: Annotated[str, StringConstraints(pattern=r"^(?:[1-9][0-9]{0,14})?$")] = Field("", description="Its id.")
    requester: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,255}$")] = Field(
        "", description="Username of who asked."
    )
    text: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="Is in title, prompt, repository, branch or requester."
    )
    limit: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 50
    cursor: Annotated[str, StringConstraints(pattern=r"^(?:[1-9][0-9]{0,14})?$")] = Field(
        "", description="`next` of the page before."
    )


class LogQuery(Query):
    """Which part of a log, and as what."""

    format: Annotated[str, StringConstraints(pattern=r"^(?:text|jsonl|sse)?$")] = Field(
        "", description="text, jsonl or sse; empty: what `Accept` asks for, text for all else."
    )
    after: Annotated[str, StringConstraints(pattern=r"^(?:[0-9]+-[0-9]+)?$", max_length=40)] = Field(
        "", description="Only what comes behind this line."
    )


class ChoicesQuery(Query):
    """Which choices."""

    search: Annotated[str, StringConstraints(max_length=200)] = ""


def task_view(task: Task, public_url: str) -> TaskView:
    """Show a task."""
    same = {name: getattr(task, name) for name in TaskView.model_fields if hasattr(task, name)}
    about = {
        "created_at": _moment(task.created_at),
        "started_at": _moment(task.started_at),
        "ended_at": _moment(task.ended_at),
        "source": task.trigger.source,
        "project_id": task.trigger.project_id,
        "place": task.trigger.place,
        "iid": task.trigger.iid,
        "requester": Person(id=task.requester_id, username=task.requester_username, name=task.requester_name),
        "progress": _progress(task),
        "cost_usd": task.cost_usd or task.progress.cost_usd,
        "turns": task.turns or task.progress.turns,
        "url": f"{public_url}/tasks/{task.id}",
    }
    return TaskView(**same | about)


def _progress(task: Task) -> ProgressView:
    return ProgressView(
        phases=[PhaseView(phase=Phase(name), at=datetime.fromtimestamp(at, UTC)) for name, at in task.phase_times],
        marks=[MarkView(text=line.mark, state=line.state, seconds=line.seconds) for line in task.progress.lines],
        items=[CheckView(text=title, state=state) for title, state in task.progress.items],
        current=task.progress.current,
    )


def _moment(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
