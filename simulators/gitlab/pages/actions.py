"""What the forms do, as the person who is chosen in them. There is no sign-in: it listens on loopback alone."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from simulators.gitlab.access import can_comment, can_edit_item, can_label
from simulators.gitlab.links import item_url, project_url
from simulators.gitlab.records import Item, Project, User
from simulators.gitlab.refusals import Refusal, forbidden, not_found
from simulators.gitlab.state.world import World

Form = dict[str, str]
Action = Callable[[Request, Form], str]
"""Does what a form says and returns the page to go to."""


class Actions:
    """Every form, by what it does."""

    def __init__(self, world: World) -> None:
        self._world = world

    def guarded(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that reads the form, acts, and goes to a page; a form of another site is refused."""

        async def act(request: Request) -> Response:
            """Act as the form says."""
            origin = request.headers.get("origin", "null")
            if origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
                return PlainTextResponse("This form came from another site.", 403)
            async with request.form() as data:
                form = {name: value for name, value in data.items() if isinstance(value, str)}
            try:
                return RedirectResponse(await run_in_threadpool(action, request, form), 303)
            except Refusal as refusal:
                return PlainTextResponse(str(refusal), refusal.status)

        return act

    def open_issue(self, request: Request, form: Form) -> str:
        """Open an issue."""
        project = self._project(request)
        issue = self._world.add_issue(
            project,
            author=self._person(form),
            title=form.get("title", ""),
            description=form.get("description", ""),
            confidential="confidential" in form,
        )
        return item_url("", issue)

    def comment(self, request: Request, form: Form) -> str:
        """Comment, or reply in a thread."""
        item, person = self._item(request), self._person(form)
        if not can_comment(item, person):
            raise forbidden()
        internal = "internal" in form
        reply_to = form.get("reply_to", "")
        posted = self._world.post_note(
            item, author=person, body=form.get("body", ""), internal=internal, reply_to=reply_to
        )
        return item_url("", item) + (f"#note_{posted.note.id}" if posted.note else "")

    def label(self, request: Request, form: Form) -> str:
        """Set a label, or take one off."""
        item, person = self._item(request), self._person(form)
        if not can_label(item, person):
            raise forbidden()
        add, remove = form.get("add", "").strip(), form.get("remove", "")
        self._world.label(item, person, add=[add] if add else [], remove=[remove] if remove else [])
        return item_url("", item)

    def change_state(self, request: Request, form: Form) -> str:
        """Close an issue or merge request, or open it again."""
        item, person = self._item(request), self._person(form)
        if not can_edit_item(item, person):
            raise forbidden()
        self._world.change_item(item, person, state_event=form.get("event", ""))
        return item_url("", item)

    def merge(self, request: Request, form: Form) -> str:
        """Merge a merge request as it asks to be merged."""
        found = self._project(request).merge_requests.get(request.path_params["number"])
        if found is None:
            raise not_found()
        person = self._person(form)
        if not can_label(found, person):
            raise forbidden()
        remove = found.force_remove_source_branch
        self._world.merge(found, person, squash=found.squash, remove_source_branch=remove)
        return item_url("", found)

    def resend(self, request: Request, form: Form) -> str:
        """Send a delivery of a hook again."""
        del form
        self._world.resend(request.path_params["number"])
        return f"{project_url('', self._project(request))}/-/hooks"

    def _project(self, request: Request) -> Project:
        return self._world.project(request.path_params["project"])

    def _item(self, request: Request) -> Item:
        project = self._project(request)
        items: dict[str, dict[int, Item]] = {
            "issues": dict(project.issues),
            "merge_requests": dict(project.merge_requests),
        }
        item = items.get(request.path_params["kind"], {}).get(request.path_params["number"])
        if item is None:
            raise not_found()
        return item

    def _person(self, form: Form) -> User:
        return self._world.user(form.get("author", ""))
