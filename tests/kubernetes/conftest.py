"""A simulated cluster with the agents' namespace, and the executor that launches on it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.kubernetes.images import Scripted
from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.requests import IMAGE, NAMESPACE
from worker.executors.kubernetes.connection import Cluster, load_configuration
from worker.executors.kubernetes.executor import KubernetesExecutor
from worker.executors.kubernetes.manifest import Placement
from worker.executors.kubernetes.observer import Observer
from worker.executors.kubernetes.stream import ApiStream


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KubernetesServer]:
    """Give a fresh cluster on which a run ends at once, and well."""
    with KubernetesServer(tmp_path, images={IMAGE: Scripted()}) as server:
        server.world.add_namespace(NAMESPACE, {"pod-security.kubernetes.io/enforce": "restricted"})
        yield server


@pytest.fixture
def executor(server: KubernetesServer) -> KubernetesExecutor:
    """Give an executor with the admin's rights."""
    return executor_of(server)


def executor_of(
    server: KubernetesServer,
    service_account: str | None = None,
    *,
    read_seconds: float = 10,
    namespace: str = NAMESPACE,
) -> KubernetesExecutor:
    """Give an executor with the rights of a ServiceAccount, or of the admin."""
    kubeconfig = server.kubeconfig(service_account)
    cluster = Cluster(namespace=namespace, configuration=load_configuration(kubeconfig), read_seconds=read_seconds)
    placement = Placement(namespace=namespace, runtime_image=IMAGE)
    observer = Observer(lambda: ApiStream(namespace, kubeconfig=kubeconfig))
    return KubernetesExecutor(cluster=cluster, placement=placement, observer=observer)
