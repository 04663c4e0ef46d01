"""REST: projects, labels, commit statuses, uploads."""

from urllib.parse import quote

from starlette.responses import Response

from simulators.gitlab.access import DEVELOPER, PLANNER, access_level, can_see_project
from simulators.gitlab.records import CommitStatus
from simulators.gitlab.refusals import Refusal, not_found
from simulators.gitlab.rest.call import Call, UploadedFile
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.people import Json
from simulators.gitlab.views.projects import label_view, project_view, status_view

routes = Routes()


@routes.get("/projects")
def list_projects(call: Call) -> Response:
    """Return the projects that the caller sees, or only their own with `membership`."""
    projects = [project for project in call.world.projects.values() if can_see_project(project, call.caller)]
    if call.flag("membership"):
        least = call.number("min_access_level", 1)
        projects = [project for project in projects if access_level(project, call.user) >= least]
    if wanted := call.text("search").lower():
        projects = [project for project in projects if wanted in project.path_with_namespace.lower()]
    return page_of(call, projects, lambda project: project_view(call.base, project, call.caller))


@routes.get("/projects/{project}")
def show_project(call: Call) -> Json:
    """Return a project."""
    return project_view(call.base, call.project(), call.caller)


@routes.get("/projects/{project}/labels")
def list_labels(call: Call) -> Response:
    """Return the project's labels."""
    labels = sorted(call.project().labels.values(), key=lambda label: label.name)
    return page_of(call, labels, label_view)


@routes.post("/projects/{project}/labels")
def create_label(call: Call) -> Json:
    """Make a label; 409 where it is there."""
    project = call.project(level=PLANNER)
    call.require("name", "color")
    if call.text("name") in project.labels:
        raise Refusal(409, {"message": "Label already exists"})
    label = call.world.project_label(project, call.text("name"))
    label.color, label.description = call.text("color"), call.text("description")
    return label_view(label)


@routes.post("/projects/{project}/statuses/{sha}")
def set_status(call: Call) -> Json:
    """Report a status for a commit."""
    project = call.project(level=DEVELOPER)
    call.require("state")
    sha = project.repository.resolve(call.path["sha"])
    if sha is None:
        raise not_found("Commit Not Found")
    status = CommitStatus(
        call.world.next_id("status"),
        sha,
        call.text("name") or call.text("context", "default"),
        call.text("state"),
        call.user,
        call.text("ref"),
        call.text("description"),
        call.text("target_url"),
    )
    return status_view(call.base, call.world.set_status(project, status))


@routes.get("/projects/{project}/repository/commits/{sha}/statuses")
def list_statuses(call: Call) -> Response:
    """Return the statuses of a commit."""
    statuses = [status for status in call.project().statuses if status.sha == call.path["sha"]]
    return page_of(call, statuses, lambda status: status_view(call.base, status))


@routes.post("/projects/{project}/uploads")
def upload_file(call: Call) -> Json:
    """Keep a file, and return the Markdown that shows it."""
    project = call.project(level=1)
    call.require("file")
    file = call.values["file"]
    if not isinstance(file, UploadedFile):
        raise Refusal(400, {"error": "file is invalid"})
    upload = call.world.add_upload(project, file.filename, file.content)
    url = f"/uploads/{upload.secret}/{quote(upload.filename)}"
    return {
        "id": upload.id,
        "alt": upload.filename,
        "url": url,
        "full_path": f"/-/project/{project.id}{url}",
        "markdown": f"![{upload.filename}]({url})",
    }


@routes.get("/projects/{project}/uploads/{secret}/{filename}")
def download_file(call: Call) -> Response:
    """Return an attached file by its secret."""
    upload = call.project(level=1).uploads.get(call.path["secret"])
    if upload is None or upload.filename != call.path["filename"]:
        raise not_found()
    return Response(upload.content, media_type="application/octet-stream")
