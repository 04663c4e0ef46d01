"""Pipelines: made with the ends that their jobs shall have, told to the hooks as GitLab does, retried."""

from pathlib import Path

from simulators.gitlab.ci import Job, Pipeline
from simulators.gitlab.commits import Signature, commit_tree, merged_tree
from simulators.gitlab.faults import Faults
from simulators.gitlab.hooks import Event
from simulators.gitlab.pipeline_payload import pipeline_payload
from simulators.gitlab.records import MergeRequest, Project, User, now
from simulators.gitlab.refusals import forbidden, not_found
from simulators.gitlab.state.merge_requests import MergeRequests
from simulators.gitlab.state.tables import locked


class Pipelines(MergeRequests):
    """The part of the world that knows pipelines."""

    def __init__(self, directory: Path, faults: Faults) -> None:
        super().__init__(directory, faults)
        self._pipelines: dict[int, Pipeline] = {}

    @locked
    def run_pipeline(
        self, project: Project, branch: str, jobs: list[Job], *, user: User, request: MergeRequest | None = None
    ) -> Pipeline:
        """Run a pipeline of a branch's head to its end; of a merge request (before its merge) where one is given."""
        sha = project.repository.branches()[branch]
        ref = f"refs/merge-requests/{request.iid}/head" if request else branch
        return self._run(project, jobs, user=user, request=request, about=(branch, sha, ref))

    @locked
    def run_merged_pipeline(self, request: MergeRequest, jobs: list[Job], *, user: User) -> Pipeline:
        """Run a merged results pipeline: of a commit that merges the head into the target, on no branch."""
        self.refresh(request)
        repository = request.project.repository
        target = repository.branches()[request.target_branch]
        tree = merged_tree(repository, target, request.sha)
        by = Signature(user.name, f"{user.username}@example.com")
        sha = commit_tree(repository, tree, (target, request.sha), f"Merge {request.sha} into {target}", by)
        about = (request.source_branch, sha, f"refs/merge-requests/{request.iid}/merge")
        return self._run(request.project, jobs, user=user, request=request, about=about)

    @locked
    def pipelines(self, project: Project) -> list[Pipeline]:
        """Return the project's pipelines, the newest first."""
        return [pipeline for pipeline in reversed(self._pipelines.values()) if pipeline.project is project]

    @locked
    def pipeline(self, project: Project, number: str) -> Pipeline:
        """Return a pipeline by its id; refuse where there is none."""
        for pipeline in self.pipelines(project):
            if str(pipeline.id) == number:
                return pipeline
        raise not_found()

    @locked
    def job(self, project: Project, number: str) -> tuple[Pipeline, Job]:
        """Return a job by its id, with its pipeline; refuse where there is none."""
        for pipeline in self.pipelines(project):
            for job in pipeline.jobs:
                if str(job.id) == number:
                    return pipeline, job
        raise not_found()

    @locked
    def retry_job(self, project: Project, number: str) -> Job:
        """Start a job of a finished pipeline anew: it becomes another one, which runs."""
        pipeline, job = self.job(project, number)
        if job.retried or job.finished_at is None:
            raise forbidden()
        job.retried = True
        again = Job(name=job.name, stage=job.stage, allow_failure=job.allow_failure, status="running")
        again.id = self.next_id("job")
        pipeline.jobs.append(again)
        pipeline.finished_at = None
        self._announce(project, self._pipeline_event(pipeline))
        return again

    @locked
    def end_job(self, pipeline: Pipeline, job: Job, status: str, *, failure_reason: str = "", trace: str = "") -> None:
        """Let a running job end, and its pipeline with it where it was the last."""
        job.status, job.failure_reason, job.trace, job.finished_at = status, failure_reason, trace.encode(), now()
        if all(other.finished_at for other in pipeline.latest):
            pipeline.finished_at = now()
        self._announce(pipeline.project, self._pipeline_event(pipeline))

    def _run(
        self,
        project: Project,
        jobs: list[Job],
        *,
        user: User,
        request: MergeRequest | None,
        about: tuple[str, str, str],
    ) -> Pipeline:
        branch, sha, ref = about
        number = self.next_id("pipeline")
        pipeline = Pipeline(
            id=number,
            iid=number,
            project=project,
            sha=sha,
            ref=ref,
            branch=branch,
            source="merge_request_event" if request else "push",
            user=user,
            merge_request=request,
        )
        self._pipelines[number] = pipeline
        ends = [job.status for job in jobs]
        for job in jobs:
            job.id, job.status = self.next_id("job"), "running"
        pipeline.jobs = jobs
        self._announce(project, self._pipeline_event(pipeline))
        for job, status in zip(jobs, ends, strict=True):
            job.status, job.finished_at = status, now()
        pipeline.finished_at = now()
        self._announce(project, self._pipeline_event(pipeline))
        return pipeline

    def _pipeline_event(self, pipeline: Pipeline) -> Event:
        return Event("pipeline_events", "Pipeline Hook", pipeline_payload(self.url, pipeline))
