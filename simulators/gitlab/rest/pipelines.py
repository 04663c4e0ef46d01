"""REST: pipelines, their jobs, and what the jobs printed. For who may read the code."""

from starlette.responses import Response

from simulators.gitlab.access import DEVELOPER, can_read_code
from simulators.gitlab.ci import Job, Pipeline
from simulators.gitlab.records import Project
from simulators.gitlab.refusals import forbidden
from simulators.gitlab.rest.call import Call
from simulators.gitlab.rest.issues import date_of
from simulators.gitlab.rest.paging import page_of
from simulators.gitlab.rest.routing import Routes
from simulators.gitlab.views.people import Json
from simulators.gitlab.views.pipelines import job_view, pipeline_detail, pipeline_view

routes = Routes()
ALL = "/projects/{project}/pipelines"
JOB = "/projects/{project}/jobs/{job}"


@routes.get(ALL)
def list_pipelines(call: Call) -> Response:
    """Return the pipelines, the newest first, by ref, sha, status and source."""
    pipelines = [pipeline for pipeline in call.world.pipelines(_project(call)) if _is_wanted(call, pipeline)]
    return page_of(call, pipelines, lambda pipeline: pipeline_view(call.base, pipeline))


@routes.get(f"{ALL}/{{pipeline}}")
def show_pipeline(call: Call) -> Json:
    """Return one pipeline."""
    return pipeline_detail(call.base, call.world.pipeline(_project(call), call.path["pipeline"]))


@routes.get(f"{ALL}/{{pipeline}}/jobs")
def list_jobs(call: Call) -> Response:
    """Return a pipeline's jobs, by their status; those that were retried only on demand."""
    pipeline = call.world.pipeline(_project(call), call.path["pipeline"])
    jobs = pipeline.jobs if call.flag("include_retried") else pipeline.latest
    scope = call.texts("scope")
    wanted = [job for job in jobs if not scope or job.status in scope]
    return page_of(call, wanted, lambda job: job_view(call.base, pipeline, job))


@routes.get(JOB)
def show_job(call: Call) -> Json:
    """Return one job."""
    return job_view(call.base, *_job(call))


@routes.get(f"{JOB}/trace")
def show_trace(call: Call) -> Response:
    """Return what a job printed, with its colours and section markers."""
    return Response(_job(call)[1].trace, media_type="text/plain")


@routes.post(f"{JOB}/retry")
def retry_job(call: Call) -> Json:
    """Start a job anew."""
    project = call.project(level=DEVELOPER)
    again = call.world.retry_job(project, call.path["job"])
    return job_view(call.base, call.world.job(project, str(again.id))[0], again)


@routes.get("/projects/{project}/merge_requests/{request}/pipelines")
def list_merge_request_pipelines(call: Call) -> Response:
    """Return a merge request's pipelines, those of its branch's commits too, the newest first."""
    request = call.merge_request()
    theirs = [
        pipeline
        for pipeline in call.world.pipelines(_project(call))
        if pipeline.merge_request is request or pipeline.ref == request.source_branch
    ]
    return page_of(call, theirs, lambda pipeline: pipeline_view(call.base, pipeline))


def _project(call: Call) -> Project:
    project = call.project()
    if not can_read_code(project, call.caller):
        raise forbidden()
    return project


def _job(call: Call) -> tuple[Pipeline, Job]:
    return call.world.job(_project(call), call.path["job"])


def _is_wanted(call: Call, pipeline: Pipeline) -> bool:
    has = {"ref": pipeline.ref, "sha": pipeline.sha, "status": pipeline.status, "source": pipeline.source}
    moment = pipeline.finished_at or pipeline.created_at
    if call.has("updated_after") and moment < date_of(call.text("updated_after")):
        return False
    return all(not call.has(name) or call.text(name) == value for name, value in has.items())
