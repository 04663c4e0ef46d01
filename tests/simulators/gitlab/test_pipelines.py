"""Pipelines as GitLab shows them: over REST, and in the hook's shape."""

import pytest
from gitlab import Gitlab, GitlabAuthenticationError, GitlabCreateError, GitlabGetError

from simulators.gitlab.ci import Job
from simulators.gitlab.records import MergeRequest
from simulators.gitlab.server import GitLabServer
from simulators.gitlab.state.merge_requests import Branches
from tests.simulators.gitlab.conftest import Client, Shop
from tests.simulators.gitlab.receiver import Receiver

TRACE = "section_start:1:script\r\x1b[0K$ make\r\n\x1b[31mfailed\x1b[0m\n"


@pytest.fixture
def request_of_bot(gitlab: GitLabServer, shop: Shop) -> MergeRequest:
    """Open a merge request as the bot."""
    gitlab.world.commit_files(shop.project, files={"a": "b"}, branch="agent/1")
    branches: Branches = {"source_branch": "agent/1", "target_branch": "main"}
    return gitlab.world.add_merge_request(shop.project, author=shop.bot, title="A", branches=branches)


def jobs() -> list[Job]:
    """Give a job that fails, one that may, and one that does not."""
    return [
        Job(name="test", status="failed", failure_reason="script_failure", trace=TRACE.encode()),
        Job(name="lint", stage="lint", status="failed", failure_reason="script_failure", allow_failure=True),
        Job(name="build", stage="build"),
    ]


def test_a_branch_pipeline_is_told_twice(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> None:
    """When it begins and when it has ended; it names no merge request."""
    gitlab.world.add_hook(shop.project, receiver.url, events=["pipeline_events"])

    pipeline = gitlab.world.run_pipeline(shop.project, "main", jobs(), user=shop.alice)

    gitlab.wait_for_hooks()
    first, last = (delivery.json for delivery in receiver.received)
    assert receiver.received[0].headers["X-Gitlab-Event"] == "Pipeline Hook"
    assert (first["object_attributes"]["status"], first["object_attributes"]["finished_at"]) == ("running", None)
    told = {name: last["object_attributes"][name] for name in ("id", "ref", "sha", "status", "source", "tag")}
    assert told == {
        "id": pipeline.id, "ref": "main", "sha": pipeline.sha, "status": "failed", "source": "push", "tag": False,
    }  # fmt: skip
    assert (last["merge_request"], "event_type" in last) == (None, False)
    assert [build.get("failure_reason") for build in last["builds"]] == ["script_failure", "script_failure", None]


def test_a_merge_requests_pipeline_names_it(
    gitlab: GitLabServer, shop: Shop, client: Client, receiver: Receiver, request_of_bot: MergeRequest
) -> None:
    """The hook gives the branch as ref, the API a ref of the merge request's own."""
    gitlab.world.add_hook(shop.project, receiver.url, events=["pipeline_events"])

    pipeline = gitlab.world.run_pipeline(shop.project, "agent/1", jobs(), user=shop.bot, request=request_of_bot)

    gitlab.wait_for_hooks()
    hook = receiver.received[-1].json
    assert (hook["object_attributes"]["ref"], hook["object_attributes"]["source"]) == ("agent/1", "merge_request_event")
    assert (hook["merge_request"]["iid"], hook["merge_request"]["source_branch"]) == (1, "agent/1")
    shown = client(shop.bob).projects.get(shop.project.id).pipelines.get(pipeline.id)
    assert (shown.ref, shown.sha, shown.status) == ("refs/merge-requests/1/head", request_of_bot.sha, "failed")


def test_a_merged_result_is_no_branchs_head(
    gitlab: GitLabServer, shop: Shop, client: Client, request_of_bot: MergeRequest
) -> None:
    """Its commit has the target and the head as parents."""
    pipeline = gitlab.world.run_merged_pipeline(request_of_bot, jobs(), user=shop.bot)

    project = client(shop.bob).projects.get(shop.project.id)
    assert pipeline.ref == "refs/merge-requests/1/merge"
    assert project.commits.get(pipeline.sha).parent_ids == [
        shop.project.repository.branch_sha("main"), request_of_bot.sha,
    ]  # fmt: skip
    assert [found.id for found in project.mergerequests.get(1).pipelines.list(get_all=True)] == [pipeline.id]


def test_failed_jobs_and_their_traces(gitlab: GitLabServer, shop: Shop, client: Client) -> None:
    """By their status; what they printed comes as it is."""
    pipeline = gitlab.world.run_pipeline(shop.project, "main", jobs(), user=shop.alice)
    project = client(shop.bob).projects.get(shop.project.id)

    failed = project.pipelines.get(pipeline.id).jobs.list(scope=["failed"], get_all=True)

    assert [(job.name, job.allow_failure, job.failure_reason) for job in failed] == [
        ("test", False, "script_failure"), ("lint", True, "script_failure"),
    ]  # fmt: skip
    assert project.jobs.get(failed[0].id).trace() == TRACE.encode()


def test_a_retried_job_makes_room_for_another(gitlab: GitLabServer, shop: Shop, client: Client) -> None:
    """In the same pipeline, which runs again and ends with it."""
    pipeline = gitlab.world.run_pipeline(shop.project, "main", jobs(), user=shop.alice)
    project = client(shop.bob).projects.get(shop.project.id)

    again = project.jobs.get(pipeline.jobs[0].id).retry()
    assert (again["status"], pipeline.status) == ("running", "running")
    job = pipeline.jobs[-1]
    gitlab.world.end_job(pipeline, job, "success")

    assert (pipeline.status, pipeline.detailed_status) == ("success", "passed with warnings")
    names = [job.name for job in project.pipelines.get(pipeline.id).jobs.list(get_all=True)]
    assert names == ["lint", "build", "test"]


def test_guests_see_no_pipelines(gitlab: GitLabServer, shop: Shop, client: Client) -> None:
    """Of a private project; and only Developers retry."""
    gitlab.world.run_pipeline(shop.project, "main", jobs(), user=shop.alice)

    with pytest.raises(GitlabGetError, match="403 Forbidden"):
        client(shop.guest).projects.get(shop.project.id, lazy=True).pipelines.get(1)


def test_nobody_makes_a_token_that_can_do_more(gitlab: GitLabServer, shop: Shop, client: Client) -> None:
    """Only Maintainers make any, none above themselves, none that has expired; a revoked one opens nothing."""
    tokens = client(shop.alice).projects.get(shop.project.id).access_tokens
    for more in ({"access_level": 50}, {"expires_at": "2020-01-01"}):
        with pytest.raises(GitlabCreateError, match="400"):
            tokens.create({"name": "a", "scopes": ["write_repository"], **more})
    with pytest.raises(GitlabCreateError, match="403"):
        client(shop.bob).projects.get(shop.project.id).access_tokens.create({"name": "a", "scopes": ["api"]})

    made = tokens.create({"name": "a", "scopes": ["api"], "access_level": 30})
    tokens.delete(made.id)

    assert made.user_id not in shop.project.members
    assert tokens.list(state="active", get_all=True) == []
    with Gitlab(gitlab.url, oauth_token=made.token, timeout=60) as revoked, pytest.raises(GitlabAuthenticationError):
        revoked.projects.get(shop.project.id)
