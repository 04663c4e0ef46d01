"""Git over HTTP: who may fetch and push, in GitLab's words; then `git http-backend` does it."""

import base64
import re
from fnmatch import fnmatchcase

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from simulators.gitlab.access import (
    DEVELOPER,
    FETCH_SCOPES,
    PUSH_SCOPES,
    access_level,
    can_read_code,
    can_see_project,
    shared_branches,
)
from simulators.gitlab.git_cgi import run_backend
from simulators.gitlab.links import item_url, project_url
from simulators.gitlab.records import Project, Token, User
from simulators.gitlab.refusals import Refusal
from simulators.gitlab.state.world import World

PATH = re.compile(r"^/(?P<project>.+)\.git/(?P<service>info/refs|git-upload-pack|git-receive-pack)$")

_DENIED = (
    "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or "
    "you're required to use a token instead of a password. If a token was provided, it was either incorrect, expired, "
    "or improperly scoped. See {url}/help/topics/git/troubleshooting_git.md"
)
_HIDDEN = "The project you were looking for could not be found or you don't have permission to view it."


class Denied(Exception):
    """git gets this answer instead of the repository."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class GitHttp:
    """Serves every repository of the world below `/<project>.git/`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: Request) -> Response:
        """Answer one request of a git client."""
        found = PATH.match(request.url.path)
        if found is None:
            return PlainTextResponse(_HIDDEN, 404)
        pushes = "git-receive-pack" in (found["service"], request.query_params.get("service"))
        try:
            token = self._token(request)
            request.state.user = token.user.username if token else ""
            project = self._admit(found["project"], token, pushes=pushes)
        except Denied as denied:
            headers = {"WWW-Authenticate": 'Basic realm="GitLab"'} if denied.status == 401 else {}
            return PlainTextResponse(str(denied), denied.status, headers)
        before = project.repository.branches() if pushes else {}

        async def when_done() -> None:
            """Tell the hooks what a push has moved."""
            if token and request.method == "POST" and pushes:
                await run_in_threadpool(self._world.pushed, project, token.user, before)

        variables = self._variables(project, token) if pushes else {}
        return await run_backend(request, project.repository.path, found["service"], variables, when_done)

    def _token(self, request: Request) -> Token | None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            username, _, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            username = password = ""
        token = self._world.tokens.get(password)
        if not username or token is None or token.revoked or token.user.state != "active":
            raise self._unauthorized()
        if not token.scopes & FETCH_SCOPES:
            raise self._unauthorized()
        return token

    def _admit(self, path: str, token: Token | None, *, pushes: bool) -> Project:
        user = token.user if token else None
        try:
            project = self._world.project(path)
        except Refusal:
            project = None
        if project is None or not can_see_project(project, user):
            raise Denied(404, _HIDDEN) if token else self._unauthorized()
        if not can_read_code(project, user):
            raise Denied(403, "You are not allowed to download code from this project.")
        if pushes:
            self._admit_push(project, token)
        return project

    def _admit_push(self, project: Project, token: Token | None) -> None:
        if token is None:
            raise self._unauthorized()
        if not token.scopes & PUSH_SCOPES:
            raise Denied(403, "You are not allowed to upload code.")
        may_push = access_level(project, token.user) >= DEVELOPER or shared_branches(project, token.user)
        if not may_push or project.archived:
            raise Denied(403, "You are not allowed to push code to this project.")

    def _variables(self, project: Project, token: Token | None) -> dict[str, str]:
        """Tell the hooks of `git_hooks` what this person may not push, and what to advise."""
        with self._world.lock:
            return self._locked_variables(project, token.user if token else None)

    def _locked_variables(self, project: Project, user: User | None) -> dict[str, str]:
        world, level = self._world, access_level(project, user)
        # A protected pattern that more rules than one match lets pass whom any of them lets pass.
        allowed = [pattern for pattern, least in project.protected.items() if least and level >= least]
        refused = [pattern for pattern in project.protected if not any(fnmatchcase(pattern, one) for one in allowed)]
        requests = [request for request in project.merge_requests.values() if request.state == "opened"]
        return {
            "SIMULATOR_REFUSED": " ".join(refused),
            "SIMULATOR_ONLY": "" if level >= DEVELOPER else " ".join(sorted(shared_branches(project, user))),
            "SIMULATOR_PROTECTED": " ".join(project.protected),
            "SIMULATOR_REFUSAL": world.faults.push_refusal,
            "SIMULATOR_DEFAULT": project.default_branch,
            "SIMULATOR_PROJECT": project_url(world.url, project),
            "SIMULATOR_MERGE_REQUESTS": "\n".join(
                f"{request.source_branch} {item_url(world.url, request)}" for request in requests
            ),
        }

    def _unauthorized(self) -> Denied:
        return Denied(401, _DENIED.format(url=self._world.url))
