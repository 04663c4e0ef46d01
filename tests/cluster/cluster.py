"""The cluster that KUBECONFIG points to, by way of the real kubectl and helm: what the suite looks with."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests import programs

OLDEST = (1, 31)
CALL_SECONDS = 60
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.5
T = TypeVar("T")

Object = dict[str, Any]


class NoCluster(Exception):
    """There is none that could be used; the message says what to do."""


class CommandFailed(Exception):
    """kubectl or helm refused; the message is its own."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """kubectl and helm, each call bounded in time. *folder* is where they keep what they cache."""

    folder: Path
    environment: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        caches = {
            "KUBECACHEDIR": "kube",
            "HELM_CACHE_HOME": "helm",
            "HELM_CONFIG_HOME": "helm",
            "HELM_DATA_HOME": "helm",
        }
        own = {name: str(self.folder / folder) for name, folder in caches.items()}
        object.__setattr__(self, "environment", {**os.environ, **own})

    def kubectl(self, *arguments: str, stdin: str = "", seconds: float = CALL_SECONDS) -> str:
        """Run kubectl; give what it printed.

        Raises:
            CommandFailed: It did not end well, or not in time.
        """
        return self._run(str(programs.kubectl()), *arguments, stdin=stdin, seconds=seconds)

    def helm(self, *arguments: str, stdin: str = "", seconds: float = 400) -> str:
        """Run helm, as `kubectl` does kubectl."""
        return self._run(str(programs.helm()), *arguments, stdin=stdin, seconds=seconds)

    def apply(self, *objects: Object) -> None:
        """Make *objects*, or change them."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps(_listed(objects)))

    def get(self, kind: str, namespace: str, *arguments: str) -> list[Object]:
        """List the objects of a kind; *arguments* are further ones of ``kubectl get``, such as a label selector."""
        answer = self.kubectl("get", kind, "--namespace", namespace, "--output", "json", *arguments)
        return list(json.loads(answer)["items"])

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete one object and wait until it is gone; one that is not there is fine."""
        limit = f"{PATIENCE_SECONDS:.0f}s"
        arguments = ("--namespace", namespace, "--ignore-not-found", "--timeout", limit)
        self.kubectl("delete", kind, name, *arguments, seconds=PATIENCE_SECONDS + CALL_SECONDS)

    def execute(self, namespace: str, workload: str, *command: str, seconds: float = CALL_SECONDS) -> str:
        """Run a command in a container of ours, such as ``deployment/ablehand-worker``."""
        return self.kubectl("exec", "--namespace", namespace, workload, "--", *command, seconds=seconds)

    def wait(self, look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_SECONDS) -> T:
        """Look until there is something; give it. An answer of the cluster's that fails counts as nothing there."""
        deadline = time.monotonic() + seconds
        seen = ""
        while time.monotonic() < deadline:
            try:
                found = look()
            except (CommandFailed, OSError) as error:
                found, seen = None, f" (last seen: {error})"
            if found:
                return found
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"waited {seconds:.0f} s in vain for {what}{seen}")

    def check(self) -> None:
        """Make sure that a cluster answers and is new enough.

        Raises:
            NoCluster: Otherwise.
        """
        if not self.environment.get("KUBECONFIG"):
            raise NoCluster("set KUBECONFIG to the file of a cluster's administrator")
        try:
            answer = json.loads(self.kubectl("version", "--output", "json", "--request-timeout", "10s"))
        except CommandFailed as error:
            raise NoCluster(f"the one of KUBECONFIG does not answer: {str(error).splitlines()[-1]}") from error
        version = answer["serverVersion"]
        if (int(version["major"]), int(version["minor"].rstrip("+"))) < OLDEST:
            raise NoCluster(f"the one of KUBECONFIG is {version['gitVersion']}; 1.31 or newer is needed")

    def _run(self, *command: str, stdin: str, seconds: float) -> str:
        shown = " ".join(command[:6]).replace(str(programs.kubectl().parent) + "/", "")
        try:
            done = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=seconds,
                env=self.environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(f"{shown}: no end after {seconds:.0f} s") from error
        if done.returncode:
            raise CommandFailed(f"{shown}: {done.stderr.strip() or done.stdout.strip() or done.returncode}")
        return done.stdout


def _listed(objects: tuple[Object, ...]) -> Object:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}
