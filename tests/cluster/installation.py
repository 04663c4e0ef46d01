"""The product as the chart installs it, into fresh namespaces, beside the simulated GitLab."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import gitlab_pod
from tests.cluster.cluster import Cluster, Object
from tests.cluster.gitlab import GitLab
from tests.cluster.options import Options, image_values

CHART = Path(__file__).parents[2] / "helm"
RELEASE = "ablehand"
WORKER = f"deployment/{RELEASE}-worker"
ROOMS = ("bot", "worker", "reconciler")
INSTALL_SECONDS = 300
AGENT_SECONDS = 300
"""How long an agent of this suite may work; longer than any restart of ours takes."""
_SMALL = {"requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"}, "limits": {"memory": "256Mi"}}
_DISK = "128Mi"

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A release of the chart. *namespace* is its own, *agents* that of the runs."""

    cluster: Cluster
    gitlab: GitLab
    namespace: str
    agents: str
    values: Values

    def install(self) -> None:
        """Make the namespace, which lets restricted pods alone in, and install; return when all of it is ready."""
        self.cluster.apply(gitlab_pod.namespace_object(self.namespace))
        self._helm("install", self.values)

    def upgrade(self, changes: Values) -> None:
        """Upgrade with *changes* laid over the values; return when all of it is ready."""
        self._helm("upgrade", _merged(self.values, changes))

    @contextmanager
    def changed(self, changes: Values) -> Iterator[None]:
        """Have other values for a while."""
        try:
            self.upgrade(changes)
            yield
        finally:
            self.upgrade({})

    def uninstall(self) -> None:
        """Take the release away, and wait until it is gone."""
        waiting = ("--wait", "--timeout", f"{INSTALL_SECONDS}s")
        self.cluster.helm("uninstall", RELEASE, "--namespace", self.namespace, *waiting)

    def install_hooks(self) -> None:
        """Install the webhooks of all projects, as an operator would."""
        for project in self.gitlab.projects:
            self.cluster.execute(self.namespace, WORKER, "ablehand", "hook", "install", project)

    def python(self, program: str, *, room: str = "worker") -> str:
        """Run a few lines of Python in a container of ours, with its settings and its rights; give what it printed."""
        return self.cluster.execute(self.namespace, f"deployment/{RELEASE}-{room}", "python3", "-c", program)

    def doctor(self, *variables: str, room: str = "worker") -> str:
        """Ask the doctor, in a container of ours, with other *variables* (``NAME=value``); give what it says."""
        program = (
            "import subprocess, sys; "
            "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT); "
            "sys.stdout.buffer.write(done.stdout)"
        )
        command = ("env", *variables, "ablehand", "doctor", "shop/web")
        return self.cluster.execute(self.namespace, f"deployment/{RELEASE}-{room}", "python3", "-c", program, *command)

    def restart(self, *rooms: str) -> None:
        """Restart deployments as ``kubectl rollout restart`` does; return when the new pods are ready, the old gone."""
        names = [f"deployment/{RELEASE}-{room}" for room in rooms]
        before = {pod["metadata"]["uid"] for room in rooms for pod in self.pods(room)}
        self.cluster.kubectl("rollout", "restart", "--namespace", self.namespace, *names)
        for name in names:
            status = ("rollout", "status", "--namespace", self.namespace, name, f"--timeout={INSTALL_SECONDS}s")
            self.cluster.kubectl(*status, seconds=INSTALL_SECONDS + 10)

        def are_gone() -> bool:
            return before.isdisjoint(pod["metadata"]["uid"] for room in rooms for pod in self.pods(room))

        self.cluster.wait(are_gone, f"the end of the old pods of {', '.join(rooms)}", seconds=INSTALL_SECONDS)

    def pods(self, room: str) -> list[Object]:
        """Give the pods of one of our rooms."""
        return self.cluster.get("pods", self.namespace, "--selector", f"app.kubernetes.io/component={room}")

    def jobs(self) -> list[Object]:
        """Give the Jobs of the agents' namespace."""
        return self.cluster.get("jobs", self.agents)

    def wait_until_idle(self) -> None:
        """Wait until no run is left, be it a Job, a Pod or a Secret."""
        kinds = "jobs,pods,secrets"
        self.cluster.wait(lambda: not self.cluster.get(kinds, self.agents), f"the end of all {kinds} in {self.agents}")

    def run_pod(self, job: str) -> str:
        """Wait for the pod of a Job; give its name."""

        def look() -> str:
            found = self.cluster.get("pods", self.agents, "--selector", f"batch.kubernetes.io/job-name={job}")
            return str(found[0]["metadata"]["name"]) if found else ""

        return self.cluster.wait(look, f"the pod of {job}")

    def agent_log(self, words: str) -> str:
        """Have an agent carry out *words* on an issue; give what it has printed by then."""
        gate = self.gitlab.gate()
        issue = self.gitlab.ask(f"Look DO {words} wait={gate.address} nothing")
        gate.wait_for_agents()
        [job] = self.jobs()
        pod = self.run_pod(job["metadata"]["name"])
        log = self.cluster.kubectl("logs", "--namespace", self.agents, pod, "--container", "agent")
        gate.open()
        self.gitlab.wait_for_closing(issue)
        self.wait_until_idle()
        return log

    def _helm(self, verb: str, values: Values) -> None:
        arguments = (RELEASE, str(CHART), "--namespace", self.namespace, "--values", "-")
        waiting = ("--wait", "--timeout", f"{INSTALL_SECONDS}s")
        self.cluster.helm(verb, *arguments, *waiting, stdin=json.dumps(values), seconds=INSTALL_SECONDS + 60)


def public_url(namespace: str) -> str:
    """Give where people of the cluster reach the bot."""
    return f"http://{RELEASE}-bot.{namespace}.svc.cluster.local"


def values_for(gitlab: GitLab, options: Options, namespace: str) -> Values:
    """Give the values of the suite: the five that an organisation gives, and what makes a small, quick cluster do."""
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": gitlab.namespace}}}]
    tokens = {"token": gitlab.tokens["api"], "readToken": gitlab.tokens["read"], "writeToken": gitlab.tokens["write"]}
    signing_key = base64.b64encode(secrets.token_bytes(32)).decode()
    persistence: Values = {"enabled": options.volume, "size": "256Mi", "whenDeleted": "Delete"}
    if options.storage_class:
        persistence["storageClass"] = options.storage_class
    return {
        "publicUrl": public_url(namespace),
        "gitlab": {"url": gitlab_pod.address(gitlab.namespace), **tokens},
        "signIn": gitlab.sign_in,
        "webhook": {"signingToken": f"whsec_{signing_key}"},
        "model": {"apiKey": "an-invented-key"},
        "image": image_values(options.ablehand_image, options.pull_policy),
        "runtimeImage": image_values(options.runtime_image, options.pull_policy),
        "ingress": {"enabled": False},
        "redis": {"persistence": persistence},
        "settings": {"agent_timeout_seconds": AGENT_SECONDS, "start_timeout_seconds": 60, "retry_seconds": 2},
        "agents": {
            "agent": "command",
            "command": "python3 agent.py",
            "maxRuns": 3,
            "resources": {"prepare": _SMALL, "agent": _SMALL, "publish": _SMALL},
            "podTemplate": {"spec": {"volumes": [{"name": "workspace", "emptyDir": {"sizeLimit": _DISK}}]}},
            "networkPolicy": {"gitlab": {"to": peers, "ports": [gitlab_pod.PORT]}},
        },
    }


def _merged(values: Values, changes: Values) -> Values:
    merged = dict(values)
    for key, value in changes.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged
