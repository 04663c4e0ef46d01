"""The task: what was asked, how far it is, how it ended. Pure values; `core.store` keeps them.

A task's *phase* is the ledger's state; its *status* is what the seed's REST API calls it and follows from the phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BRANCH_PREFIX: Final = "agent/"
"""How every branch that we make begins."""


class Status(StrEnum):
    """What people and scripts see."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class Phase(StrEnum):
    """Where a task is. The last four are final: nothing leaves them."""

    RECEIVED = "received"
    QUEUED = "queued"
    LAUNCHING = "launching"
    STARTING = "starting"
    PREPARING = "preparing"
    WORKING = "working"
    PUBLISHING = "publishing"
    FINISHING = "finishing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        """Whether nothing leaves this phase."""
        return self in FINAL_PHASES

    @property
    def status(self) -> Status:
        """The status that this phase is shown as."""
        if self in _PENDING:
            return Status.PENDING
        return Status(self.value) if self.is_final else Status.RUNNING


FINAL_PHASES = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED, Phase.REJECTED})
_PENDING = frozenset({Phase.RECEIVED, Phase.QUEUED, Phase.LAUNCHING, Phase.STARTING})
HOLDS_SLOT = frozenset(set(Phase) - FINAL_PHASES - {Phase.RECEIVED, Phase.QUEUED})
"""The phases in which a task occupies one of the slots for concurrent runs."""


class Source(StrEnum):
    """What a task came from."""

    COMMENT = "comment"
    LABEL = "label"
    ASSIGNMENT = "assignment"
    REVIEW_REQUEST = "review-request"
    PIPELINE = "pipeline"
    API = "api"


class Place(StrEnum):
    """What on GitLab a task hangs on, spelt as in the paths of GitLab's API."""

    ISSUE = "issues"
    MERGE_REQUEST = "merge_requests"
    NOWHERE = ""
    """Asked by form or API: there is nothing to comment on but the merge request at the end.

    A branch's failed pipeline comes from nowhere too, until intake has found the branch's merge request.
    """


