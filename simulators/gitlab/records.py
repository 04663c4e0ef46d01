"""What the simulated GitLab remembers, one class a noun. Values only: every rule lives in `state`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from simulators.gitlab.repository import Repository


def now() -> datetime:
    """Return the time that a record made now carries."""
    return datetime.now(UTC)


@dataclass(eq=False, slots=True)
class User:
    """A person or a bot. `bot` is what `GET /users/:id` says of token bots and service accounts."""

    id: int
    username: str
    name: str
    bot: bool = False
    state: str = "active"
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, frozen=True, slots=True)
class Application:
    """An OAuth application that may ask people for their consent."""

    name: str
    client_id: str
    secret: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]


@dataclass(eq=False, frozen=True, slots=True)
class Consent:
    """What somebody has agreed to on the authorization page; a code stands for it, once."""

    application: Application
    user: User
    redirect_uri: str
    scopes: frozenset[str]
    nonce: str
    code_challenge: str
    code_challenge_method: str
    given_at: float


@dataclass(eq=False, slots=True)
class Token:
    """An access token; `project_id` is set for a project access token, `application` for one of OAuth."""

    id: int
    value: str
    user: User
    name: str
    scopes: frozenset[str]
    access_level: int | None = None
    project_id: int | None = None
    application: Application | None = None
    revoked: bool = False
    expires_at: str = "2099-01-01"
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True)
class Label:
    """A project label."""

    id: int
    project_id: int
    name: str
    color: str
    description: str = ""
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True)
class LabelEvent:
    """Who put a label on an issue or merge request, or took it off: a resource label event."""

    id: int
    user: User
    label: Label
    action: str
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True)
class Award:
    """An emoji that somebody gave to an issue, merge request or note."""

    id: int
    name: str
    user: User
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True)
class Note:
    """A comment. `type` is None for one that stands alone, `DiscussionNote` in a thread, `DiffNote` on a line."""

    id: int
    item: "Item"
    author: User
    body: str
    discussion_id: str
    type: str | None = None
    internal: bool = False
    system: bool = False
    resolved: bool = False
    position: dict[str, object] | None = None
    updated_by: User | None = None
    awards: list[Award] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True, kw_only=True)
class Item:
    """What issues and merge requests share: a text, a conversation, labels."""

    id: int
    iid: int
    project: "Project"
    author: User
    title: str
    description: str = ""
    state: str = "opened"
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)
    label_events: list[LabelEvent] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    closed_at: datetime | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class Issue(Item):
    """An issue; `issue_type` is issue, task or incident. `links` are linked issues, which know it too."""

    confidential: bool = False
    issue_type: str = "issue"
    links: list["Issue"] = field(default_factory=list)


@dataclass(eq=False, slots=True, kw_only=True)
class MergeRequest(Item):
    """A merge request. `sha` and `base_sha` follow the source branch while it is open, and stay after that.

    `fork` is the project of the source branch where that is another.
    """

    source_branch: str
    target_branch: str
    sha: str
    base_sha: str
    reviewers: list[User] = field(default_factory=list)
    fork: "Project | None" = None
    allow_collaboration: bool = False
    squash: bool = False
    force_remove_source_branch: bool = False
    merged_at: datetime | None = None
    merge_user: User | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None

    @property
    def source(self) -> "Project":
        """The project of the source branch."""
        return self.fork or self.project


@dataclass(eq=False, slots=True)
class Todo:
    """Something on a user's to-do list. `action` is assigned, review_requested, mentioned or directly_addressed."""

    id: int
    user: User
    author: User
    action: str
    item: Item
    note: Note | None = None
    state: str = "pending"
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True)
class Upload:
    """A file that somebody attached to a text."""

    id: int
    secret: str
    filename: str
    content: bytes


@dataclass(eq=False, slots=True)
class CommitStatus:
    """A status that something outside reported for a commit."""

    id: int
    sha: str
    name: str
    status: str
    author: User
    ref: str = ""
    description: str = ""
    target_url: str = ""
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True)
class Delivery:
    """One sending of a hook: what went out, and what came back. `status` is a code, or `internal error`."""

    id: int
    trigger: str
    headers: dict[str, str]
    body: bytes
    idempotency_key: str
    status: str = "pending"
    answer: str = ""
    seconds: float = 0.0
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True)
class Hook:
    """A project's or a group's webhook. `events` holds the flags that are on, such as `note_events`."""

    id: int
    owner: "Project | Group"
    url: str
    name: str = ""
    description: str = ""
    token: str = ""
    signing_token: str = ""
    events: set[str] = field(default_factory=set)
    enable_ssl_verification: bool = True
    custom_headers: dict[str, str] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    failures: int = 0
    disabled_until: datetime | None = None
    created_at: datetime = field(default_factory=now)


@dataclass(eq=False, slots=True)
class Group:
    """A group, known by its full path. Its members are here for its hooks alone: projects have their own."""

    id: int
    full_path: str
    members: dict[int, int] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Project:
    """A project with its repository and all that hangs on it. Its namespace is the path without the last part."""

    id: int
    path_with_namespace: str
    visibility: str
    repository: Repository
    default_branch: str = "main"
    description: str = ""
    archived: bool = False
    forked_from: "Project | None" = None
    members: dict[int, int] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    merge_requests: dict[int, MergeRequest] = field(default_factory=dict)
    protected: dict[str, int] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    statuses: list[CommitStatus] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)

    @property
    def path(self) -> str:
        """The last part of the full path, such as `web`."""
        return self.path_with_namespace.rpartition("/")[2]

    @property
    def namespace(self) -> str:
        """The full path of the group, such as `shop`."""
        return self.path_with_namespace.rpartition("/")[0]
