"""The bodies of GitLab's webhooks. Pure: records in, JSON-able values out; dates as hooks write them."""

from datetime import datetime

from simulators.gitlab.links import item_url, note_url, noteable_type, project_url
from simulators.gitlab.records import Award, Issue, Item, Label, MergeRequest, Note, Project, User

Json = dict[str, object]

_VISIBILITY = {"private": 0, "internal": 10, "public": 20}


def note_payload(base: str, note: Note, action: str) -> Json:
    """Return a note hook's body. GitLab names the note's author as `user`, whoever edited it."""
    confidential = note.internal or (isinstance(note.item, Issue) and note.item.confidential)
    project = note.item.project
    kind = "issue" if isinstance(note.item, Issue) else "merge_request"
    return {
        "object_kind": "note",
        "event_type": "confidential_note" if confidential else "note",
        "user": _user(note.author),
        "project_id": project.id,
        "project": project_payload(base, project),
        "object_attributes": _note_attributes(base, note) | {"action": action},
        "repository": _repository(base, project),
        kind: _item_attributes(base, note.item),
    }


def item_payload(base: str, item: Item, user: User, action: str, changes: Json, oldrev: str = "") -> Json:  # noqa: PLR0913, PLR0917, RUF100 - the parts of an event
    """Return an issue's or a merge request's hook body; *oldrev* is set after a push."""
    kind = "issue" if isinstance(item, Issue) else "merge_request"
    # Tasks and incidents are work items to hooks, and nothing else about them differs.
    is_work_item = isinstance(item, Issue) and item.issue_type != "issue"
    payload: Json = {
        "object_kind": "work_item" if is_work_item else kind,
        "event_type": f"confidential_{kind}" if isinstance(item, Issue) and item.confidential else kind,
        "user": _user(user),
        "project": project_payload(base, item.project),
        "object_attributes": _item_attributes(base, item) | {"action": action} | ({"oldrev": oldrev} if oldrev else {}),
        "labels": [label_payload(label) for label in item.labels],
        "changes": changes,
        "repository": _repository(base, item.project),
    }
    if item.assignees:
        payload["assignees"] = people_payload(item.assignees)
    if isinstance(item, MergeRequest):
        payload["reviewers"] = people_payload(item.reviewers)
    return payload


def emoji_payload(base: str, award: Award, target: Item | Note, action: str) -> Json:
    """Return an emoji hook's body; *action* is `award` or `revoke`."""
    item = target.item if isinstance(target, Note) else target
    url = note_url(base, target) if isinstance(target, Note) else item_url(base, item)
    payload: Json = {
        "object_kind": "emoji",
        "event_type": action,
        "user": _user(award.user),
        "project_id": item.project.id,
        "project": project_payload(base, item.project),
        "object_attributes": {
            "id": award.id,
            "user_id": award.user.id,
            "name": award.name,
            "awardable_type": "Note" if isinstance(target, Note) else noteable_type(item),
            "awardable_id": target.id,
            "action": action,
            "awarded_on_url": url,
            "created_at": _date(award.created_at),
        },
        "issue" if isinstance(item, Issue) else "merge_request": _item_attributes(base, item),
    }
    if isinstance(target, Note):
        payload["note"] = _note_attributes(base, target)
    return payload


def push_payload(base: str, project: Project, user: User, branch: str, shas: tuple[str, str]) -> Json:
    """Return a push hook's body without its commits; *shas* are before and after, zeros where there is none."""
    before, after = shas
    return {
        "object_kind": "push",
        "event_name": "push",
        "before": before,
        "after": after,
        "ref": f"refs/heads/{branch}",
        "checkout_sha": after,
        "user_id": user.id,
        "user_name": user.name,
        "user_username": user.username,
        "project_id": project.id,
        "project": project_payload(base, project),
        "commits": [],
        "total_commits_count": 0,
        "repository": _repository(base, project),
    }


