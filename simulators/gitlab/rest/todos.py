"""REST: the caller's to-do list."""

from starlette.responses import Response

from simulators.gitlab.links import item_url, note_url, noteable_type
from simulators.gitlab.records import Issue, Todo
from simulators.gitlab.refusals import not_found
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.items import issue_view, merge_request_view
from simulators.gitlab.views.people import Json, date, user_view

routes = Routes()


@routes.get("/todos")
def list_todos(call: Call) -> Response:
    """Return what is pending, or what is `state`, the newest first."""
    todos = call.world.todos_of(call.user, call.text("state", "pending"))
    todos = [todo for todo in todos if call.text("action", todo.action) == todo.action]
    return page_of(call, todos, lambda todo: todo_view(call.base, todo))


@routes.post("/todos/{todo}/mark_as_done")
def mark_as_done(call: Call) -> Json:
    """Take one off the list."""
    for todo in call.world.todos_of(call.user):
        if str(todo.id) == call.path["todo"]:
            todo.state = "done"
            return todo_view(call.base, todo)
    raise not_found()


def todo_view(base: str, todo: Todo) -> Json:
    """Return a to-do with the issue or merge request that it is about; a comment stands in its address alone."""
    item = todo.item
    return {
        "id": todo.id,
        "project": {
            "id": item.project.id,
            "name": item.project.path,
            "path": item.project.path,
            "path_with_namespace": item.project.path_with_namespace,
        },
        "author": user_view(base, todo.author),
        "action_name": todo.action,
        "target_type": noteable_type(item),
        "target": issue_view(base, item) if isinstance(item, Issue) else merge_request_view(base, item),  # type: ignore[arg-type] # the other kind of Item
        "target_url": note_url(base, todo.note) if todo.note else item_url(base, item),
        "body": todo.note.body if todo.note else item.title,
        "state": todo.state,
        "created_at": date(todo.created_at),
        "updated_at": date(todo.created_at),
    }
