"""What a person would ask for after a failure: the state, the events and the logs of the namespaces."""

from __future__ import annotations

from collections.abc import Iterable

from tests.cluster.cluster import Cluster, CommandFailed

LOG_LINES = 60
KINDS = "deployments,statefulsets,jobs,pods,services,persistentvolumeclaims,resourcequotas"


def tell(cluster: Cluster, namespaces: Iterable[str]) -> str:
    """Give it all as one text; what can't be had is told in its place."""
    return "\n".join(part for namespace in namespaces for part in _tell(cluster, namespace))


def _tell(cluster: Cluster, namespace: str) -> list[str]:
    here = ("--namespace", namespace)
    parts = [
        _ask(cluster, "get", KINDS, *here, "--output", "wide"),
        _ask(cluster, "get", "events", *here, "--sort-by", ".lastTimestamp"),
    ]
    try:
        pods = cluster.get("pods", namespace)
    except CommandFailed as error:
        return [*parts, str(error)]
    for pod in pods:
        name = pod["metadata"]["name"]
        parts.append(_ask(cluster, "describe", "pod", name, *here, "--show-events=false"))
        # One by one: kubectl gives up at the first container that waits.
        names = [part["name"] for part in (*pod["spec"].get("initContainers", []), *pod["spec"]["containers"])]
        log = ("logs", name, *here, f"--tail={LOG_LINES}", "--container")
        parts += [_ask(cluster, *log, container) for container in names]
    return parts


def _ask(cluster: Cluster, *arguments: str) -> str:
    title = f"$ kubectl {' '.join(arguments)}\n"
    try:
        return title + cluster.kubectl(*arguments)
    except CommandFailed as error:
        return f"{title}{error}\n"
