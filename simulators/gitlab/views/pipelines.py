"""Pipelines and jobs as the API shows them."""

from simulators.gitlab.ci import Job, Pipeline
from simulators.gitlab.links import project_url
from simulators.gitlab.views.people import Json, date, date_or_none, user_view


def pipeline_view(base: str, pipeline: Pipeline) -> Json:
    """Return a pipeline as it stands in lists and within a merge request."""
    return {
        "id": pipeline.id,
        "iid": pipeline.iid,
        "project_id": pipeline.project.id,
        "sha": pipeline.sha,
        "ref": pipeline.ref,
        "status": pipeline.status,
        "source": pipeline.source,
        "created_at": date(pipeline.created_at),
        "updated_at": date(pipeline.finished_at or pipeline.created_at),
        "web_url": f"{project_url(base, pipeline.project)}/-/pipelines/{pipeline.id}",
    }


def pipeline_detail(base: str, pipeline: Pipeline) -> Json:
    """Return a pipeline by itself."""
    return pipeline_view(base, pipeline) | {
        "before_sha": "0" * 40,
        "tag": False,
        "yaml_errors": None,
        "user": user_view(base, pipeline.user),
        "started_at": date(pipeline.created_at),
        "finished_at": date_or_none(pipeline.finished_at),
        "coverage": None,
        "detailed_status": {"text": pipeline.status, "label": pipeline.detailed_status, "group": pipeline.status},
    }


def job_view(base: str, pipeline: Pipeline, job: Job) -> Json:
    """Return a job; its reason is there only where it failed."""
    view: Json = {
        "id": job.id,
        "name": job.name,
        "stage": job.stage,
        "status": job.status,
        "ref": pipeline.ref,
        "tag": False,
        "allow_failure": job.allow_failure,
        "created_at": date(job.created_at),
        "started_at": date(job.created_at),
        "finished_at": date_or_none(job.finished_at),
        "duration": 1.0,
        "user": user_view(base, pipeline.user),
        "pipeline": pipeline_view(base, pipeline),
        "web_url": f"{project_url(base, pipeline.project)}/-/jobs/{job.id}",
        "artifacts": [],
    }
    return view | ({"failure_reason": job.failure_reason} if job.status == "failed" else {})
