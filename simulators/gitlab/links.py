"""Where things are on the web pages: every `web_url` that the API, the hooks and the pages give."""

from simulators.gitlab.records import Issue, Item, Note, Project, User


def user_url(base: str, user: User) -> str:
    """Return the page of a user."""
    return f"{base}/{user.username}"


def project_url(base: str, project: Project) -> str:
    """Return the page of a project; its clone address is this and `.git`."""
    return f"{base}/{project.path_with_namespace}"


def item_url(base: str, item: Item) -> str:
    """Return the page of an issue or merge request."""
    return f"{project_url(base, item.project)}/-/{noun(item)}/{item.iid}"


def note_url(base: str, note: Note) -> str:
    """Return the place of a comment on its page."""
    return f"{item_url(base, note.item)}#note_{note.id}"


def noun(item: Item) -> str:
    """Return the word for this kind in paths."""
    return "issues" if isinstance(item, Issue) else "merge_requests"


def noteable_type(item: Item) -> str:
    """Return the word for this kind in records."""
    return "Issue" if isinstance(item, Issue) else "MergeRequest"


def reference(item: Item) -> str:
    """Return the short reference, `#3` or `!3`."""
    return f"{'#' if isinstance(item, Issue) else '!'}{item.iid}"