class Mode(StrEnum):
    """What kind of work a run is."""

    CHANGE = "change"
    PLAN = "plan"
    """Writes a plan and changes nothing."""
    REVIEW = "review"
    """Comments on a merge request and changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noteable:
    """One issue or merge request: what can be commented on."""

    project_id: int
    place: Place
    iid: int

    @property
    def path(self) -> str:
        """Where it is in GitLab's API."""
        return f"/projects/{self.project_id}/{self.place}/{self.iid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What somebody did on GitLab that may become a task: a hint to be read again from GitLab, never believed.

    *event_id* is the comment's or the pipeline's id; for a label and an assignment it is 0 until intake has found the
    event.
    """

    source: Source
    place: Place = Place.ISSUE
    project_id: int
    iid: int
    """0 where *place* is `Place.NOWHERE`."""
    event_id: int
    happened_at: str = ""
    """As the delivery spelt it; tells two labellings of one issue apart until their events are read."""

    @property
    def noteable(self) -> Noteable:
        """What it hangs on."""
        return Noteable(project_id=self.project_id, place=self.place, iid=self.iid)

    @property
    def key(self) -> str:
        """The trigger's semantic id: the same for every delivery and sweep that reports it."""
        when = "" if self.event_id else f":{self.happened_at}"
        sigil = "!" if self.place is Place.MERGE_REQUEST else ""
        return f"{self.source}:{self.project_id}:{sigil}{self.iid}:{self.event_id}{when}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the checklist in the progress comment: a named mark of the run's."""

    mark: str
    state: str
    """active, done or failed."""
    seconds: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the run is, as its events tell. Hostile text included; it is sanitised where it is shown."""

    lines: tuple[Line, ...] = ()
    current: str = ""
    turns: int = 0
    cost_usd: float = 0.0
    items: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    """What has to be seen to the end: an MCP server that did not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing asked of the agent. The first block has the names of the seed's Task; empty means not known yet."""

    id: int
    prompt: str = ""
    repository: str = ""
    """Full path, ``group/project``; may change when the project moves, *project_id* does not."""
    branch: str = ""
    """The branch that the work starts from; on a merge request its source branch, which is pushed to as well."""
    target_branch: str = ""
    """The branch that the merge request goes to."""
    mode: Mode = Mode.CHANGE
    parent_id: int = 0
    """The task that this one goes on with (a retry, an approved plan, a follow-up); 0: none."""
    job_name: str = ""
    unique_id: str
    """16 characters of the trigger's digest: names the branch, the same for every delivery of it."""
    created_at: float
    """Unix seconds, by the clock of Redis, like every time here."""

    phase: Phase
    version: int = 1
    """Counts every change; an outbox entry is done when the version that was told is still the last."""
    reason: str = ""
    detail: str = ""
    """What was seen, for the sentence: a server's refusal, a script's last lines. Hostile."""
    answer: str = ""
    """What is said to a question: Markdown of ours with links and tables, shown as it is."""
    trigger: Trigger
    verb: str = ""
    """What was asked by form or API other than work, of the task *parent_id*: cancel or retry."""

    title: str = ""
    """Of the issue or merge request. Hostile, and perhaps confidential."""
    author: str = ""
    """Username of whoever opened it."""
    discussion: str = ""
    """Id of the thread that is answered in; empty: answers stand alone."""
    confidential: bool = False
    """Whether the issue is: then its title names neither branch nor commit nor merge request."""
    internal: bool = False
    """Whether answers are for members only, as the comment was."""
    requester_id: int = 0
    requester_username: str = ""
    requester_name: str = ""
    visibility: str = ""

    progress_note_id: int = 0
    final_note_id: int = 0
    progress: Progress = Progress()
    queue_place: int = 0
    waiting: str = ""
    """Which limit a queued task waits for, in words of ours; like *queue_place* filled in where it is shown."""
    cancelled_by: str = ""
    """Username of who cancelled it."""
    cancelled_with: int = 0
    """The task that the command to cancel was."""

    agent: str = ""
    model: str = ""
    image: str = ""
    """The agent's, where the project or the command names one; empty: the operator's."""
    budget_usd: float = 0.0
    """0: no limit."""
    timeout_seconds: int = 0
    """Of the agent; 0: the operator's."""
    draft: bool = False
    project_notice: str = ""
    """What is wrong with the project's `.ablehand.yml`, for the first task that met it. Markdown of ours."""
    attempt: int = 1
    token_project_id: int = 0
    """The project in which a token of this task's may have to be revoked; 0: none."""
    base_commit: str = ""
    compare_commit: str = ""
    """Where the merge request's branch left its target: what is between is the merge request's change."""
    push_project_id: int = 0
    """The project that is pushed to, where it is a fork; 0: the one that was asked in."""
    result_branch: str = ""
    commit: str = ""
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    summary: str = ""
    """What the agent says that it did. Hostile."""
    cost_usd: float = 0.0
    cost_told: bool = False
    """Whether *cost_usd* is what the run's agent itself told at its end, nothing included."""
    charged_usd: float = 0.0
    """What all its runs together have counted in the day's limits."""
    tokens: int = 0
    turns: int = 0
    session: str = ""
    unfinished: str = ""
    """A `Reason`: why the agent was ended before it was done, where its work so far was pushed all the same."""
    document: str = ""
    """The plan or the review that the agent wrote. Hostile; of a change there is none."""
    document_parts: int = 0
    """How many chunks of it have come."""
    document_total: int = 0
    """How many the run printed, as its result says."""
    merge_request_iid: int = 0
    merge_request_url: str = ""

    reacted_at: float = 0.0
    """When the sign was given that it was seen; 0: not, or nobody waited for one."""
    started_at: float = 0.0
    ended_at: float = 0.0
    phase_times: tuple[tuple[str, float], ...] = ()
    """When each phase was first entered."""

    @property
    def status(self) -> Status:
        """What people see for the phase."""
        return self.phase.status

    @property
    def is_errand(self) -> bool:
        """Whether it only does something to another task, so that no list shows it."""
        return self.verb == "cancel"

    @property
    def duration(self) -> int | None:
        """Whole seconds from the sandbox's start to the end; None while it has not ended or never started."""
        return round(self.ended_at - self.started_at) if self.started_at and self.ended_at else None
