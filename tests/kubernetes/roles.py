"""Roles of the simulated cluster, made from our table of rights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.requests import NAMESPACE
from worker.executors.kubernetes.rights import Right


def grant(server: KubernetesServer, account: str, rights: Iterable[Right]) -> None:
    """Give *account*, of the namespace ablehand, these rights in the agents' namespace, and no others."""
    rules = [
        {
            "apiGroups": [right.group],
            "resources": [f"{right.resource}/{right.subresource}" if right.subresource else right.resource],
            "verbs": [right.verb],
        }
        for right in sorted(rights)
    ]
    group = "rbac.authorization.k8s.io"
    metadata = {"name": account, "namespace": NAMESPACE}
    role: dict[str, Any] = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": account},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "ablehand"}],
    }
    server.world.apply(role)
    server.world.apply(binding)
