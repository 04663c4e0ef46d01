"""REST: webhooks of projects and of groups, their test, their deliveries."""

from starlette.responses import JSONResponse, Response

from simulators.gitlab.access import MAINTAINER, OWNER
from simulators.gitlab.hooks import Event
from simulators.gitlab.records import Group, Hook, Project
from simulators.gitlab.refusals import Refusal, forbidden, not_found
from simulators.gitlab.repository import ZERO
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.state.announcements import ancestors
from simulators.gitlab.state.world import FLAGS, HookFields
from simulators.gitlab.views.people import Json
from simulators.gitlab.views.projects import delivery_view, hook_view

routes = Routes()
ALL = "/projects/{project}/hooks"
ONE = f"{ALL}/{{hook}}"
OF_GROUP = "/groups/{group}/hooks"
ONE_OF_GROUP = f"{OF_GROUP}/{{hook}}"


@routes.get(ALL)
@routes.get(OF_GROUP)
def list_hooks(call: Call) -> Response:
    """Return a project's hooks to its Maintainers, a group's to its Owners."""
    hooks = list(_owner(call).hooks.values())
    return page_of(call, hooks, lambda hook: hook_view(hook, FLAGS))


@routes.get(ONE)
@routes.get(ONE_OF_GROUP)
def show_hook(call: Call) -> Json:
    """Return one hook."""
    return hook_view(_hook(call), FLAGS)


@routes.post(ALL)
@routes.post(OF_GROUP)
def create_hook(call: Call) -> Json:
    """Add a hook; `push_events` is on unless the call turns it off, as in GitLab."""
    owner = _owner(call)
    call.require("url")
    events = {flag for flag in FLAGS if call.flag(flag, default=flag == "push_events")}
    hook = call.world.add_hook(owner, call.text("url"), events=events, **_fields(call))
    return hook_view(hook, FLAGS)


@routes.put(ONE)
@routes.put(ONE_OF_GROUP)
def update_hook(call: Call) -> Json:
    """Change what the call names and leave the rest."""
    hook = _hook(call)
    call.world.change_hook(hook, **_fields(call))
    hook.url = call.text("url", hook.url)
    hook.events = {flag for flag in FLAGS if call.flag(flag, default=flag in hook.events)}
    return hook_view(hook, FLAGS)


@routes.delete(ONE)
@routes.delete(ONE_OF_GROUP)
def delete_hook(call: Call) -> None:
    """Remove a hook."""
    call.world.remove_hook(_hook(call))


@routes.post(f"{ONE}/test/{{trigger}}")
@routes.post(f"{ONE_OF_GROUP}/test/{{trigger}}")
def test_hook(call: Call) -> Response:
    """Send a delivery of real data: the project's newest record of that kind."""
    hook = _hook(call)
    event = _newest(call, _some_project(call), call.path["trigger"])
    call.world.sender.test(hook, event)
    return JSONResponse({"message": "201 Created"}, 201)


@routes.get(f"{ONE}/events")
def list_deliveries(call: Call) -> Response:
    """Return what the hook sent, the newest first."""
    hook = _hook(call)
    return page_of(call, hook.deliveries[::-1], lambda delivery: delivery_view(delivery, hook.url))


@routes.post(f"{ONE}/events/{{delivery}}/resend")
def resend(call: Call) -> Json:
    """Send a delivery again, under the same Idempotency-Key."""
    for delivery in _hook(call).deliveries:
        if str(delivery.id) == call.path["delivery"]:
            call.world.resend(delivery.id)
            return {"response_status": 200}
    raise not_found()


def _owner(call: Call) -> Project | Group:
    if "project" in call.path:
        return call.project(level=MAINTAINER)
    group = call.world.groups.get(call.path["group"])
    if group is None:
        raise not_found("Group Not Found")
    if group.members.get(call.user.id, 0) < OWNER:
        raise forbidden()
    return group


def _some_project(call: Call) -> Project:
    """Return the project whose data a test shows: for a group's hook, the first one in it."""
    if "project" in call.path:
        return call.project()
    inside = (p for p in call.world.projects.values() if call.path["group"] in ancestors(p.path_with_namespace))
    found = next(inside, None)
    if found is None:
        raise Refusal(422, {"message": "Ensure the group has a project."})
    return found


def _hook(call: Call) -> Hook:
    number = call.path["hook"]
    hook = _owner(call).hooks.get(int(number)) if number.isdigit() else None
    if hook is None:
        raise not_found()
    return hook


def _fields(call: Call) -> HookFields:
    fields: HookFields = {}
    for name in ("name", "description", "token", "signing_token"):
        if call.has(name):
            fields[name] = call.text(name)
    if call.has("enable_ssl_verification"):
        fields["enable_ssl_verification"] = call.flag("enable_ssl_verification")
    headers = call.values.get("custom_headers")
    if isinstance(headers, list):
        fields["custom_headers"] = {str(one["key"]): str(one["value"]) for one in headers}
    return fields


def _newest(call: Call, project: Project, trigger: str) -> Event:
    notes = [note for item in project.issues.values() for note in item.notes if not note.system]
    if trigger == "note_events" and notes:
        return call.world.note_event(max(notes, key=lambda note: note.id), "create")
    if trigger == "push_events" and (head := project.repository.branch_sha(project.default_branch)):
        return call.world.push_event(project, call.user, project.default_branch, (ZERO, head))
    if trigger == "issues_events" and project.issues:
        newest = project.issues[max(project.issues)]
        return call.world.item_event(newest, newest.author, "open")
    if trigger == "merge_requests_events" and project.merge_requests:
        request = project.merge_requests[max(project.merge_requests)]
        return call.world.item_event(request, request.author, "open")
    raise Refusal(422, {"message": f"Ensure the project has {trigger.removesuffix('_events')}s."})
