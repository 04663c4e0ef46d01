"""A running cluster with one namespace, and clients of its API."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from simulators.kubernetes.images import Behaviour, Image, Script, Scripted
from simulators.kubernetes.server import KubernetesServer
from tests import programs

NAMESPACE = "agents"
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[KubernetesServer]:
    """Return a running cluster: `echo:1` prints a line, `sleep:1` runs until ended, `stubborn:1` until killed."""
    images: dict[str, Behaviour] = {
        "echo:1": Scripted(script=Script(first=["hello"])),
        "sleep:1": Scripted(script=Script(first=["here"], seconds=600)),
        "stubborn:1": Scripted(script=Script(seconds=600, heeds_term=False)),
        "debian:12": Image(),
    }
    with KubernetesServer(tmp_path, images=images) as server:
        server.world.add_namespace(NAMESPACE)
        yield server


@pytest.fixture
def api(cluster: KubernetesServer) -> Iterator[httpx2.Client]:
    """Return a plain HTTP client of the admin."""
    headers = {"authorization": f"Bearer {cluster.access.admin_token}"}
    with httpx2.Client(base_url=cluster.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def kubectl(cluster: KubernetesServer, tmp_path: Path) -> Kubectl:
    """Return a function that runs the real kubectl in the namespace of the tests; `config` is its kubeconfig."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments: str, stdin: str = "", config: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {"HOME": str(home), "KUBECONFIG": str(config or cluster.kubeconfig()), "PATH": os.environ["PATH"]}
        command = [str(programs.kubectl()), "--namespace", NAMESPACE, *arguments]
        return subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )

    return run
