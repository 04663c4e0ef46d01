"""The product on a simulated cluster: what `run_stack` gives, with agents as Jobs in the namespace ``agents``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulators.kubernetes.images import Image
from simulators.kubernetes.server import KubernetesServer
from tests.product.stack import Stack, run_stack

NAMESPACE = "agents"
RUNTIME = "registry.example.com/ablehand-runtime:1"
_PROJECT = Path(__file__).parents[2]
_AGENT = "/opt/test/agent.py"


def runtime_image() -> Image:
    """Give the runtime's image as the simulated cluster has it: our own files over this machine's /usr."""
    binds = {"/opt/ablehand/runtime": _PROJECT / "runtime", _AGENT: Path(__file__).with_name("agent.py")}
    return Image(binds=binds, environment={"PATH": "/usr/local/bin:/usr/bin:/bin"})


@contextmanager
def run_on_cluster(folder: Path, **changes: str) -> Iterator[tuple[Stack, KubernetesServer]]:
    """Run everything until the context ends; *changes* are ``ABLEHAND_`` variables in lower case."""
    folder.joinpath("cluster").mkdir()
    with KubernetesServer(folder / "cluster", images={RUNTIME: runtime_image()}) as cluster:
        cluster.world.add_namespace(NAMESPACE, {"pod-security.kubernetes.io/enforce": "restricted"})
        settings = {
            "executor": "kubernetes",
            "namespace": NAMESPACE,
            "runtime_image": RUNTIME,
            "agent_command": f"python3 {_AGENT}",
            **changes,
        }
        with run_stack(folder, {"KUBECONFIG": str(cluster.kubeconfig())}, **settings) as stack:
            yield stack, cluster


def jobs(cluster: KubernetesServer) -> list[Any]:
    """List the Jobs that there are."""
    return list(cluster.world.list("jobs", NAMESPACE))


def pods(cluster: KubernetesServer) -> list[Any]:
    """List the Pods that there are."""
    return list(cluster.world.list("pods", NAMESPACE))
