"""REST: comments on issues and merge requests."""

from starlette.responses import JSONResponse, Response

from simulators.gitlab.access import PLANNER, access_level, can_comment, can_edit_note, can_see_note
from simulators.gitlab.refusals import Refusal, forbidden
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.state.notes import NoteFields
from simulators.gitlab.views.items import note_view
from simulators.gitlab.views.people import Json

routes = Routes()
ON = "/projects/{project}/issues/{issue}/notes"
ON_REQUEST = "/projects/{project}/merge_requests/{request}/notes"


@routes.get(ON)
@routes.get(ON_REQUEST)
def list_notes(call: Call) -> Response:
    """Return the comments that the caller may see, the newest first unless `sort` says otherwise."""
    notes = [note for note in call.item().notes if can_see_note(note, call.caller)]
    kinds = {"only_comments": False, "only_activity": True}
    if (wanted := kinds.get(call.text("activity_filter"))) is not None:
        notes = [note for note in notes if note.system is wanted]
    by_update = call.text("order_by", "created_at") == "updated_at"
    notes.sort(
        key=lambda note: (note.updated_at if by_update else note.created_at, note.id),
        reverse=call.text("sort", "desc") == "desc",
    )
    return page_of(call, notes, lambda note: note_view(call.base, note))


@routes.get(f"{ON}/{{note}}")
@routes.get(f"{ON_REQUEST}/{{note}}")
def show_note(call: Call) -> Json:
    """Return one comment."""
    return note_view(call.base, call.note())


@routes.post(ON)
@routes.post(ON_REQUEST)
def create_note(call: Call) -> Response:
    """Comment; 202 without an id where the text held quick actions alone."""
    return answer_post(call, {"internal": call.flag("internal") or call.flag("confidential")})


@routes.put(f"{ON}/{{note}}")
@routes.put(f"{ON_REQUEST}/{{note}}")
def edit_note(call: Call) -> Json:
    """Change a comment's text; its author and Maintainers may."""
    note = call.note()
    call.require("body")
    if not can_edit_note(note, call.user):
        raise forbidden()
    if not call.text("body").strip():
        raise Refusal(400, {"message": '400 Bad request - Note {:note=>["can\'t be blank"]}'})
    call.world.edit_note(note, body=call.text("body"), editor=call.user)
    return note_view(call.base, note)


@routes.delete(f"{ON}/{{note}}")
@routes.delete(f"{ON_REQUEST}/{{note}}")
def delete_note(call: Call) -> None:
    """Remove a comment; its author and Maintainers may."""
    note = call.note()
    if not can_edit_note(note, call.user):
        raise forbidden()
    call.world.delete_note(note)


def answer_post(call: Call, fields: NoteFields) -> Response:
    """Post the comment of a call and return GitLab's answer to it."""
    item = call.item()
    call.require("body")
    if not can_comment(item, call.user):
        raise forbidden()
    if fields.get("internal") and access_level(item.project, call.user) < PLANNER:
        raise forbidden()
    posted = call.world.post_note(item, author=call.user, body=call.text("body"), **fields)
    if posted.note is None:
        return JSONResponse({"commands_changes": {}, "summary": posted.summary}, 202)
    return JSONResponse(note_view(call.base, posted.note), 201)
