"""The body of a pipeline's webhook. It has no `event_type`, and `merge_request` is null for a branch's pipeline."""

from datetime import datetime

from simulators.gitlab.ci import Job, Pipeline
from simulators.gitlab.links import item_url, project_url
from simulators.gitlab.payloads import Json, people_payload, project_payload


def pipeline_payload(base: str, pipeline: Pipeline) -> Json:
    """Return a pipeline hook's body."""
    return {
        "object_kind": "pipeline",
        "object_attributes": _attributes(base, pipeline),
        "merge_request": _merge_request(base, pipeline),
        "user": people_payload([pipeline.user])[0],
        "project": project_payload(base, pipeline.project),
        "commit": _commit(base, pipeline),
        "builds": [_build(pipeline, job) for job in pipeline.latest],
    }


def _attributes(base: str, pipeline: Pipeline) -> Json:
    finished = pipeline.finished_at
    return {
        "id": pipeline.id,
        "iid": pipeline.iid,
        "name": None,
        "ref": pipeline.branch,
        "tag": False,
        "sha": pipeline.sha,
        "before_sha": "0" * 40,
        "source": pipeline.source,
        "status": pipeline.status,
        "detailed_status": pipeline.detailed_status,
        "stages": list(dict.fromkeys(job.stage for job in pipeline.latest)),
        "created_at": _date(pipeline.created_at),
        "finished_at": _date(finished) if finished else None,
        "duration": round((finished - pipeline.created_at).total_seconds()) if finished else None,
        "queued_duration": 0,
        "protected_ref": False,
        "variables": [],
        "url": f"{project_url(base, pipeline.project)}/-/pipelines/{pipeline.id}",
    }


def _merge_request(base: str, pipeline: Pipeline) -> Json | None:
    request = pipeline.merge_request
    if request is None:
        return None
    return {
        "id": request.id,
        "iid": request.iid,
        "title": request.title,
        "source_branch": request.source_branch,
        "source_project_id": request.project.id,
        "target_branch": request.target_branch,
        "target_project_id": request.project.id,
        "state": request.state,
        "merge_status": "can_be_merged",
        "detailed_merge_status": "mergeable" if request.state == "opened" else "not_open",
        "url": item_url(base, request),
    }


def _commit(base: str, pipeline: Pipeline) -> Json:
    commit = pipeline.project.repository.commit(pipeline.sha)
    return {
        "id": commit.sha,
        "message": commit.message,
        "title": commit.title,
        "timestamp": commit.authored_at.isoformat(),
        "url": f"{project_url(base, pipeline.project)}/-/commit/{commit.sha}",
        "author": {"name": commit.author_name, "email": "[REDACTED]"},
    }


def _build(pipeline: Pipeline, job: Job) -> Json:
    build: Json = {
        "id": job.id,
        "stage": job.stage,
        "name": job.name,
        "status": job.status,
        "created_at": _date(job.created_at),
        "started_at": _date(job.created_at),
        "finished_at": _date(job.finished_at) if job.finished_at else None,
        "duration": 1.0,
        "queued_duration": 0.1,
        "when": "on_success",
        "manual": False,
        "allow_failure": job.allow_failure,
        "user": people_payload([pipeline.user])[0],
        "runner": None,
        "artifacts_file": {"filename": None, "size": None},
        "environment": None,
    }
    return build | ({"failure_reason": job.failure_reason} if job.status == "failed" else {})


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
