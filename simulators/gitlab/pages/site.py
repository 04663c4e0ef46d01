"""The pages to look at, and where each of them and each form lies."""

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles

from simulators.gitlab.diffs import changes_between
from simulators.gitlab.pages.actions import Actions
from simulators.gitlab.pages.conversation import conversation
from simulators.gitlab.pages.rendering import HEADERS, Pages
from simulators.gitlab.records import Item, Project
from simulators.gitlab.refusals import Refusal, not_found
from simulators.gitlab.state.world import World

Page = Callable[[Request], Response]


def make_site(world: World) -> Router:
    """Return every page of the site; anything else is a page that says so."""
    pages = Pages(world)
    site = Site(pages)
    actions = Actions(world)
    static = StaticFiles(directory=Path(__file__).parent / "static")
    project = "/{project:path}/-"
    get = [
        ("/", site.projects),
        ("/-/project/{number:int}/uploads/{secret}/{filename}", site.upload),
        (f"{project}/issues", site.issues),
        (f"{project}/issues/new", site.new_issue),
        (f"{project}/issues/{{number:int}}", site.issue),
        (f"{project}/merge_requests", site.merge_requests),
        (f"{project}/merge_requests/{{number:int}}", site.merge_request),
        (f"{project}/merge_requests/{{number:int}}/diffs", site.merge_request_diff),
        (f"{project}/branches", site.branches),
        (f"{project}/tree/{{ref:path}}", site.tree),
        (f"{project}/blob/{{ref}}/{{file:path}}", site.blob),
        (f"{project}/commit/{{sha}}", site.commit),
        (f"{project}/hooks", site.hooks),
        ("/{project:path}", site.issues),
    ]
    post = [
        (f"{project}/issues", actions.open_issue),
        (f"{project}/{{kind}}/{{number:int}}/notes", actions.comment),
        (f"{project}/{{kind}}/{{number:int}}/labels", actions.label),
        (f"{project}/{{kind}}/{{number:int}}/state", actions.change_state),
        (f"{project}/merge_requests/{{number:int}}/merge", actions.merge),
        (f"{project}/hooks/{{number:int}}/resend", actions.resend),
    ]
    return Router(
        [
            Mount("/-/static", static),
            *(Route(path, site.guarded(page), methods=["GET"]) for path, page in get),
            *(Route(path, actions.guarded(action), methods=["POST"]) for path, action in post),
        ]
    )


class Site:
    """Every page, by what it shows."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._world = pages.world

    def guarded(self, page: Page) -> Page:
        """Return the page, or one that says in words that there is nothing there."""

        def show(request: Request) -> Response:
            try:
                return page(request)
            except Refusal as refusal:
                values = {"status": refusal.status, "sentence": str(refusal)}
                return self._pages.page("refusal.html", values, refusal.status)

        return show

    def projects(self, request: Request) -> Response:
        """Show all projects."""
        del request
        return self._pages.page("projects.html", {"projects": list(self._world.projects.values())})

    def issues(self, request: Request) -> Response:
        """Show a project's issues."""
        project = self._project(request)
        return self._pages.page("issues.html", {"project": project, "issues": self._world.issues(project)[::-1]})

    def new_issue(self, request: Request) -> Response:
        """Show the form for an issue."""
        return self._pages.page("new_issue.html", {"project": self._project(request)})

    def issue(self, request: Request) -> Response:
        """Show an issue with its conversation."""
        issue = self._project(request).issues.get(request.path_params["number"])
        return self._item("issue.html", issue, follow="follow" in request.query_params)

    def merge_requests(self, request: Request) -> Response:
        """Show a project's merge requests."""
        project = self._project(request)
        values = {"project": project, "merge_requests": self._world.merge_requests(project)[::-1]}
        return self._pages.page("merge_requests.html", values)

    def merge_request(self, request: Request) -> Response:
        """Show a merge request with its conversation, and its commits."""
        found = self._project(request).merge_requests.get(request.path_params["number"])
        if found is None:
            raise not_found()
        self._world.refresh(found)
        commits = found.project.repository.log(f"{found.base_sha}..{found.sha}")
        return self._item("merge_request.html", found, commits=commits)

    def merge_request_diff(self, request: Request) -> Response:
        """Show what a merge request changes."""
        found = self._project(request).merge_requests.get(request.path_params["number"])
        if found is None:
            raise not_found()
        self._world.refresh(found)
        changes = changes_between(found.project.repository, found.base_sha, found.sha)
        return self._pages.page("diff.html", {"project": found.project, "item": found, "changes": changes})

    def branches(self, request: Request) -> Response:
        """Show a project's branches."""
        project = self._project(request)
        commits = {name: project.repository.commit(sha) for name, sha in project.repository.branches().items()}
        return self._pages.page("branches.html", {"project": project, "commits": commits})

    def tree(self, request: Request) -> Response:
        """Show all files of a branch."""
        project = self._project(request)
        ref = request.path_params["ref"]
        entries = [entry for entry in project.repository.tree(_sha(project, ref), recursive=True) if entry[1] == "blob"]
        values = {"project": project, "ref": ref, "sha": _sha(project, ref), "files": [entry[3] for entry in entries]}
        return self._pages.page("tree.html", values)

    def blob(self, request: Request) -> Response:
        """Show one file."""
        project = self._project(request)
        file = request.path_params["file"]
        content = project.repository.file(_sha(project, request.path_params["ref"]), file)
        if content is None:
            raise not_found("File Not Found")
        return self._pages.page(
            "blob.html", {"project": project, "file": file, "text": content.decode(errors="replace")}
        )

    def commit(self, request: Request) -> Response:
        """Show one commit with its changes."""
        project = self._project(request)
        commit = project.repository.commit(_sha(project, request.path_params["sha"]))
        base = commit.parents[0] if commit.parents else commit.sha
        changes = changes_between(project.repository, base, commit.sha)
        return self._pages.page("commit.html", {"project": project, "commit": commit, "changes": changes})

    def hooks(self, request: Request) -> Response:
        """Show a project's hooks and what they sent."""
        return self._pages.page("hooks.html", {"project": self._project(request)})

    def upload(self, request: Request) -> Response:
        """Send an attached file, to be saved and not shown."""
        parameters = request.path_params
        upload = self._world.project(str(parameters["number"])).uploads.get(parameters["secret"])
        if upload is None:
            raise not_found()
        headers = HEADERS | {"Content-Disposition": "attachment"}
        return Response(upload.content, media_type="application/octet-stream", headers=headers)

    def _item(self, template: str, item: Item | None, **more: object) -> Response:
        if item is None:
            raise not_found()
        values = {"project": item.project, "item": item, "entries": conversation(item)}
        return self._pages.page(template, values | more)

    def _project(self, request: Request) -> Project:
        return self._world.project(request.path_params["project"].strip("/"))


def _sha(project: Project, ref: str) -> str:
    sha = project.repository.branch_sha(ref) or project.repository.resolve(ref)
    if sha is None:
        raise not_found("Commit Not Found")
    return sha
