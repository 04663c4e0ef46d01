"""Every error that the cluster answers with is told to whoever counts them, whichever half of the executor asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.counts import kind_of
from core.errors import AblehandError, ExecutorUnavailable
from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.requests import NAMESPACE
from worker.executors.kubernetes.connection import JOBS, Cluster, load_configuration
from worker.executors.kubernetes.refusals import NotFound
from worker.executors.kubernetes.stream import ApiStream, Ask, Refused

pytestmark = pytest.mark.anyio

JOBS_LISTED = Ask(what="list jobs", path="/apis/batch/v1/namespaces/{namespace}/jobs", read_seconds=30)


def test_the_launching_half_tells(server: KubernetesServer, tmp_path: Path) -> None:
    """Also of a server that is not there."""
    told: list[AblehandError] = []
    nowhere = tmp_path / "nowhere"
    nowhere.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", server.kubeconfig().read_text("utf-8")), "utf-8")

    for kubeconfig, error in ((server.kubeconfig(), NotFound), (nowhere, ExecutorUnavailable)):
        configuration = load_configuration(kubeconfig)
        cluster = Cluster(namespace=NAMESPACE, configuration=configuration, on_error=told.append)
        with pytest.raises(error):
            cluster.read(JOBS, "agent-7-a1")

    assert [kind_of(error) for error in told] == ["refused", "unavailable"]


async def test_the_watching_half_tells(server: KubernetesServer) -> None:
    """With the kind of the refusal, which its own error hides."""
    told: list[AblehandError] = []
    stream = ApiStream(NAMESPACE, kubeconfig=server.kubeconfig(f"{NAMESPACE}/default"), on_error=told.append)

    with pytest.raises(Refused):
        await stream.read(JOBS_LISTED)
    await stream.close()

    assert [kind_of(error) for error in told] == ["rights"]
