"""REST: issues and the label events of issues and merge requests."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from starlette.responses import Response

from simulators.gitlab.access import (
    MAINTAINER,
    PLANNER,
    access_level,
    can_edit_item,
    can_label,
    can_see_item,
    can_see_project,
)
from simulators.gitlab.records import Issue, Item
from simulators.gitlab.refusals import bad_parameter, forbidden
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.state.items import ItemChanges
from simulators.gitlab.views.items import issue_view, label_event_view, merge_request_view
from simulators.gitlab.views.people import Json

routes = Routes()

AnItem = TypeVar("AnItem", bound=Item)


@routes.get("/issues")
def list_all_issues(call: Call) -> Response:
    """Return issues of every project that the caller is a member of, or of `scope`."""
    projects = [project for project in call.world.projects.values() if access_level(project, call.user)]
    issues = [issue for project in projects for issue in project.issues.values()]
    scope = call.text("scope", "created_by_me").replace("-", "_")
    if scope == "created_by_me":
        issues = [issue for issue in issues if issue.author is call.user]
    if scope == "assigned_to_me":
        issues = [issue for issue in issues if call.user in issue.assignees]
    return _page_of_issues(call, issues)


@routes.get("/projects/{project}/issues")
def list_issues(call: Call) -> Response:
    """Return a project's issues."""
    return _page_of_issues(call, call.project().issues.values())


@routes.get("/projects/{project}/issues/{issue}")
def show_issue(call: Call) -> Json:
    """Return an issue."""
    return issue_view(call.base, call.issue())


@routes.post("/projects/{project}/issues")
def create_issue(call: Call) -> Json:
    """Open an issue."""
    project = call.project()
    if project.archived:
        raise forbidden()
    call.require("title")
    labelled = access_level(project, call.user) >= PLANNER
    issue = call.world.add_issue(
        project,
        author=call.user,
        title=call.text("title"),
        description=call.text("description"),
        confidential=call.flag("confidential"),
        labels=call.texts("labels") if labelled else [],
        assignees=(call.people("assignee_ids") or call.people("assignee_id")) if labelled else [],
    )
    return issue_view(call.base, issue)


@routes.put("/projects/{project}/issues/{issue}")
def update_issue(call: Call) -> Json:
    """Change an issue."""
    issue = call.issue()
    change_item(call, issue)
    return issue_view(call.base, issue)


@routes.get("/projects/{project}/issues/{issue}/resource_label_events")
@routes.get("/projects/{project}/merge_requests/{request}/resource_label_events")
def list_label_events(call: Call) -> Response:
    """Return who set and removed which label, the oldest first."""
    item = call.item()
    return page_of(call, item.label_events, lambda event: label_event_view(call.base, event, item))


@routes.get("/projects/{project}/issues/{issue}/links")
def list_links(call: Call) -> Response:
    """Return the linked issues that the caller may see."""
    linked = [other for other in call.issue().links if can_see_item(other, call.caller)]
    kind = {"link_type": "relates_to", "issue_link_id": call.issue().id}
    return page_of(call, linked, lambda other: issue_view(call.base, other) | kind)


@routes.get("/projects/{project}/issues/{issue}/related_merge_requests")
def list_related_requests(call: Call) -> Response:
    """Return the merge requests, of any project that the caller sees, whose texts name this issue."""
    issue = call.issue()
    full = re.compile(rf"(?<!\w){re.escape(issue.project.path_with_namespace)}#{issue.iid}\b")
    short = re.compile(rf"(?<![\w/.-])#{issue.iid}\b")
    requests = [
        request
        for project in call.world.projects.values()
        if can_see_project(project, call.caller)
        for request in project.merge_requests.values()
        if full.search(request.description) or (project is issue.project and short.search(request.description))
    ]
    return page_of(call, requests, lambda request: merge_request_view(call.base, request))


@routes.get("/projects/{project}/issues/{issue}/closed_by")
def list_closing_requests(call: Call) -> Response:
    """Return the merge requests that name this issue as one that they close."""
    issue = call.issue()
    requests = [request for request in issue.project.merge_requests.values() if issue.iid in call.world.closes(request)]
    return page_of(call, requests, lambda request: merge_request_view(call.base, request))


def change_item(call: Call, item: Item) -> None:
    """Apply the parameters of a PUT to an issue or merge request, as far as the caller may."""
    if item.project.archived or not can_edit_item(item, call.user):
        raise forbidden()
    wanted: ItemChanges = {}
    for name in ("title", "description", "state_event", "target_branch"):
        if call.has(name):
            wanted[name] = call.text(name)
    for name in ("confidential", "squash"):
        if call.has(name):
            wanted[name] = call.flag(name)  # type: ignore[literal-required] # each is a bool in ItemChanges
    if call.has("remove_source_branch"):
        wanted["force_remove_source_branch"] = call.flag("remove_source_branch")
    if can_label(item, call.user):
        _want_labels_and_people(call, wanted)
    call.world.change_text(item, call.user, **wanted)


def _want_labels_and_people(call: Call, wanted: ItemChanges) -> None:
    for name in ("labels", "add_labels", "remove_labels"):
        if call.has(name):
            wanted[name] = call.texts(name)
    if call.has("assignee_ids") or call.has("assignee_id"):
        wanted["assignees"] = call.people("assignee_ids") or call.people("assignee_id")
    if call.has("reviewer_ids"):
        wanted["reviewers"] = call.people("reviewer_ids")


def date_of(text: str) -> datetime:
    """Read a date as a query gives it."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise bad_parameter("updated_after is invalid") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _page_of_issues(call: Call, issues: Iterable[Issue]) -> Response:
    seen = [issue for issue in issues if can_see_item(issue, call.caller)]
    return page_of(call, select(call, seen), lambda issue: issue_view(call.base, issue))


def select(call: Call, items: Iterable[AnItem]) -> list[AnItem]:
    """Keep the issues or merge requests that the caller's filters let through, in the order that is asked for."""
    kept = [item for item in items if _wanted(call, item)]
    name = call.text("order_by", "created_at")
    if name not in ("created_at", "updated_at"):
        raise bad_parameter("order_by does not have a valid value")
    kept.sort(key=lambda item: (getattr(item, name), item.id), reverse=call.text("sort", "desc") == "desc")
    return kept


def _wanted(call: Call, item: Item) -> bool:
    names = {label.name for label in item.labels}
    state = call.text("state", "all")
    checks = (
        state in ("all", item.state),
        set(call.texts("labels")) <= names,
        not call.has("iids") or str(item.iid) in call.texts("iids"),
        not call.has("author_id") or call.text("author_id") == str(item.author.id),
        not call.has("assignee_id") or call.text("assignee_id") in {str(one.id) for one in item.assignees},
        call.text("search").lower() in f"{item.title} {item.description}".lower(),
        all(_in_time(call, item, name) for name in ("updated", "created")),
    )
    return all(checks)


def _in_time(call: Call, item: Item, name: str) -> bool:
    moment = item.updated_at if name == "updated" else item.created_at
    after, before = call.text(f"{name}_after"), call.text(f"{name}_before")
    return (not after or moment >= date_of(after)) and (not before or moment <= date_of(before))


@routes.delete("/projects/{project}/issues/{issue}")
def delete_issue(call: Call) -> None:
    """Delete an issue; its author and Maintainers may."""
    issue = call.issue()
    if access_level(issue.project, call.user) < MAINTAINER and call.user is not issue.author:
        raise forbidden()
    del issue.project.issues[issue.iid]
