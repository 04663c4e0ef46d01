"""Who may see and do what, as GitLab decides it. Pure: records in, a yes or no out."""

from simulators.gitlab.records import Issue, Item, Note, Project, User

GUEST, PLANNER, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 15, 20, 30, 40, 50

WRITE_SCOPES = frozenset({"api"})
READ_SCOPES = frozenset({"api", "read_api"})
FETCH_SCOPES = frozenset({"api", "read_repository", "write_repository"})
PUSH_SCOPES = frozenset({"api", "write_repository"})


def access_level(project: Project, user: User | None) -> int:
    """Return the role of *user* in *project* as GitLab's figure; 0 without membership."""
    return project.members.get(user.id, 0) if user else 0


def can_see_project(project: Project, user: User | None) -> bool:
    """Tell whether the project exists for *user*; None is a visitor who has not signed in."""
    if project.visibility == "public" or access_level(project, user) > 0:
        return True
    return project.visibility == "internal" and user is not None


def shared_branches(project: Project, user: User | None) -> set[str]:
    """Return the branches of a fork that *user* may push to because their merge requests allow collaboration."""
    target = project.forked_from
    if target is None or access_level(target, user) < DEVELOPER:
        return set()
    requests = [request for request in target.merge_requests.values() if request.fork is project]
    return {each.source_branch for each in requests if each.state == "opened" and each.allow_collaboration}


def can_read_code(project: Project, user: User | None) -> bool:
    """Tell whether *user* may fetch: Guests of a private project may not."""
    if project.visibility == "private":
        return access_level(project, user) >= REPORTER
    return can_see_project(project, user)


def can_see_item(item: Item, user: User | None) -> bool:
    """Tell whether *user* may see an issue or merge request; a confidential issue is for Planners and its people."""
    if not can_see_project(item.project, user):
        return False
    if not isinstance(item, Issue) or not item.confidential:
        return True
    return access_level(item.project, user) >= PLANNER or user is item.author or user in item.assignees


def can_see_note(note: Note, user: User | None) -> bool:
    """Tell whether *user* may see a comment; an internal one is for Planners and for its author."""
    return not note.internal or access_level(note.item.project, user) >= PLANNER or user is note.author


def can_comment(item: Item, user: User) -> bool:
    """Tell whether *user* may comment: a Guest, or anyone signed in where the project is not private."""
    return not item.project.archived and can_see_item(item, user)


def can_label(item: Item, user: User) -> bool:
    """Tell whether *user* may set labels and assignees: a Planner, or a Developer on a merge request."""
    return access_level(item.project, user) >= (PLANNER if isinstance(item, Issue) else DEVELOPER)


def can_edit_item(item: Item, user: User) -> bool:
    """Tell whether *user* may change title, description and state: its author, or whoever may set labels."""
    return can_see_item(item, user) and (user is item.author or can_label(item, user))


def can_edit_note(note: Note, user: User) -> bool:
    """Tell whether *user* may change or delete a comment: its author or a Maintainer."""
    return user is note.author or access_level(note.item.project, user) >= MAINTAINER
