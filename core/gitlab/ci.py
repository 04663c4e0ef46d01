"""The calls about pipelines: what failed, and what it printed last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import GitLabUnavailable
from core.gitlab.nouns import Commit
from core.gitlab.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline. Of a merged result, *sha* is a commit that no branch has, with the head among its parents."""

    id: int
    sha: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job; *name* and *stage* are the project's words, *failure_reason* is GitLab's."""

    id: int
    name: str
    stage: str
    failure_reason: str
    allow_failure: bool


class PipelineCalls:
    """A part of `core.gitlab.client.GitLab`."""

    _api: Transport

    def pipeline(self, project_id: int, pipeline_id: int) -> Pipeline:
        """Read a pipeline."""
        value = self._api.read("pipeline", f"/projects/{project_id}/pipelines/{pipeline_id}")
        return Pipeline(id=pipeline_id, sha=str(value.get("sha") or ""), status=str(value.get("status") or ""))

    def failed_jobs(self, project_id: int, pipeline_id: int) -> list[Job]:
        """List the jobs of a pipeline whose latest try failed, the first first."""
        place = f"/projects/{project_id}/pipelines/{pipeline_id}/jobs"
        query: dict[str, Any] = {"scope[]": "failed", "include_retried": "false"}
        found = self._api.read_all("failed_jobs", place, **query)
        return sorted((_job_of(value) for value in found), key=lambda job: job.id)

    def end_of_log(self, project_id: int, job_id: int, limit: int) -> str:
        """Give the last *limit* bytes of what a job printed, as text, with its colours and markers."""
        tail = self._api.read_tail("job_log", f"/projects/{project_id}/jobs/{job_id}/trace", limit)
        return tail.decode(errors="replace")

    def commit(self, project_id: int, sha: str) -> Commit:
        """Read a commit, be it on a branch or not."""
        value = self._api.read("commit", f"/projects/{project_id}/repository/commits/{sha}")
        parents = tuple(str(parent) for parent in value.get("parent_ids") or ())
        return Commit(id=sha, parents=parents, message=str(value.get("message") or ""))


def _job_of(value: dict[str, Any]) -> Job:
    try:
        return Job(
            id=int(value["id"]),
            name=str(value["name"]),
            stage=str(value.get("stage") or ""),
            failure_reason=str(value.get("failure_reason") or ""),
            allow_failure=bool(value.get("allow_failure")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GitLabUnavailable(f"GitLab's answer is no job: {type(error).__name__}") from error
