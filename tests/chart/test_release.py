"""The life of a release on a simulated cluster: what only shows when helm asks a cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simulators.kubernetes.server import KubernetesServer
from tests.chart.rendering import CHART, NAMESPACE, RELEASE
from tests.programs import helm, kubectl

KINDS = "all,secret,configmap,serviceaccount,role,rolebinding,networkpolicy,ingress,pdb,quota,limits,namespace"


@dataclass(frozen=True, slots=True)
class Client:
    """The programs that people have, on one cluster."""

    environment: dict[str, str]

    def helm(self, verb: str, *arguments: str) -> None:
        """Run helm on the release."""
        self._run(str(helm()), verb, RELEASE, *arguments, "--namespace", NAMESPACE)

    def get(self, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """Read one object."""
        found = self._run(str(kubectl()), "get", kind, name, "--namespace", namespace, "--output", "json")
        return dict(json.loads(found))

    def everything(self) -> set[str]:
        """Name all that is there."""
        names = self._run(str(kubectl()), "get", KINDS, "--all-namespaces", "--output", "name")
        return set(names.split())

    def create(self, **manifest: Any) -> None:
        """Make an object."""
        self._run(str(kubectl()), "create", "--filename", "-", text=json.dumps(manifest))

    def _run(self, *command: str, text: str = "") -> str:
        ended = subprocess.run(
            command, input=text, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """Give an empty cluster's client."""
    with KubernetesServer(tmp_path) as cluster:
        yield Client({"HOME": str(tmp_path), "KUBECONFIG": str(cluster.kubeconfig())})


def values(name: str) -> tuple[str, ...]:
    """Name the chart and a set of values."""
    return (str(CHART), "--values", str(CHART / "ci" / f"{name}-values.yaml"))


def test_an_upgrade_keeps_the_password_and_every_pod(client: Client) -> None:
    """With nothing changed, nobody is restarted, and a password that was made up is not made up again."""
    kinds = [("deployment", name) for name in ("bot", "worker", "reconciler")] + [("statefulset", "redis")]

    def pods_and_password() -> list[Any]:
        templates = [client.get(kind, f"{RELEASE}-{name}")["spec"]["template"] for kind, name in kinds]
        return [*templates, client.get("secret", f"{RELEASE}-redis")["data"]]

    client.helm("install", *values("minimal"), "--create-namespace")
    before = pods_and_password()
    client.helm("upgrade", *values("minimal"))

    assert pods_and_password() == before


def test_an_uninstall_leaves_nothing(client: Client) -> None:
    """All that the release made goes with it, the agents' namespace too."""
    before = client.everything()

    client.helm("install", *values("minimal"), "--create-namespace")
    assert f"deployment.apps/{RELEASE}-bot" in client.everything()
    client.helm("uninstall", "--wait")

    of_their_own = {"serviceaccount/default", "configmap/kube-root-ca.crt"}
    assert client.everything() - before <= {f"namespace/{NAMESPACE}"} | of_their_own


def test_a_cluster_takes_everything(client: Client) -> None:
    """Every object with every wish is admitted; only the types of the Prometheus operator are not there."""
    without = "serviceMonitor.enabled=false,metrics.alerts.enabled=false"
    client.helm("install", *values("everything"), "--create-namespace", "--set", without)

    assert "networkpolicy.networking.k8s.io/ablehand-runs-egress" in client.everything()


@pytest.mark.parametrize(
    ("port", "kept_out"),
    [
        pytest.param(443, ["169.254.0.0/16", "10.96.0.1/32", "192.0.2.5/32"], id="on-a-port-that-we-open"),
        pytest.param(6443, ["169.254.0.0/16", "10.96.0.1/32"], id="on-another-port"),
    ],
)
def test_the_api_servers_addresses_are_found(client: Client, port: int, kept_out: list[str]) -> None:
    """They are asked for at the installation. On another port the machine stays open: GitLab may be on it."""
    name = {"name": "kubernetes", "namespace": "default"}
    service = {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "ports": [{"name": "https", "port": 443}]}
    client.create(apiVersion="v1", kind="Service", metadata=name, spec=service)
    client.create(
        apiVersion="discovery.k8s.io/v1",
        kind="EndpointSlice",
        metadata=name,
        addressType="IPv4",
        endpoints=[{"addresses": ["192.0.2.5"]}],
        ports=[{"name": "https", "port": port}],
    )

    client.helm("install", *values("minimal"), "--create-namespace")

    _, gitlab, _ = client.get("networkpolicy", "ablehand-runs-egress", f"{NAMESPACE}-agents")["spec"]["egress"]
    assert gitlab["to"][0]["ipBlock"]["except"] == kept_out
