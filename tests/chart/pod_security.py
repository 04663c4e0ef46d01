"""Pod Security "restricted", control by control, and what we want beyond it. Written from the standard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

VOLUMES: Final = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
SECCOMP: Final = frozenset({"RuntimeDefault", "Localhost"})


def violations(pod: dict[str, Any]) -> list[str]:
    """List what a pod's spec has against "restricted", one word or two for each."""
    security = pod.get("securityContext", {})
    containers = [*pod.get("initContainers", []), *pod.get("containers", []), *pod.get("ephemeralContainers", [])]
    found = [name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    found += [f"volume {kind}" for kind in _volume_kinds(pod) if kind not in VOLUMES]
    found += ["sysctls"] if security.get("sysctls") else []
    return found + [problem for container in containers for problem in _of_container(container, security)]


def shortcomings(pod: dict[str, Any]) -> list[str]:
    """List what a pod of ours has against our own rules, which go beyond the standard."""
    found = [] if pod.get("enableServiceLinks") is False else ["service links"]
    found += [] if "automountServiceAccountToken" in pod else ["token not decided"]
    for container in pod["containers"]:
        limits = container.get("resources", {}).get("limits", {})
        found += [] if container.get("securityContext", {}).get("readOnlyRootFilesystem") else ["writable root"]
        found += [f"no limit of {name}" for name in ("memory", "ephemeral-storage") if name not in limits]
        found += [f"no {probe}" for probe in ("startupProbe", "livenessProbe") if probe not in container]
    return found


def _volume_kinds(pod: dict[str, Any]) -> Iterator[str]:
    for volume in pod.get("volumes", []):
        yield from (key for key in volume if key != "name")


def _of_container(container: dict[str, Any], of_pod: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = of_pod | own
    capabilities = own.get("capabilities", {})
    rules = {
        "privileged": not own.get("privileged"),
        "privilege escalation": own.get("allowPrivilegeEscalation") is False,
        "capabilities kept": "ALL" in capabilities.get("drop", []),
        "capabilities added": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
        "may be root": both.get("runAsNonRoot") is True,
        "is root": both.get("runAsUser", 1) != 0,
        "no seccomp": both.get("seccompProfile", {}).get("type") in SECCOMP,
        "proc mount": own.get("procMount", "Default") == "Default",
        "host port": not any(port.get("hostPort") for port in container.get("ports", [])),
    }
    return (rule for rule, is_kept in rules.items() if not is_kept)
