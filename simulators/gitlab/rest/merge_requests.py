"""REST: merge requests, their diffs and commits, and merging."""

from collections.abc import Iterable

from starlette.responses import Response

from simulators.gitlab.access import DEVELOPER, access_level
from simulators.gitlab.diffs import FileChange, changes_between
from simulators.gitlab.records import MergeRequest, Project
from simulators.gitlab.refusals import Refusal, forbidden
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.issues import change_item, select
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.items import issue_view, merge_request_view
from simulators.gitlab.views.people import Json
from simulators.gitlab.views.projects import commit_view, diff_view

routes = Routes()
ALL = "/projects/{project}/merge_requests"
ONE = f"{ALL}/{{request}}"


@routes.get("/merge_requests")
def list_all_merge_requests(call: Call) -> Response:
    """Return merge requests of every project that the caller is a member of, or those that they opened."""
    projects = [project for project in call.world.projects.values() if access_level(project, call.user)]
    requests = [request for project in projects for request in project.merge_requests.values()]
    if call.text("scope", "created_by_me") == "created_by_me":
        requests = [request for request in requests if request.author is call.user]
    return _page_of_requests(call, requests)


@routes.get(ALL)
def list_merge_requests(call: Call) -> Response:
    """Return a project's merge requests, by state and branches."""
    return _page_of_requests(call, call.project().merge_requests.values())


@routes.get(ONE)
def show_merge_request(call: Call) -> Json:
    """Return a merge request, with the number of changed files."""
    request = call.merge_request()
    return merge_request_view(call.base, request) | {"changes_count": str(len(_changes(request)))}


@routes.post(ALL)
def create_merge_request(call: Call) -> Json:
    """Open a merge request; 409 where one is open for the same branches."""
    project = call.project(level=DEVELOPER)
    if project.archived:
        raise forbidden()
    call.require("title", "source_branch", "target_branch")
    target = _target(call, project)
    request = call.world.add_merge_request(
        target,
        author=call.user,
        title=call.text("title"),
        branches={"source_branch": call.text("source_branch"), "target_branch": call.text("target_branch")},
        description=call.text("description"),
        labels=call.texts("labels"),
        assignees=call.people("assignee_ids") or call.people("assignee_id"),
        reviewers=call.people("reviewer_ids"),
        fork=None if target is project else project,
        allow_collaboration=call.flag("allow_collaboration"),
        squash=call.flag("squash"),
        force_remove_source_branch=call.flag("remove_source_branch"),
    )
    return merge_request_view(call.base, request)


@routes.put(ONE)
def update_merge_request(call: Call) -> Json:
    """Change a merge request."""
    request = call.merge_request()
    change_item(call, request)
    return merge_request_view(call.base, request)


@routes.put(f"{ONE}/merge")
def merge(call: Call) -> Json:
    """Merge for real; 409 where `sha` is given and is not the head."""
    request = call.merge_request()
    needed = max(
        [DEVELOPER, *(level for name, level in request.project.protected.items() if name == request.target_branch)]
    )
    if access_level(request.project, call.user) < needed:
        raise Refusal(401, {"message": "401 Unauthorized"})
    if call.has("sha") and call.text("sha") != request.sha:
        raise Refusal(409, {"message": f"SHA does not match HEAD of source branch: {request.sha}"})
    call.world.merge(
        request,
        call.user,
        squash=call.flag("squash", default=request.squash),
        remove_source_branch=call.flag("should_remove_source_branch", default=request.force_remove_source_branch),
    )
    return merge_request_view(call.base, request)


@routes.get(f"{ONE}/changes")
def show_changes(call: Call) -> Json:
    """Return a merge request with its diffs."""
    request = call.merge_request()
    changes = [diff_view(change) for change in _changes(request)]
    more = {"changes": changes, "changes_count": str(len(changes)), "overflow": False}
    return merge_request_view(call.base, request) | more


@routes.get(f"{ONE}/diffs")
def list_diffs(call: Call) -> Response:
    """Return the diffs, file by file."""
    return page_of(call, _changes(call.merge_request()), diff_view)


@routes.get(f"{ONE}/commits")
def list_commits(call: Call) -> Response:
    """Return the commits, the newest first."""
    request = call.merge_request()
    commits = request.project.repository.log(f"{request.base_sha}..{request.sha}")
    return page_of(call, commits, lambda commit: commit_view(call.base, request.project, commit))


@routes.get(f"{ONE}/closes_issues")
def list_closed_issues(call: Call) -> Response:
    """Return the issues that merging would close."""
    request = call.merge_request()
    issues = [request.project.issues[number] for number in call.world.closes(request)]
    return page_of(call, issues, lambda issue: issue_view(call.base, issue))


@routes.get(f"{ONE}/approvals")
def show_approvals(call: Call) -> Json:
    """Return that nobody has to approve."""
    request = call.merge_request()
    return {"iid": request.iid, "approved": True, "approvals_required": 0, "approvals_left": 0, "approved_by": []}


@routes.get(f"{ONE}/approval_state")
def show_approval_state(call: Call) -> Json:
    """Return that there are no approval rules."""
    return {"approval_rules_overwritten": False, "rules": []} if call.merge_request() else {}


def _target(call: Call, project: Project) -> Project:
    """Return the project that a new merge request goes to: the caller's own one, or the one that it is a fork of."""
    number = call.number("target_project_id", project.id)
    if number == project.id:
        return project
    if project.forked_from is None or project.forked_from.id != number:
        raise Refusal(422, {"message": ["Target project is not a fork parent"]})
    return project.forked_from


def _page_of_requests(call: Call, requests: Iterable[MergeRequest]) -> Response:
    kept = select(call, [request for request in requests if _on_branches(call, request)])
    for request in kept:
        call.world.refresh(request)
    return page_of(call, kept, lambda request: merge_request_view(call.base, request))


def _changes(request: MergeRequest) -> list[FileChange]:
    return changes_between(request.project.repository, request.base_sha, request.sha)


def _on_branches(call: Call, request: MergeRequest) -> bool:
    wanted = {"source_branch": request.source_branch, "target_branch": request.target_branch}
    return all(not call.has(name) or call.text(name) == branch for name, branch in wanted.items())
