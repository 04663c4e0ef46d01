"""Issues, merge requests, notes, discussions and label events as the API shows them."""

from simulators.gitlab.links import item_url, noteable_type, reference
from simulators.gitlab.records import Issue, Item, LabelEvent, MergeRequest, Note
from simulators.gitlab.views.people import Json, date, date_or_none, user_view
from simulators.gitlab.views.projects import label_view


def issue_view(base: str, issue: Issue) -> Json:
    """Return an issue."""
    return _item_view(base, issue) | {
        "type": issue.issue_type.upper(),
        "issue_type": issue.issue_type,
        "confidential": issue.confidential,
        "closed_by": None,
        "merge_requests_count": 0,
        "due_date": None,
        "weight": None,
        "has_tasks": False,
        "task_status": "",
        "_links": {
            "self": f"{base}/api/v4/projects/{issue.project.id}/issues/{issue.iid}",
            "notes": f"{base}/api/v4/projects/{issue.project.id}/issues/{issue.iid}/notes",
            "award_emoji": f"{base}/api/v4/projects/{issue.project.id}/issues/{issue.iid}/award_emoji",
            "project": f"{base}/api/v4/projects/{issue.project.id}",
        },
    }


def merge_request_view(base: str, request: MergeRequest) -> Json:
    """Return a merge request; `world.refresh` comes first."""
    draft = request.title.startswith("Draft: ")
    open_status = "draft_status" if draft else "mergeable"
    return _item_view(base, request) | {
        "source_branch": request.source_branch,
        "target_branch": request.target_branch,
        "source_project_id": request.source.id,
        "target_project_id": request.project.id,
        "allow_collaboration": request.allow_collaboration,
        "allow_maintainer_to_push": request.allow_collaboration,
        "draft": draft,
        "work_in_progress": draft,
        "sha": request.sha,
        "diff_refs": {"base_sha": request.base_sha, "head_sha": request.sha, "start_sha": request.base_sha},
        "merge_status": "can_be_merged",
        "detailed_merge_status": open_status if request.state == "opened" else "not_open",
        "has_conflicts": False,
        "blocking_discussions_resolved": True,
        "head_pipeline": None,
        "pipeline": None,
        "reviewers": [user_view(base, user) for user in request.reviewers],
        "squash": request.squash,
        "squash_on_merge": request.squash,
        "force_remove_source_branch": request.force_remove_source_branch,
        "should_remove_source_branch": None,
        "merged_at": date_or_none(request.merged_at),
        "merge_user": user_view(base, request.merge_user) if request.merge_user else None,
        "merged_by": user_view(base, request.merge_user) if request.merge_user else None,
        "merge_commit_sha": request.merge_commit_sha,
        "squash_commit_sha": request.squash_commit_sha,
        "changes_count": None,
        "user": {"can_merge": True},
    }


def note_view(base: str, note: Note) -> Json:
    """Return a comment."""
    resolvable = note.type is not None
    view: Json = {
        "id": note.id,
        "type": note.type,
        "body": note.body,
        "attachment": None,
        "author": user_view(base, note.author),
        "created_at": date(note.created_at),
        "updated_at": date(note.updated_at),
        "system": note.system,
        "noteable_id": note.item.id,
        "noteable_type": noteable_type(note.item),
        "noteable_iid": note.item.iid,
        "project_id": note.item.project.id,
        "resolvable": resolvable,
        "internal": note.internal,
        "confidential": note.internal,
        "imported": False,
        "commands_changes": {},
    }
    if resolvable:
        view |= {"resolved": note.resolved, "resolved_by": None}
    return view | ({"position": note.position} if note.position else {})


def discussion_view(base: str, notes: list[Note]) -> Json:
    """Return a discussion of its notes, the first first."""
    return {
        "id": notes[0].discussion_id,
        "individual_note": notes[0].type is None,
        "notes": [note_view(base, note) for note in notes],
    }


def label_event_view(base: str, event: LabelEvent, item: Item) -> Json:
    """Return a resource label event: who set or removed which label, and when."""
    return {
        "id": event.id,
        "user": user_view(base, event.user),
        "created_at": date(event.created_at),
        "resource_type": noteable_type(item),
        "resource_id": item.id,
        "label": label_view(event.label),
        "action": event.action,
    }


def _item_view(base: str, item: Item) -> Json:
    short = reference(item)
    return {
        "id": item.id,
        "iid": item.iid,
        "project_id": item.project.id,
        "title": item.title,
        "description": item.description,
        "state": item.state,
        "labels": sorted(label.name for label in item.labels),
        "author": user_view(base, item.author),
        "assignees": [user_view(base, user) for user in item.assignees],
        "assignee": user_view(base, item.assignees[0]) if item.assignees else None,
        "created_at": date(item.created_at),
        "updated_at": date(item.updated_at),
        "closed_at": date_or_none(item.closed_at),
        "web_url": item_url(base, item),
        "user_notes_count": sum(not note.system for note in item.notes),
        "upvotes": sum(award.name == "thumbsup" for award in item.awards),
        "downvotes": sum(award.name == "thumbsdown" for award in item.awards),
        "milestone": None,
        "references": {"short": short, "relative": short, "full": f"{item.project.path_with_namespace}{short}"},
        "discussion_locked": None,
        "time_stats": {"time_estimate": 0, "total_time_spent": 0},
        "task_completion_status": {"count": 0, "completed_count": 0},
    }
