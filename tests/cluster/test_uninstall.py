"""`helm uninstall` takes everything away, also while an agent works. With an installation of its own."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import installed
from tests.cluster.proxy import Proxy

EVERY_NAMESPACE_HAS = {"ConfigMap/kube-root-ca.crt", "ServiceAccount/default"}
KINDS = (
    "deployments,statefulsets,jobs,pods,services,secrets,configmaps,serviceaccounts,persistentvolumeclaims,roles,"
    "rolebindings,networkpolicies,poddisruptionbudgets,resourcequotas,limitranges,leases"
)


def test_nothing_is_left_behind(pytestconfig: pytest.Config, cluster: Cluster, proxy: Proxy) -> None:
    """The agents' namespace is gone, with its runs; in the release's is what every namespace has. No volume stays."""
    with installed(pytestconfig, cluster, proxy) as installation:
        gate = installation.gitlab.gate()
        installation.gitlab.ask(f"Do it DO wait={gate.address}")
        gate.wait_for_agents()

        installation.uninstall()

        def left() -> set[str]:
            found = cluster.get(KINDS, installation.namespace)
            names = {f"{item['kind']}/{item['metadata']['name']}" for item in found}
            return {name for name in names - EVERY_NAMESPACE_HAS if not name.startswith("ConfigMap/openshift-")}

        cluster.wait(lambda: not left(), "an empty namespace")
        selector = f"metadata.name={installation.agents}"
        gone = ("get", "namespaces", "--field-selector", selector, "--output", "name")
        cluster.wait(lambda: not cluster.kubectl(*gone).strip(), f"the end of {installation.agents}")
