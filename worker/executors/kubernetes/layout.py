"""Where things lie in a run's pod: volumes, mounts, paths, the Secret's keys, and what each container gets of the node.

Read by `manifest`, which builds the pod, and by `template`, which keeps an operator's pod template away from it. Which
container has which volume is what keeps the steps apart: publish shares only the bundle's folder with the agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Step

RUNTIME_DIRECTORY: Final = "/opt/ablehand"
"""Where the image has our ``runtime`` package. Every step starts there: in a directory that an agent can write, Python
would take its modules for ours."""
ORDER_DIRECTORY: Final = "/ablehand/order"
WORKSPACE: Final = "/workspace"
HANDOVER: Final = "/handover"
SETUP_CACHE: Final = "/ablehand/setup-cache"
TEMPORARY: Final = "/tmp"  # noqa: S108 - a volume of the container's own
RESULT_FILE: Final = "/dev/termination-log"

ORDER_KEY: Final = "order.json"
TOKEN_KEYS: Final[Mapping[Step, str]] = {Step.PREPARE: "read", Step.PUBLISH: "write"}

ORDER_VOLUME: Final = "order"
CACHE_VOLUME: Final = "setup-cache"
SIZES: Final[Mapping[str, str]] = {
    "workspace": "12Gi",
    "handover": "512Mi",
    "publish-workspace": "8Gi",
    "prepare-tmp": "1Gi",
    "agent-tmp": "4Gi",
    "publish-tmp": "1Gi",
}
"""Our emptyDir volumes; a pod template may give one another size."""
OWN_VOLUMES: Final = frozenset({*SIZES, ORDER_VOLUME, CACHE_VOLUME})
OWN_PATHS: Final = (
    RUNTIME_DIRECTORY,
    "/ablehand",
    WORKSPACE,
    HANDOVER,
    TEMPORARY,
    "/dev",
    "/proc",
    "/sys",
    "/var/run/secrets",
)
"""Nothing of a pod template's is mounted on, in or around one of these."""

USERS: Final[Mapping[Step, int]] = {Step.PREPARE: 10_001, Step.AGENT: 10_001, Step.PUBLISH: 10_002}
"""prepare and agent are one: git refuses a repository of another user's. publish is another: it only reads the bundle,
by the group."""
GROUP: Final = 20_000

RESOURCES: Final[Mapping[Step, Mapping[str, Mapping[str, str]]]] = {
    Step.PREPARE: {
        "requests": {"cpu": "200m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
        "limits": {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "12Gi"},
    },
    Step.AGENT: {
        "requests": {"cpu": "500m", "memory": "2Gi", "ephemeral-storage": "4Gi"},
        "limits": {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "20Gi"},
    },
    Step.PUBLISH: {
        "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
        "limits": {"cpu": "1", "memory": "2Gi", "ephemeral-storage": "10Gi"},
    },
}
"""What a container gets where the pod template says nothing. Without a request for ephemeral storage, a pod is the
first to be evicted."""
BOUNDED_RESOURCES: Final = ("memory", "ephemeral-storage")
"""No container goes without a limit for these: it would take the node from everybody."""


def agent_key(variable: str) -> str:
    """Name the Secret's key that holds an agent's variable."""
    return f"agent.{variable}"


def mounts(step: Step) -> list[dict[str, Any]]:
    """Give the step's volume mounts: only what is its own, and the handover of agent to publish."""
    workspace = "publish-workspace" if step is Step.PUBLISH else "workspace"
    own: list[dict[str, Any]] = [
        {"name": ORDER_VOLUME, "mountPath": ORDER_DIRECTORY, "readOnly": True},
        {"name": workspace, "mountPath": WORKSPACE},
        {"name": f"{step}-tmp", "mountPath": TEMPORARY},
    ]
    if step is Step.AGENT:
        own.append({"name": "handover", "mountPath": HANDOVER})
    if step is Step.PUBLISH:
        own.append({"name": "handover", "mountPath": HANDOVER, "readOnly": True})
    return own
