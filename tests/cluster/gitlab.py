"""What Alice does on the simulated GitLab in the cluster, and what she sees there, by its REST API."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import gitlab_pod
from tests.cluster.cluster import Cluster
from tests.cluster.proxy import Proxy

RUN_SECONDS = 180.0
START_SECONDS = 300.0
"""Both images may have to be pulled first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue of one project."""

    project: int
    iid: int

    @property
    def path(self) -> str:
        """Its path below the API's root."""
        return f"/projects/{self.project}/issues/{self.iid}"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Where an agent waits until the test opens it. *address* is what an agent knows it by."""

    gitlab: GitLab
    name: str

    @property
    def address(self) -> str:
        """Give its address within the cluster."""
        return f"{gitlab_pod.address(self.gitlab.namespace)}/gates/{self.name}"

    def wait_for_agents(self, count: int = 1) -> None:
        """Wait until so many agents have come, ever."""
        self.gitlab.cluster.wait(lambda: self.arrivals >= count, f"agent {count} at the gate", seconds=RUN_SECONDS)

    @property
    def arrivals(self) -> int:
        """How many agents have come here, ever."""
        return int(self.gitlab.call("GET", f"/gates/{self.name}")["arrivals"])

    def open(self) -> None:
        """Let every agent go on, now and later."""
        self.gitlab.call("POST", f"/gates/{self.name}/open", body={})


@dataclass(frozen=True, kw_only=True)
class GitLab:
    """The simulated GitLab of a namespace. *tokens* are of its people, by what they are for.

    *sign_in* is the chart's values for the application that people sign in with.
    """

    cluster: Cluster
    proxy: Proxy
    namespace: str
    tokens: dict[str, str]
    projects: dict[str, int]
    """Their ids, by path."""
    sign_in: dict[str, str]

    def call(self, method: str, path: str, *, body: Any = None, token: str = "") -> Any:
        """Call it; raises `CallFailed` where it refuses."""
        service = f"{self.namespace}/{gitlab_pod.NAME}:{gitlab_pod.PORT}"
        return self.proxy.call(method, service, path, body=body, token=token)

    def as_alice(self, method: str, path: str, *, body: Any = None) -> Any:
        """Call the REST API as Alice."""
        return self.call(method, f"/api/v4{path}", body=body, token=self.tokens["alice"])

    def ask(self, prompt: str, *, project: str = "shop/web") -> Issue:
        """Open an issue and comment ``/agent`` and *prompt* on it."""
        number = self.projects[project]
        made = self.as_alice("POST", f"/projects/{number}/issues", body={"title": "A thing to do"})
        issue = Issue(project=number, iid=int(made["iid"]))
        self.as_alice("POST", f"{issue.path}/notes", body={"body": f"/agent {prompt}"})
        return issue

    def replies(self, issue: Issue) -> list[str]:
        """Give the bot's comments, the oldest first."""
        notes = self.as_alice("GET", f"{issue.path}/notes?sort=asc&order_by=created_at&per_page=100")
        return [note["body"] for note in notes if note["author"]["username"] == "ablehand"]

    def closing(self, issue: Issue) -> str:
        """Give the closing reply; empty while there is none."""
        return next((body for body in self.replies(issue) if "ablehand:final" in body), "")

    def wait_for_closing(self, issue: Issue, *, seconds: float = RUN_SECONDS) -> str:
        """Wait for the closing reply; give it. There is exactly one, beside the progress comment."""
        what = f"the closing reply on issue {issue.iid} of project {issue.project}"
        found = self.cluster.wait(lambda: self.closing(issue), what, seconds=seconds)
        finals = [body for body in self.replies(issue) if "ablehand:final" in body]
        assert len(finals) == 1, finals
        return found

    def merge_requests(self, issue: Issue) -> list[dict[str, Any]]:
        """Give the merge requests that would close the issue."""
        found = self.as_alice("GET", f"/projects/{issue.project}/merge_requests?per_page=100")
        return [request for request in found if f"Closes #{issue.iid}\n" in request["description"] + "\n"]

    def file(self, issue: Issue, path: str, *, branch: str) -> str:
        """Give a file's text on a branch of the issue's project."""
        return str(self.as_alice("GET", f"/projects/{issue.project}/repository/files/{path}/raw?ref={branch}"))

    def visit(self, address: str, username: str) -> tuple[int, str, str]:
        """Open a page in a browser beside it, signing in on the way; give status, address and text of what is shown."""
        program = (Path(__file__).parent / "visitor.py").read_text("utf-8")
        here = ("exec", "--stdin", "--namespace", self.namespace, gitlab_pod.NAME, "--container", gitlab_pod.NAME)
        shown = self.cluster.kubectl(*here, "--", "python3", "-", address, username, stdin=program)
        status, place, text = shown.split("\n", 2)
        return int(status), place, text

    def stored(self) -> list[str]:
        """Give the names of what is in the bucket beside it."""
        service = f"{self.namespace}/{gitlab_pod.NAME}:{gitlab_pod.BUCKET_PORT}"
        return [str(name) for name in self.proxy.call("GET", service, "/objects")]

    def gate(self) -> Gate:
        """Give a gate that nobody has been at yet."""
        return Gate(gitlab=self, name=f"gate-{secrets.token_hex(4)}")


def start(cluster: Cluster, proxy: Proxy, namespace: str, *manifests: dict[str, Any]) -> GitLab:
    """Make the simulated GitLab's pod of its *manifests*, and wait until it answers."""
    cluster.apply(gitlab_pod.namespace_object(namespace))
    cluster.apply(*manifests)
    log = ("logs", "--namespace", namespace, gitlab_pod.NAME, "--container", gitlab_pod.NAME)
    line = cluster.wait(lambda: cluster.kubectl(*log).partition("\n")[0], "the simulated GitLab", seconds=START_SECONDS)
    gitlab = GitLab(cluster=cluster, proxy=proxy, namespace=namespace, **json.loads(line))
    cluster.wait(lambda: gitlab.as_alice("GET", "/user"), "an answer of the simulated GitLab")
    return gitlab
