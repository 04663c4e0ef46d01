"""What the worker and the runtime say to each other; with `runtime.parts`, all of this folder that the worker reads.

A run is three steps, each a process of its own (in Kubernetes: a container of its own):

    python -m runtime STEP --order FILE --workspace DIR --handover DIR --result FILE

``--order``      the same JSON for all three (an `Order`); it holds no secret.
``--workspace``  prepare and agent share it: ``repo/`` (the work tree), ``instructions/`` (from the default branch),
                 ``context/`` (the order's context files), ``home/`` (the agent's HOME). Publish gets an empty one.
``--handover``   where agent leaves ``change.bundle`` and publish takes it; nothing else crosses.
``--result``     where the step leaves its `StepResult` (in Kubernetes the termination message, hence the size limit).

Secrets come by environment: `GIT_TOKEN_VARIABLE` to prepare (read) and publish (write); the model's own variables to
agent. Stdout is the run's log: plain lines, and events (`encode_event`). What the agent wrote, its result and the
events drawn from its output included, is hostile: the decoders here bound and type everything, and never trust.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Final

GIT_TOKEN_VARIABLE: Final = "ABLEHAND_GIT_TOKEN"  # noqa: S105 - the name of a variable
AGENT_VARIABLES_VARIABLE: Final = "ABLEHAND_AGENT_VARIABLES"
"""Names, separated by commas: which variables of the agent step are the agent's own (its key, its base URL)."""
MCP_VARIABLES_VARIABLE: Final = "ABLEHAND_MCP_VARIABLES"
"""Names, separated by commas: which variables of the agent step are for the order's MCP servers alone."""
CACHE_VARIABLE: Final = "ABLEHAND_SETUP_CACHE"
"""Names a folder of the project's own, which the agent step may write; not there: nothing is kept."""
IMAGE_VARIABLE: Final = "ABLEHAND_IMAGE"
"""What the agent step runs in, where that has a name: what was made in one image is of no use in another."""
RUN_VARIABLE: Final = "ABLEHAND_RUN"
"""Handed on to everything that a step starts, so that an executor finds what outlived its run."""
BUNDLE_NAME: Final = "change.bundle"
RESULT_LIMIT_BYTES: Final = 4096
"""Kubernetes keeps 4,096 bytes of a termination message."""
EVENT_PREFIX: Final = "@ablehand "
"""Starts an event line. A log line that begins like this is printed with a space before it."""
EVENT_LIMIT_BYTES: Final = 16_384
EVENT_KINDS: Final = frozenset({"began", "ended", "skipped", "progress", "checklist", "document", "notice"})
ITEM_STATES: Final = frozenset({"pending", "active", "done"})
CHECKLIST_LIMIT: Final = 50
NUMBER_LIMIT: Final = 10**12
DOCUMENT_LIMIT_BYTES: Final = 65_536
"""Of a plan or a review in UTF-8; what is longer is cut."""
CHUNK_CHARACTERS: Final = 8_000
"""Of a document that one event holds at most; fewer where their encoding takes more room."""
CHANGE_MODE: Final = "change"
CACHED: Final = "cached"
"""The text of an ended `Mark.SETUP` where the script did not run, for its result was kept."""


class Step(StrEnum):
    """The three steps, in their order."""

    PREPARE = "prepare"
    AGENT = "agent"
    PUBLISH = "publish"


class Failure(StrEnum):
    """Why a step ended without its goal; the worker has one sentence for each."""

    CLONE = "clone"
    EMPTY_REPOSITORY = "empty-repository"
    CREDENTIALS = "credentials"
    SETUP = "setup"
    SETUP_MISSING = "setup-missing"
    AGENT = "agent"
    AGENT_MISSING = "agent-missing"
    BUDGET = "budget"
    TURNS = "turns"
    MODEL = "model"
    """The model's API was out of reach, or refused, or failed."""
    TIMEOUT = "timeout"
    UNBEGUN = "unbegun"
    STALLED = "stalled"
    OUTPUT = "output"
    BUNDLE = "bundle"
    POLICY = "policy"
    BRANCH_EXISTS = "branch-exists"
    BRANCH_MOVED = "branch-moved"
    PUSH_REJECTED = "push-rejected"
    INFRASTRUCTURE = "infrastructure"


