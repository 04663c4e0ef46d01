"""The checker of Pod Security sees what it should, and nothing of ours is seen by it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.pod_security import shortcomings, violations
from tests.chart.rendering import VALUE_SETS, pods, render

SECURITY: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD_SECURITY: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def pod(
    *, container: dict[str, Any] | None = None, security: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """Give a pod that keeps to everything, but for what is given."""
    return {
        "securityContext": POD_SECURITY | (security or {}),
        "containers": [{"name": "a", "securityContext": SECURITY | (container or {})}],
        **spec,
    }


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        pytest.param(pod(), [], id="good"),
        pytest.param(pod(hostNetwork=True), ["hostNetwork"], id="host-network"),
        pytest.param(pod(volumes=[{"name": "a", "hostPath": {"path": "/"}}]), ["volume hostPath"], id="host-path"),
        pytest.param(pod(container={"privileged": True}), ["privileged"], id="privileged"),
        pytest.param(pod(container={"allowPrivilegeEscalation": None}), ["privilege escalation"], id="escalation"),
        pytest.param(pod(container={"capabilities": {}}), ["capabilities kept"], id="capabilities"),
        pytest.param(
            pod(container={"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}), ["capabilities added"], id="added"
        ),
        pytest.param(pod(security={"runAsNonRoot": False}), ["may be root"], id="may-be-root"),
        pytest.param(pod(container={"runAsUser": 0}), ["is root"], id="root"),
        pytest.param(pod(security={"seccompProfile": {"type": "Unconfined"}}), ["no seccomp"], id="seccomp"),
        pytest.param(pod(security={"sysctls": [{"name": "a"}]}), ["sysctls"], id="sysctls"),
        pytest.param(
            pod(initContainers=[{"name": "b", "securityContext": SECURITY | {"privileged": True}}]),
            ["privileged"],
            id="init-container",
        ),
    ],
)
def test_a_violation_is_seen(spec: dict[str, Any], found: list[str]) -> None:
    """Each control of the standard is looked at."""
    assert violations(spec) == found


def test_a_shortcoming_is_seen() -> None:
    """What we want beyond the standard is looked at."""
    bare = {"containers": [{"name": "a"}]}

    assert shortcomings(bare) == [
        "service links", "token not decided", "writable root", "no limit of memory", "no limit of ephemeral-storage",
        "no startupProbe", "no livenessProbe",
    ]  # fmt: skip


@pytest.mark.parametrize("values", VALUE_SETS)
def test_all_of_ours_is_restricted(values: str) -> None:
    """Every pod of the release runs under "restricted", with a read-only root and limits."""
    templates = pods(render(values))

    assert set(templates) >= {"bot", "worker", "reconciler"}
    found = {
        name: violations(template["spec"]) + shortcomings(template["spec"]) for name, template in templates.items()
    }
    assert found == {name: [] for name in templates}


def test_only_those_who_need_the_cluster_get_its_token() -> None:
    """The bot and Redis have no way to the API server."""
    tokens = {name: template["spec"]["automountServiceAccountToken"] for name, template in pods(render()).items()}

    assert tokens == {"bot": False, "redis": False, "worker": True, "reconciler": True}
