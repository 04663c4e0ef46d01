"""The real helm against the simulated API: it installs, upgrades and uninstalls, with its release kept in Secrets."""

import os
import subprocess
from pathlib import Path

import pytest

from simulators.kubernetes.server import KubernetesServer
from tests import programs
from tests.simulators.kubernetes.api.conftest import NAMESPACE

CHART = "{apiVersion: v2, name: small, version: 0.1.0}\n"
TEMPLATES = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-settings"}
data: {colour: {{ .Values.colour | quote }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}-bot"}
spec:
  selector: {matchLabels: {app: bot}}
  template:
    metadata: {labels: {app: bot}}
    spec:
      containers:
      - name: bot
        image: echo:1
        env: [{name: COLOUR, value: {{ .Values.colour | quote }}}]
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """Return a small chart."""
    folder = tmp_path / "small"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "templates" / "all.yaml").write_text(TEMPLATES)
    return folder


def _helm(cluster: KubernetesServer, *arguments: str) -> str:
    home = cluster.directory / "helm"
    environment = {"HOME": str(home), "KUBECONFIG": str(cluster.kubeconfig()), "PATH": os.environ["PATH"]}
    command = [str(programs.helm()), "--namespace", NAMESPACE, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_helm_installs_upgrades_and_uninstalls(cluster: KubernetesServer, chart: Path) -> None:
    """An upgrade changes what its values change, by server-side apply; an uninstall leaves nothing."""
    _helm(cluster, "install", "shop", str(chart), "--set", "colour=red")
    _helm(cluster, "upgrade", "shop", str(chart), "--set", "colour=blue")
    listed = _helm(cluster, "list", "--short")
    deployment = cluster.world.get("deployments", NAMESPACE, "shop-bot")
    settings = cluster.world.get("configmaps", NAMESPACE, "shop-settings")
    _helm(cluster, "uninstall", "shop")

    assert listed.split() == ["shop"]
    assert settings["data"] == {"colour": "blue"}
    assert deployment["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "COLOUR", "value": "blue"}]
    left = [cluster.world.list(resource, NAMESPACE) for resource in ("configmaps", "deployments", "secrets")]
    assert left == [[], [], []]
