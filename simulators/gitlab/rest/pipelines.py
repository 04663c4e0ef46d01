"""REST: pipelines. This GitLab has no CI: its lists are empty."""

from starlette.responses import JSONResponse, Response

from simulators.gitlab.refusals import not_found
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.routing import Routes

routes = Routes()


@routes.get("/projects/{project}/pipelines")
@routes.get("/projects/{project}/jobs")
def list_nothing(call: Call) -> Response:
    """Return no pipelines and no jobs."""
    return JSONResponse([]) if call.project() else Response(status_code=404)


@routes.get("/projects/{project}/pipelines/{pipeline}")
@routes.get("/projects/{project}/jobs/{job}")
def show_nothing(call: Call) -> Response:
    """Answer that there is no such pipeline or job."""
    call.project()
    raise not_found()
