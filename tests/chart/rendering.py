"""Runs the real helm on the chart, without a cluster, and reads what it prints."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from typing import Any, Final

import yaml

from tests.programs import helm
from tests.repository import ROOT

CHART: Final = ROOT / "helm"
VALUE_SETS: Final = sorted(file.name.removesuffix("-values.yaml") for file in (CHART / "ci").iterdir())
NAMESPACE: Final = "tools"
RELEASE: Final = "ablehand"

WITH_PODS: Final = frozenset({"Deployment", "StatefulSet"})
Manifest = dict[str, Any]


class ChartRefused(Exception):
    """Helm ended with an error; the message is what it printed."""


def render(values: str = "minimal", *changes: str, kube_version: str = "1.36.0", kinds: str = "v1") -> list[Manifest]:
    """Give the manifests of a set of values; *changes* are what ``--set-json`` takes: ``bot.replicas=3``.

    *kinds* are those that a cluster has told of, such as ``apps/v1/Deployment``, separated by commas.
    """
    cluster = (f"--kube-version={kube_version}", f"--api-versions={kinds}")
    return read(run("template", RELEASE, *_values(values, changes), *cluster))


def read(text: str) -> list[Manifest]:
    """Read a stream of manifests. A key that stands twice is an error, as it is for a cluster."""
    return [document for document in yaml.load_all(text, Loader=_StrictLoader) if document]


def notes(values: str, *changes: str) -> str:
    """Give what helm tells whoever has installed the chart."""
    printed = run("install", RELEASE, *_values(values, changes), "--dry-run=client", "--hide-secret")
    return printed.partition("\nNOTES:\n")[2]


@cache
def run(command: str, *arguments: str) -> str:
    """Run helm in the release's namespace, and give what it printed.

    Raises:
        ChartRefused: It did not end well.
    """
    home = {"HOME": "/nonexistent", "KUBECONFIG": os.devnull}
    whole = [str(helm()), command, *arguments, "--namespace", NAMESPACE]
    ended = subprocess.run(whole, capture_output=True, text=True, check=False, env=home, timeout=60)
    if ended.returncode:
        raise ChartRefused(ended.stdout + ended.stderr)
    return ended.stdout


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Give the one manifest of that kind and name."""
    (found,) = [item for item in manifests if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Give each component's pod template."""
    templates = [item["spec"]["template"] for item in manifests if item["kind"] in WITH_PODS]
    return {template["metadata"]["labels"]["app.kubernetes.io/component"]: template for template in templates}


def containers(template: Manifest) -> list[Manifest]:
    """Give all containers of a pod template."""
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def named(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """Give all manifests of a kind by name."""
    return {item["metadata"]["name"]: item for item in manifests if item["kind"] == kind}


def _values(values: str, changes: tuple[str, ...]) -> list[str]:
    flags = [flag for change in changes for flag in ("--set-json", change)]
    return [str(CHART), "--values", str(CHART / "ci" / f"{values}-values.yaml"), *flags]


class _StrictLoader(yaml.CSafeLoader):
    """Refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.YAMLError(f"a key stands twice in {keys}, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep=deep)
