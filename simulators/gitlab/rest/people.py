"""REST: the caller, users, the version, members."""

from starlette.responses import Response

from simulators.gitlab.hook_headers import VERSION
from simulators.gitlab.records import User
from simulators.gitlab.refusals import not_found
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.people import Json, member_view, user_detail, user_view

routes = Routes()


@routes.get("/user")
def show_self(call: Call) -> Json:
    """Return the caller."""
    return user_detail(call.base, call.user)


@routes.get("/version")
def show_version(call: Call) -> Json:
    """Return the version that this GitLab plays."""
    return {"version": VERSION, "revision": "simulator"} if call.user else {}


@routes.get("/metadata")
def show_metadata(call: Call) -> Json:
    """Return version and edition."""
    return show_version(call) | {"enterprise": False, "kas": {"enabled": False, "externalUrl": None, "version": None}}


@routes.get("/users")
def list_users(call: Call) -> Response:
    """Return users, or the one of `username`."""
    wanted = call.text("username").lower()
    users = [user for user in call.world.users.values() if call.user and wanted in ("", user.username.lower())]
    return page_of(call, users, lambda user: user_view(call.base, user))


@routes.get("/users/{user}")
def show_user(call: Call) -> Json:
    """Return one user; `bot` tells token bots and service accounts."""
    return user_detail(call.base, _user(call))


@routes.get("/projects/{project}/members/all")
def list_members(call: Call) -> Response:
    """Return the members, or those of `user_ids`."""
    project = call.project(level=1)
    wanted = set(call.texts("user_ids"))
    members = [
        (call.world.users[number], level)
        for number, level in project.members.items()
        if not wanted or str(number) in wanted
    ]
    return page_of(call, members, lambda member: member_view(call.base, *member))


@routes.get("/projects/{project}/members")
def list_direct_members(call: Call) -> Response:
    """Return the members; here all are direct."""
    return list_members(call)


@routes.get("/projects/{project}/members/all/{user}")
def show_member(call: Call) -> Json:
    """Return the role of a user; 404 for one who is no member."""
    project = call.project()
    level = project.members.get(_user(call).id)
    if level is None or call.caller is None:
        raise not_found("Not found")
    return member_view(call.base, _user(call), level)


@routes.get("/projects/{project}/members/{user}")
def show_direct_member(call: Call) -> Json:
    """Return the role of a direct member; here all are direct."""
    return show_member(call)


def _user(call: Call) -> User:
    number = call.path["user"]
    user = call.world.users.get(int(number)) if number.isdigit() else None
    if user is None:
        raise not_found("User Not Found")
    return user
