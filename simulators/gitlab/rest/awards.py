"""REST: emoji on issues, merge requests and their comments."""

from starlette.responses import Response

from simulators.gitlab.access import can_comment
from simulators.gitlab.records import Award, Item, Note
from simulators.gitlab.refusals import forbidden, not_found
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.people import Json, award_view

routes = Routes()
ON = "/projects/{project}/issues/{issue}/award_emoji"
ON_NOTE = "/projects/{project}/issues/{issue}/notes/{note}/award_emoji"
ON_REQUEST = "/projects/{project}/merge_requests/{request}/award_emoji"
ON_REQUEST_NOTE = "/projects/{project}/merge_requests/{request}/notes/{note}/award_emoji"


@routes.get(ON)
@routes.get(ON_NOTE)
@routes.get(ON_REQUEST)
@routes.get(ON_REQUEST_NOTE)
def list_awards(call: Call) -> Response:
    """Return the emoji, the oldest first."""
    target = _target(call)
    return page_of(call, target.awards, lambda award: award_view(call.base, award, target))


@routes.post(ON)
@routes.post(ON_NOTE)
@routes.post(ON_REQUEST)
@routes.post(ON_REQUEST_NOTE)
def give_award(call: Call) -> Json:
    """Give an emoji; GitLab answers 404 for one that the caller has given already."""
    target = _target(call)
    call.require("name")
    if not can_comment(call.item(), call.user):
        raise forbidden()
    return award_view(call.base, call.world.award(target, call.user, call.text("name").strip(":")), target)


@routes.delete(f"{ON}/{{award}}")
@routes.delete(f"{ON_NOTE}/{{award}}")
@routes.delete(f"{ON_REQUEST}/{{award}}")
@routes.delete(f"{ON_REQUEST_NOTE}/{{award}}")
def revoke_award(call: Call) -> None:
    """Take an emoji back; only who gave it may."""
    target = _target(call)
    award = _award(call, target)
    if award.user is not call.user:
        raise forbidden()
    call.world.revoke_award(target, award)


def _target(call: Call) -> Item | Note:
    return call.note() if "note" in call.path else call.item()


def _award(call: Call, target: Item | Note) -> Award:
    for award in target.awards:
        if str(award.id) == call.path["award"]:
            return award
    raise not_found()