def project_payload(base: str, project: Project) -> Json:
    """Return a project as hooks show it."""
    url = project_url(base, project)
    ssh = f"git@127.0.0.1:{project.path_with_namespace}.git"
    return {
        "id": project.id,
        "name": project.path,
        "description": project.description,
        "web_url": url,
        "avatar_url": None,
        "git_ssh_url": ssh,
        "git_http_url": f"{url}.git",
        "namespace": project.namespace,
        "visibility_level": _VISIBILITY[project.visibility],
        "path_with_namespace": project.path_with_namespace,
        "default_branch": project.default_branch,
        "ci_config_path": None,
        "homepage": url,
        "url": ssh,
        "ssh_url": ssh,
        "http_url": f"{url}.git",
    }


def label_payload(label: Label) -> Json:
    """Return a label as hooks show it: its name is `title` here."""
    return {
        "id": label.id,
        "title": label.name,
        "color": label.color,
        "project_id": label.project_id,
        "group_id": None,
        "created_at": _date(label.created_at),
        "updated_at": _date(label.created_at),
        "template": False,
        "description": label.description,
        "type": "ProjectLabel",
    }


def people_payload(users: list[User]) -> list[Json]:
    """Return users as `assignees`, `reviewers` and `changes` show them."""
    return [_user(user) for user in users]


def _user(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "avatar_url": None,
        "email": "[REDACTED]",
    }


def _repository(base: str, project: Project) -> Json:
    url = project_url(base, project)
    return {"name": project.path, "url": f"{url}.git", "description": project.description, "homepage": url}


def _note_attributes(base: str, note: Note) -> Json:
    return {
        "id": note.id,
        "note": note.body,
        "description": note.body,
        "noteable_type": noteable_type(note.item),
        "noteable_id": note.item.id,
        "project_id": note.item.project.id,
        "author_id": note.author.id,
        "type": note.type,
        "discussion_id": note.discussion_id,
        "internal": note.internal,
        "system": note.system,
        "commit_id": None,
        "line_code": None,
        "position": note.position,
        "original_position": note.position,
        "change_position": None,
        "resolved_at": None,
        "resolved_by_id": None,
        "resolved_by_push": None,
        "st_diff": None,
        "attachment": None,
        "created_at": _date(note.created_at),
        "updated_at": _date(note.updated_at),
        "updated_by_id": note.updated_by.id if note.updated_by else None,
        "url": note_url(base, note),
    }


def _item_attributes(base: str, item: Item) -> Json:
    attributes: Json = {
        "id": item.id,
        "iid": item.iid,
        "title": item.title,
        "description": item.description,
        "state": item.state,
        "state_id": {"opened": 1, "closed": 2, "merged": 3}[item.state],
        "labels": [label_payload(label) for label in item.labels],
        "assignee_ids": [user.id for user in item.assignees],
        "assignee_id": item.assignees[0].id if item.assignees else None,
        "author_id": item.author.id,
        "created_at": _date(item.created_at),
        "updated_at": _date(item.updated_at),
        "url": item_url(base, item),
    }
    if isinstance(item, Issue):
        attributes |= {
            "project_id": item.project.id,
            "confidential": item.confidential,
            "type": item.issue_type.capitalize(),
        }
    if isinstance(item, MergeRequest):
        attributes |= _branches(base, item)
    return attributes


def _branches(base: str, item: MergeRequest) -> Json:
    draft = item.title.startswith("Draft: ")
    return {
        "source_branch": item.source_branch,
        "target_branch": item.target_branch,
        "source_project_id": item.source.id,
        "target_project_id": item.project.id,
        "source": project_payload(base, item.source),
        "target": project_payload(base, item.project),
        "last_commit": {"id": item.sha, "url": f"{project_url(base, item.source)}/-/commit/{item.sha}"},
        "draft": draft,
        "work_in_progress": draft,
        "reviewer_ids": [user.id for user in item.reviewers],
        "merge_commit_sha": item.merge_commit_sha,
        "merge_status": "can_be_merged",
        "detailed_merge_status": "mergeable" if item.state == "opened" else "not_open",
        "head_pipeline_id": None,
        "system": False,
    }


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
