"""Whatever the values are, a cluster takes what comes out."""

from __future__ import annotations

import kubernetes_validate
import pytest

from tests.chart.rendering import CHART, NAMESPACE, RELEASE, VALUE_SETS, ChartRefused, Manifest, pods, render, run

OF_OTHERS = frozenset({"PrometheusRule", "ServiceMonitor"})
"""Kinds that Kubernetes itself has not: their own operators bring them."""
OLDEST, NEWEST = "1.31.0", "1.36.0"


def address(manifest: Manifest) -> tuple[str, str, str]:
    """Give what must be one of its kind in a cluster."""
    return manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]


@pytest.mark.parametrize("values", VALUE_SETS)
def test_lint_finds_nothing(values: str) -> None:
    """`helm lint --strict` is content."""
    printed = run("lint", str(CHART), "--strict", "--values", str(CHART / "ci" / f"{values}-values.yaml"))

    assert "0 chart(s) failed" in printed
    assert "[WARNING]" not in printed


@pytest.mark.parametrize("kube_version", [OLDEST, NEWEST])
@pytest.mark.parametrize("values", VALUE_SETS)
def test_every_manifest_is_valid(values: str, kube_version: str) -> None:
    """Each object keeps strictly to the schema of the oldest and of the newest Kubernetes that we name."""
    manifests = render(values, kube_version=kube_version)

    assert len(manifests) > 15
    for manifest in manifests:
        if manifest["kind"] not in OF_OTHERS:
            kubernetes_validate.validate(manifest, kube_version, strict=True)


def test_the_validation_sees_a_mistake() -> None:
    """A misspelt field would be found."""
    manifest = render()[0] | {"speck": {}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, NEWEST, strict=True)


def test_an_older_kubernetes_is_refused() -> None:
    """The chart says which Kubernetes it needs."""
    with pytest.raises(ChartRefused, match=r"requires kubeVersion: >=1\.31\.0-0"):
        render(kube_version="1.30.9")


@pytest.mark.parametrize("values", VALUE_SETS)
def test_every_object_has_a_namespace_and_a_name_of_its_own(values: str) -> None:
    """Nothing lands in whatever namespace kubectl happens to use, and nothing hides another."""
    manifests = render(values)
    addresses = [address(manifest) for manifest in manifests]

    assert len(addresses) == len(set(addresses))
    assert {kind for kind, namespace, _ in addresses if not namespace} <= {"Namespace"}
    assert all(
        manifest["metadata"]["name"].startswith(RELEASE) or manifest["kind"] == "Namespace" for manifest in manifests
    )


@pytest.mark.parametrize("values", VALUE_SETS)
def test_nothing_reaches_beyond_its_namespace(values: str) -> None:
    """No cluster-wide right, no type of our own, no hook in the cluster's API."""
    kinds = {manifest["kind"] for manifest in render(values)}

    assert kinds <= {
        "ConfigMap", "Deployment", "Ingress", "LimitRange", "Namespace", "NetworkPolicy", "PodDisruptionBudget",
        "PrometheusRule", "ResourceQuota", "Role", "RoleBinding", "Secret", "Service", "ServiceAccount",
        "ServiceMonitor", "StatefulSet",
    }  # fmt: skip


def test_selectors_never_change() -> None:
    """An upgrade to another chart, with any values, finds the same pods: a Deployment's selector can't be changed."""
    selectors = {
        values: {
            manifest["metadata"]["name"]: manifest["spec"]["selector"]["matchLabels"]
            for manifest in render(values)
            if manifest["kind"] in {"Deployment", "StatefulSet"}
        }
        for values in ("minimal", "everything")
    }

    assert selectors["minimal"] == selectors["everything"]
    assert selectors["minimal"] == {
        f"{RELEASE}-{component}": {
            "app.kubernetes.io/name": "ablehand",
            "app.kubernetes.io/instance": RELEASE,
            "app.kubernetes.io/component": component,
        }
        for component in ("bot", "worker", "reconciler", "redis")
    }


@pytest.mark.parametrize("values", VALUE_SETS)
def test_whatever_is_referred_to_is_there(values: str) -> None:
    """Mounted maps, Secrets and service accounts are in the release, or named by the values as existing."""
    manifests = render(values)
    there = {address(manifest) for manifest in manifests}
    existing = {
        "existing-secrets": {"ablehand", "archive", "model", "company-ca", "redis-ca", "jira"},
        "everything": {"mcp-gitlab", "mcp-jira", "mcp-coda", "mcp-docs"},
    }.get(values, set())

    missing = {
        (kind, name)
        for template in pods(manifests).values()
        for kind, name in references(template["spec"])
        if (kind, NAMESPACE, name) not in there and name not in existing
    }

    assert missing == set()


_KINDS = {"configMapRef": "ConfigMap", "secretRef": "Secret"}


def references(pod: Manifest) -> set[tuple[str, str]]:
    """List the ConfigMaps, Secrets and service accounts that a pod can't start without."""
    found = {("ServiceAccount", pod["serviceAccountName"])}
    for volume in pod["volumes"]:
        found |= {("ConfigMap", volume["configMap"]["name"])} if "configMap" in volume else set()
        found |= {("Secret", volume["secret"]["secretName"])} if "secret" in volume else set()
        found |= {("Secret", source["secret"]["name"]) for source in volume.get("projected", {}).get("sources", [])}
    for container in pod["containers"]:
        for source in container.get("envFrom", []):
            found |= {(_KINDS[how], reference["name"]) for how, reference in source.items()}
        found |= {
            ("Secret", variable["valueFrom"]["secretKeyRef"]["name"])
            for variable in container.get("env", [])
            if "secretKeyRef" in variable.get("valueFrom", {})
        }
    return found
