"""The whole application of the simulated GitLab: REST, git, sign-in and pages under one address."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from simulators.gitlab.edge import Edge, RecordedCall
from simulators.gitlab.faults import Faults
from simulators.gitlab.git_http import PATH, GitHttp
from simulators.gitlab.oauth.provider import PREFIXES, Provider
from simulators.gitlab.pages.site import make_site
from simulators.gitlab.rest.endpoint import PREFIX, RestApi
from simulators.gitlab.state.world import World


class Application:
    """Sends each request to the part that it is for, by its path."""

    def __init__(self, world: World) -> None:
        self._rest = RestApi(world)
        self._git = GitHttp(world)
        self._sign_in = Provider(world).router()
        self._site = make_site(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if scope["path"].startswith(f"{PREFIX}/"):
            await _send(await self._rest.answer(request), scope, receive, send)
        elif PATH.match(scope["path"]):
            await _send(await self._git.answer(request), scope, receive, send)
        elif scope["path"].startswith(PREFIXES):
            await self._sign_in(scope, receive, send)
        else:
            await self._site(scope, receive, send)


def make_app(world: World, faults: Faults, calls: list[RecordedCall]) -> ASGIApp:
    """Return the application behind its fault switches; *calls* fills with every request."""
    return Edge(Application(world), faults, calls)


async def _send(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    await response(scope, receive, send)
