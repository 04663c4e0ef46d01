"""REST: threads of comments on issues and merge requests."""

from starlette.responses import JSONResponse, Response

from simulators.gitlab.access import DEVELOPER, access_level, can_comment, can_edit_note, can_see_note
from simulators.gitlab.positions import check_position
from simulators.gitlab.records import MergeRequest, Note
from simulators.gitlab.refusals import forbidden, not_found
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.notes import answer_post
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.items import discussion_view, note_view
from simulators.gitlab.views.people import Json

routes = Routes()
ON = "/projects/{project}/issues/{issue}/discussions"
ON_REQUEST = "/projects/{project}/merge_requests/{request}/discussions"


@routes.get(ON)
@routes.get(ON_REQUEST)
def list_discussions(call: Call) -> Response:
    """Return every thread, the oldest first; a comment that stands alone is one too."""
    threads: dict[str, list[Note]] = {}
    for note in call.item().notes:
        if can_see_note(note, call.caller):
            threads.setdefault(note.discussion_id, []).append(note)
    return page_of(call, list(threads.values()), lambda notes: discussion_view(call.base, notes))


@routes.get(f"{ON}/{{discussion}}")
@routes.get(f"{ON_REQUEST}/{{discussion}}")
def show_discussion(call: Call) -> Json:
    """Return one thread."""
    return discussion_view(call.base, _thread(call))


@routes.post(ON)
@routes.post(ON_REQUEST)
def start_discussion(call: Call) -> Response:
    """Start a thread, on a line of the diff where `position` is given."""
    item = call.item()
    call.require("body")
    if not can_comment(item, call.user):
        raise forbidden()
    given = call.values.get("position")
    position = check_position(item, given) if isinstance(given, dict) and isinstance(item, MergeRequest) else None
    posted = call.world.post_note(item, author=call.user, body=call.text("body"), threaded=True, position=position)
    if posted.note is None:
        return JSONResponse({"commands_changes": {}, "summary": posted.summary}, 202)
    return JSONResponse(discussion_view(call.base, [posted.note]), 201)


@routes.post(f"{ON}/{{discussion}}/notes")
@routes.post(f"{ON_REQUEST}/{{discussion}}/notes")
def reply(call: Call) -> Response:
    """Reply in a thread."""
    return answer_post(call, {"reply_to": _thread(call)[0].discussion_id})


@routes.put(f"{ON}/{{discussion}}/notes/{{note}}")
@routes.put(f"{ON_REQUEST}/{{discussion}}/notes/{{note}}")
def edit_reply(call: Call) -> Json:
    """Change a comment of a thread, or resolve it."""
    _thread(call)
    note = call.note()
    if not can_edit_note(note, call.user):
        raise forbidden()
    if call.has("resolved"):
        note.resolved = call.flag("resolved")
    if call.has("body"):
        call.world.edit_note(note, body=call.text("body"), editor=call.user)
    return note_view(call.base, note)


@routes.put(f"{ON_REQUEST}/{{discussion}}")
def resolve(call: Call) -> Json:
    """Resolve a thread or open it again; Developers and the merge request's author may."""
    thread = _thread(call)
    call.require("resolved")
    if access_level(call.project(), call.user) < DEVELOPER and call.user is not thread[0].item.author:
        raise forbidden()
    for note in thread:
        note.resolved = call.flag("resolved")
    return discussion_view(call.base, thread)


def _thread(call: Call) -> list[Note]:
    notes = call.world.discussion(call.item(), call.path["discussion"])
    if not can_see_note(notes[0], call.caller):
        raise not_found("Discussion Not Found")
    return notes