class Mark(StrEnum):
    """The named lines of the checklist, in the order in which people see them."""

    CLONE = "clone"
    SETUP = "setup"
    AGENT = "agent"
    PUSH = "push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run, as the worker orders it. Everything that a step needs but its secrets."""

    task_id: int
    clone_url: str
    """http(s), without credentials; only its exact prefix is given the token."""
    default_branch: str
    base_branch: str
    base_commit: str
    """Full hex id that prepare checks out and publish builds on."""
    push_branch: str
    push_url: str = ""
    """The repository that it lies in, like *clone_url*, where that is another."""
    push_expected: str = ""
    """The lease: what the branch must be at before the push; empty: it must not exist."""
    commit_message: str
    author_name: str
    author_email: str
    commit_time: int
    """Unix seconds, for author and committer alike: two publishers of one tree make the same commit."""
    mode: str = CHANGE_MODE
    """In any other ("plan", "review") the agent's last words are all that is wanted: nothing is handed over."""
    prompt: str
    context: dict[str, str] = field(default_factory=dict)
    """File name to text: what the agent may read as data (the issue, others' comments), never as instructions."""
    files: dict[str, str] = field(default_factory=dict)
    """File name to content in Base64, beside *context*: images and the like."""
    compare_commit: str = ""
    """A further commit that prepare fetches where it can: what the work tree is to be compared with."""
    agent: str = "claude"
    agent_command: list[str] = field(default_factory=list)
    """Argument list, for the agent ``command``."""
    model: str = ""
    budget_usd: float = 0.0
    """0: no limit."""
    max_turns: int = 0
    """Calls to the model; 0: no limit."""
    prices: dict[str, dict[str, float]] = field(default_factory=dict)
    """For agents that know no prices: a model's name (``*``: any other) to USD for a million tokens."""
    resume_session: str = ""
    """Session of an earlier run that this one goes on with; empty: a fresh one."""
    transcript: str = ""
    """That session's file, by `runtime.parts.pack`; hostile, for an agent wrote it."""
    transcript_name: str = ""
    mcp_servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The operator's, each as ``.mcp.json`` would have it; credentials as ``${NAME}`` of the step's environment."""
    project_mcp: bool = False
    """Whether the servers of the default branch's ``.mcp.json`` are started too."""
    setup_required: bool = False
    setup_timeout_seconds: int = 600
    setup_cache_key: list[str] = field(default_factory=list)
    """Files of the work tree that agent-setup.sh's result depends on; none: it is not kept."""
    setup_cache_paths: list[str] = field(default_factory=list)
    """Folders with that result: from the work tree on, or below HOME with ``~/`` before them."""
    agent_timeout_seconds: int = 3600
    publish_on_timeout: bool = False
    """Whether the work of an agent that ran out of time is handed over all the same."""
    first_event_seconds: int = 180
    """Until an agent's first line; not for ``command``, which need not say anything."""
    idle_timeout_seconds: int = 600
    git_timeout_seconds: int = 300
    output_limit_bytes: int = 50_000_000
    """What agent-setup.sh and the agent may print each before they're ended."""
    bundle_limit_bytes: int = 200_000_000
    protected_paths: list[str] = field(default_factory=list)
    """Globs over the repository's paths; a change under one of them is refused by publish."""

    def to_json(self) -> str:
        """Give the order as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Read what `to_json` wrote; the worker wrote it, so it is trusted. Unknown keys are ignored."""
        known = {item.name for item in fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How a step ended. Fields that a step has nothing to say about keep their empty value."""

    ok: bool
    failure: str = ""
    """A `Failure`, where not ok."""
    detail: str = ""
    """What was seen: one line or a few (the last lines of a setup script, the server's refusal)."""
    partial: bool = False
    """agent: it was ended before it was done, *failure* says why, and its work so far is handed over."""
    commit: str = ""
    """publish: the pushed commit; empty: nothing had changed."""
    branch: str = ""
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    summary: str = ""
    """agent: what it says that it did, Markdown, hostile."""
    cost_usd: float = 0.0
    tokens: int = 0
    turns: int = 0
    session: str = ""
    document_total: int = 0
    """agent: how many document events it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing to show while the run goes on.

    kind  "began" / "ended": *mark* names the line; "ended" has *seconds* and may have *text* ("3 files").
          "skipped": the line falls away (no agent-setup.sh).
          "progress": *text* is the current line; *turns* and *cost_usd* so far.
          "notice": *text* has to be seen whatever comes after it (an MCP server that does not start).
          "checklist": *items* are the agent's own (title, status) with status pending, active or done.
          "document": *text* is one chunk of the agent's last words, *index* its number from 0.
    """

    kind: str
    mark: str = ""
    text: str = ""
    seconds: float = 0.0
    turns: int = 0
    cost_usd: float = 0.0
    index: int = 0
    items: tuple[tuple[str, str], ...] = ()


def encode_result(result: StepResult) -> str:
    """Give *result* as JSON of at most `RESULT_LIMIT_BYTES`: the summary, then the detail, are cut to fit."""
    values = asdict(result)
    for name in ("summary", "detail"):
        values[name] = values[name].encode(errors="replace").decode()
    for name in ("summary", "detail"):
        excess = len(json.dumps(values, ensure_ascii=False).encode()) - RESULT_LIMIT_BYTES
        while excess > 0 and values[name]:
            # A character takes six bytes at most, so a sixth never cuts more than is needed.
            values[name] = values[name][: -max(1, excess // 6)]
            excess = len(json.dumps(values, ensure_ascii=False).encode()) - RESULT_LIMIT_BYTES
    return json.dumps(values, ensure_ascii=False)


def decode_result(text: str) -> StepResult | None:
    """Read a result; None where it is not one. Every field is typed and bounded, none is believed."""
    values = _object(text, RESULT_LIMIT_BYTES)
    if values is None or not isinstance(values.get("ok"), bool):
        return None
    return StepResult(**_typed(values, StepResult(ok=True)))


def encode_event(event: Event) -> str:
    """Give *event* as one line for stdout, without its newline."""
    return EVENT_PREFIX + json.dumps({k: v for k, v in asdict(event).items() if v}, ensure_ascii=True)


def decode_event(line: str) -> Event | None:
    """Read one log line; None where it is no event or a malformed one."""
    if not line.startswith(EVENT_PREFIX):
        return None
    values = _object(line[len(EVENT_PREFIX) :], EVENT_LIMIT_BYTES)
    if values is None or not isinstance(values.get("kind"), str) or values["kind"] not in EVENT_KINDS:
        return None
    items = _items(values.pop("items", None))
    return Event(**_typed(values, Event(kind="")), items=items)


def _object(text: str, limit: int) -> dict[str, Any] | None:
    if len(text) > limit:
        return None
    try:
        # A lone surrogate is legal JSON and illegal UTF-8: whoever stored or showed it would fall over.
        values = json.loads(text)
        json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _typed(values: dict[str, Any], example: Event | StepResult) -> dict[str, Any]:
    """Keep what has the type of *example*'s field; a number must be finite, not negative and not huge."""
    kept: dict[str, Any] = {}
    for item in fields(example):
        value, wanted = values.get(item.name), type(getattr(example, item.name))
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted or wanted is tuple:
            continue
        if isinstance(value, int | float) and not 0 <= value < NUMBER_LIMIT:
            continue
        kept[item.name] = value
    return kept


def _items(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        return ()
    pairs = (entry for entry in value[:CHECKLIST_LIMIT] if isinstance(entry, list) and len(entry) == 2)  # noqa: PLR2004
    return tuple((title, status) for title, status in pairs if _is_item(title, status))


def _is_item(title: object, status: object) -> bool:
    return isinstance(title, str) and isinstance(status, str) and status in ITEM_STATES
