"""A log archive in a bucket, which an upgrade brings while an agent works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster import gitlab_pod
from tests.cluster.bucket import KEY_ID
from tests.cluster.gitlab import RUN_SECONDS, GitLab
from tests.cluster.installation import RELEASE, Installation

SECRET = "log-archive"
IN_REDIS = """
from core import settings
from redis import Redis
print(Redis.from_url(settings.load().redis_url.get_secret_value()).xlen("{{ablehand}}:log:{number}"))
"""


@contextmanager
def archiving(installation: Installation) -> Iterator[None]:
    """Keep logs in a bucket for a while."""
    variables = {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": "an-invented-archive-key",
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": gitlab_pod.address(installation.gitlab.namespace, gitlab_pod.BUCKET_PORT),
    }
    metadata = {"name": SECRET, "namespace": installation.namespace}
    installation.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": variables})
    with installation.changed({"logs": {"archive": {"url": "s3://logs/kept", "existingSecret": SECRET}}}):
        yield


def test_an_archive_takes_over_while_an_agent_works(installation: Installation, gitlab: GitLab) -> None:
    """The run goes on, once; its whole log goes to the bucket when it has ended, and is read from there as it was."""
    service = f"{installation.namespace}/{RELEASE}-bot:http"

    def read(path: str) -> str:
        return str(gitlab.proxy.call("GET", service, f"/api/v1/tasks{path}", token=gitlab.tokens["alice"]))

    installation.wait_until_idle()
    gate = gitlab.gate()
    issue = gitlab.ask(f"Do it DO wait={gate.address} edit={gate.name}.txt")
    gate.wait_for_agents()
    before = {job["metadata"]["uid"] for job in installation.jobs()}
    found = gitlab.proxy.call("GET", service, "/api/v1/tasks?limit=1", token=gitlab.tokens["alice"])
    number = int(found["tasks"][0]["id"])

    with archiving(installation):
        after = {job["metadata"]["uid"] for job in installation.jobs()}
        gate.open()
        gitlab.wait_for_closing(issue)
        installation.wait_until_idle()
        log = read(f"/{number}/log?format=text")
        in_redis = IN_REDIS.format(number=number)
        installation.cluster.wait(
            lambda: installation.python(in_redis).strip() == "0", "the log's way to the bucket", seconds=RUN_SECONDS
        )

        assert read(f"/{number}/log?format=text") == log

    kept = [name for name in gitlab.stored() if name.startswith(f"kept/tasks/{number}-")]
    assert len(kept) == 1
    assert "waiting at the gate" in log
    assert before == after
    assert gate.arrivals == 1
    assert len(gitlab.merge_requests(issue)) == 1
