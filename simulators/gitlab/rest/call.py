"""One REST call as its function sees it: who calls, on what, with which parameters."""

from dataclasses import dataclass
from typing import NoReturn

from simulators.gitlab.access import access_level as level_of
from simulators.gitlab.access import can_see_item, can_see_note, can_see_project
from simulators.gitlab.records import Issue, Item, MergeRequest, Note, Project, Token, User
from simulators.gitlab.refusals import Refusal, bad_parameter, forbidden, not_found, unauthorized
from simulators.gitlab.state.world import World


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a multipart body."""

    filename: str
    content: bytes


@dataclass(slots=True)
class Call:
    """A call that has been routed. `values` holds query and body together, lists under their name without `[]`."""

    world: World
    token: Token | None
    path: dict[str, str]
    values: dict[str, object]
    url: str

    @property
    def user(self) -> User:
        """The caller; raise Refusal for one without a token."""
        if self.token is None:
            raise unauthorized()
        return self.token.user

    @property
    def caller(self) -> User | None:
        """The caller, or None for a visitor without a token."""
        return self.token.user if self.token else None

    @property
    def base(self) -> str:
        """The address that every link starts with."""
        return self.world.url

    def project(self, *, level: int = 0) -> Project:
        """Return the project of the path; refuse one that the caller does not see, and too small a role."""
        project = self.world.project(self.path["project"])
        if not can_see_project(project, self.caller):
            raise not_found("Project Not Found")
        if level and level_of(project, self.user) < level:
            raise forbidden()
        return project

    def item(self) -> Item:
        """Return the issue or merge request of the path, whichever of `issue` and `request` it names."""
        return self.issue() if "issue" in self.path else self.merge_request()

    def issue(self) -> Issue:
        """Return the issue of the path; one that the caller may not see is not found."""
        issue = self.project().issues.get(_number(self.path["issue"]))
        if issue is None or not can_see_item(issue, self.caller):
            raise not_found()
        return issue

    def merge_request(self) -> MergeRequest:
        """Return the merge request of the path, level with its branch."""
        request = self.project().merge_requests.get(_number(self.path["request"]))
        if request is None:
            raise not_found()
        self.world.refresh(request)
        return request

    def note(self) -> Note:
        """Return the comment of the path."""
        for note in self.item().notes:
            if str(note.id) == self.path["note"] and can_see_note(note, self.caller):
                return note
        raise not_found()

    def has(self, name: str) -> bool:
        """Tell whether the caller gave a parameter, be it empty."""
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter as text."""
        value = self.values.get(name)
        return default if value is None else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a parameter as yes or no."""
        value = self.values.get(name)
        return default if value is None else str(value).lower() in ("true", "1", "yes", "t")

    def number(self, name: str, default: int) -> int:
        """Return a parameter as a whole number; refuse anything else."""
        value = self.text(name)
        if value and not value.lstrip("-").isdigit():
            raise bad_parameter(f"{name} is invalid")
        return int(value) if value else default

    def texts(self, name: str) -> list[str]:
        """Return a list given as an array or as text with commas."""
        value = self.values.get(name)
        parts = value if isinstance(value, list) else str(value or "").split(",")
        return [str(part).strip() for part in parts if str(part).strip()]

    def people(self, name: str) -> list[User]:
        """Return the users whose ids a list names; ids of nobody fall away, as in GitLab."""
        found = (self.world.users.get(_number(part)) for part in self.texts(name))
        return [user for user in found if user is not None]

    def require(self, *names: str) -> None:
        """Refuse a call that lacks any of these parameters, naming all that are missing."""
        missing = [f"{name} is missing" for name in names if name not in self.values]
        if missing:
            raise bad_parameter(", ".join(missing))

    def branch_not_found(self) -> NoReturn:
        """Refuse: the path names a branch that is not there."""
        raise not_found("Branch Not Found")


def _number(text: str) -> int:
    if not text.isdigit():
        raise Refusal(400, {"error": "id is invalid"})
    return int(text)
