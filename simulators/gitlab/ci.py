"""What the simulated GitLab remembers of pipelines. Nothing runs: a test says how the jobs end."""

from dataclasses import dataclass, field
from datetime import datetime

from simulators.gitlab.records import MergeRequest, Project, User, now

LIVE = frozenset({"created", "pending", "running"})


@dataclass(eq=False, slots=True, kw_only=True)
class Job:
    """A job. `failure_reason` is GitLab's word, set where it failed; a job that was retried is no longer the latest."""

    name: str
    stage: str = "test"
    status: str = "success"
    failure_reason: str = ""
    allow_failure: bool = False
    trace: bytes = b""
    id: int = 0
    retried: bool = False
    created_at: datetime = field(default_factory=now)
    finished_at: datetime | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class Pipeline:
    """A pipeline. `ref` is what the API says, `refs/merge-requests/1/head` for one; hooks give the branch."""

    id: int
    iid: int
    project: Project
    sha: str
    ref: str
    branch: str
    source: str
    user: User
    merge_request: MergeRequest | None = None
    jobs: list[Job] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)
    finished_at: datetime | None = None

    @property
    def latest(self) -> list[Job]:
        """The jobs that count: not those that were retried."""
        return [job for job in self.jobs if not job.retried]

    @property
    def status(self) -> str:
        """What comes of the jobs."""
        states = {job.status for job in self.latest if not (job.status == "failed" and job.allow_failure)}
        for status in ("running", "pending", "created", "failed", "canceled"):
            if status in states:
                return status
        return "success"

    @property
    def detailed_status(self) -> str:
        """The label that hooks and pages show for the status."""
        is_warned = any(job.status == "failed" for job in self.latest)
        words = {"success": "passed with warnings" if is_warned else "passed"}
        return words.get(self.status, self.status)
