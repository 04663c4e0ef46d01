"""REST: the caller's token, and project access tokens."""

from starlette.responses import Response

from simulators.gitlab.access import MAINTAINER, access_level
from simulators.gitlab.records import Project, Token, now
from simulators.gitlab.refusals import Refusal, bad_parameter, not_found, unauthorized
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.people import Json, token_view

routes = Routes()
ALL = "/projects/{project}/access_tokens"


@routes.get("/personal_access_tokens/self")
def show_own_token(call: Call) -> Json:
    """Return the token that the call carries: its scopes and when it expires."""
    return token_view(_own(call))


@routes.post("/personal_access_tokens/self/rotate")
def rotate_own_token(call: Call) -> Json:
    """Replace the token that the call carries; the old one dies at once."""
    return token_view(call.world.rotate_token(_own(call)), with_value=True)


@routes.get(ALL)
def list_project_tokens(call: Call) -> Response:
    """Return the project's access tokens: those that still work, revoked ones, or both."""
    project = call.project(level=MAINTAINER)
    state, name = call.text("state"), call.text("search")
    found = [token for token in call.world.tokens.values() if token.project_id == project.id and name in token.name]
    wanted = [token for token in found if not state or (state == "active") is not token.revoked]
    return page_of(call, wanted, token_view)


@routes.post(ALL)
def create_project_token(call: Call) -> Json:
    """Make a project access token; its text is in this answer alone."""
    project = call.project(level=MAINTAINER)
    call.require("name", "scopes")
    if not call.texts("scopes"):
        raise bad_parameter("scopes is empty")
    level = call.number("access_level", MAINTAINER)
    if level > access_level(project, call.user):
        raise Refusal(
            400, {"message": "400 Bad request - User does not have permission to create project access token"}
        )
    if call.text("expires_at", "2099-01-01") <= now().date().isoformat():
        raise Refusal(400, {"message": "400 Bad request - Expiration date must be in the future"})
    token = call.world.add_project_token(project, call.text("name"), call.texts("scopes"), level)
    token.expires_at = call.text("expires_at", token.expires_at)
    return token_view(token, with_value=True)


@routes.post(f"{ALL}/{{token}}/rotate")
def rotate_project_token(call: Call) -> Json:
    """Replace a project access token; its bot user stays."""
    return token_view(call.world.rotate_token(_named(call)), with_value=True)


@routes.delete(f"{ALL}/{{token}}")
def revoke_project_token(call: Call) -> None:
    """Revoke a project access token."""
    call.world.revoke_token(_named(call).value)


def _own(call: Call) -> Token:
    if call.token is None:
        raise unauthorized()
    if call.token.application is not None:
        raise not_found("Personal Access Token Not Found")
    return call.token


def _named(call: Call) -> Token:
    for token in _tokens(call, call.project(level=MAINTAINER)):
        if call.path["token"] in (str(token.id), "self" if token is call.token else ""):
            return token
    raise not_found()


def _tokens(call: Call, project: Project) -> list[Token]:
    return [token for token in call.world.tokens.values() if token.project_id == project.id and not token.revoked]
