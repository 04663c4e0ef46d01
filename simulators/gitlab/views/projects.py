"""Projects, labels, branches, commits, diffs, statuses and hooks as the API shows them."""

from fnmatch import fnmatchcase

from simulators.gitlab.access import access_level, shared_branches
from simulators.gitlab.diffs import FileChange
from simulators.gitlab.hooks import is_disabled
from simulators.gitlab.links import project_url
from simulators.gitlab.records import CommitStatus, Delivery, Hook, Label, Project, User
from simulators.gitlab.repository import Commit
from simulators.gitlab.views.people import Json, date, user_view


def project_view(base: str, project: Project, user: User | None) -> Json:
    """Return a project with the permissions that *user* has."""
    level = access_level(project, user)
    url = project_url(base, project)
    empty = not project.repository.branches()
    return {
        "id": project.id,
        "name": project.path,
        "path": project.path,
        "description": project.description,
        "path_with_namespace": project.path_with_namespace,
        "name_with_namespace": project.path_with_namespace.replace("/", " / "),
        "default_branch": None if empty else project.default_branch,
        "visibility": project.visibility,
        "web_url": url,
        "http_url_to_repo": f"{url}.git",
        "ssh_url_to_repo": f"git@127.0.0.1:{project.path_with_namespace}.git",
        "namespace": {
            "id": project.id + 1000,
            "full_path": project.namespace,
            "path": project.namespace.rpartition("/")[2],
            "name": project.namespace.rpartition("/")[2],
            "kind": "group",
        },
        "issues_enabled": True,
        "merge_requests_enabled": True,
        "archived": project.archived,
        "empty_repo": empty,
        "permissions": {"project_access": {"access_level": level} if level else None, "group_access": None},
        "squash_option": "default_off",
        "remove_source_branch_after_merge": True,
        "only_allow_merge_if_pipeline_succeeds": False,
        "autoclose_referenced_issues": True,
        "created_at": date(project.created_at),
    }


def label_view(label: Label) -> Json:
    """Return a label; what hooks call `title` is `name` here."""
    return {
        "id": label.id,
        "name": label.name,
        "color": label.color,
        "text_color": "#FFFFFF",
        "description": label.description or None,
        "description_html": label.description,
        "priority": None,
        "is_project_label": True,
        "subscribed": False,
    }


def branch_view(base: str, project: Project, name: str, commit: Commit, user: User) -> Json:
    """Return a branch with its newest commit."""
    levels = [level for pattern, level in project.protected.items() if fnmatchcase(name, pattern)]
    return {
        "name": name,
        "commit": commit_view(base, project, commit),
        "merged": False,
        "protected": bool(levels),
        "default": name == project.default_branch,
        "developers_can_push": all(level and level <= 30 for level in levels),
        "can_push": name in shared_branches(project, user)
        or all(level and access_level(project, user) >= level for level in [30, *levels]),
        "web_url": f"{project_url(base, project)}/-/tree/{name}",
    }


def protection_view(pattern: str, level: int) -> Json:
    """Return a protected branch, or a pattern of them."""
    access = {"access_level": level, "access_level_description": "", "user_id": None, "group_id": None}
    return {
        "name": pattern,
        "push_access_levels": [access],
        "merge_access_levels": [access],
        "allow_force_push": False,
        "code_owner_approval_required": False,
    }


def commit_view(base: str, project: Project, commit: Commit) -> Json:
    """Return a commit."""
    return {
        "id": commit.sha,
        "short_id": commit.sha[:8],
        "title": commit.title,
        "message": commit.message,
        "author_name": commit.author_name,
        "author_email": commit.author_email,
        "authored_date": commit.authored_at.isoformat(),
        "committer_name": commit.author_name,
        "committer_email": commit.author_email,
        "committed_date": commit.authored_at.isoformat(),
        "created_at": commit.authored_at.isoformat(),
        "parent_ids": list(commit.parents),
        "web_url": f"{project_url(base, project)}/-/commit/{commit.sha}",
    }


def diff_view(change: FileChange) -> Json:
    """Return one changed file."""
    return {
        "old_path": change.old_path,
        "new_path": change.new_path,
        "a_mode": change.a_mode,
        "b_mode": change.b_mode,
        "diff": change.diff,
        "new_file": change.status == "A",
        "renamed_file": change.status == "R",
        "deleted_file": change.status == "D",
        "generated_file": False,
        "collapsed": False,
        "too_large": False,
    }


def status_view(base: str, status: CommitStatus) -> Json:
    """Return a commit status."""
    return {
        "id": status.id,
        "sha": status.sha,
        "ref": status.ref,
        "status": status.status,
        "name": status.name,
        "description": status.description or None,
        "target_url": status.target_url or None,
        "created_at": date(status.created_at),
        "author": user_view(base, status.author),
        "allow_failure": False,
    }


def hook_view(hook: Hook, flags: tuple[str, ...]) -> Json:
    """Return a webhook; its tokens are never shown, only whether there are any."""
    disabled = is_disabled(hook)
    view: Json = {
        "id": hook.id,
        "url": hook.url,
        "name": hook.name,
        "description": hook.description,
        "project_id" if isinstance(hook.owner, Project) else "group_id": hook.owner.id,
        "created_at": date(hook.created_at),
        "enable_ssl_verification": hook.enable_ssl_verification,
        "alert_status": "disabled" if hook.failures >= 40 else "temporarily_disabled" if disabled else "executable",
        "disabled_until": date(hook.disabled_until) if hook.disabled_until and disabled else None,
        "url_variables": [],
        "repository_update_events": False,
        "push_events_branch_filter": None,
        "branch_filter_strategy": "all_branches",
        "custom_webhook_template": None,
        "custom_headers": [{"key": key} for key in hook.custom_headers],
        "token_present": bool(hook.token),
        "signing_token_present": bool(hook.signing_token),
    }
    return view | {flag: flag in hook.events for flag in flags}


def delivery_view(delivery: Delivery, url: str) -> Json:
    """Return one recorded delivery of a hook."""
    return {
        "id": delivery.id,
        "url": url,
        "trigger": delivery.trigger.removesuffix("s") + "_hooks",
        "request_headers": {
            name: "[REDACTED]" if name == "X-Gitlab-Token" else value for name, value in delivery.headers.items()
        },
        "request_data": delivery.body.decode(errors="replace"),
        "response_headers": {},
        "response_body": delivery.answer,
        "execution_duration": delivery.seconds,
        "response_status": delivery.status,
        "created_at": date(delivery.created_at),
    }
