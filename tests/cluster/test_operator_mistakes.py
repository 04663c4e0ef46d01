"""What an operator may have got wrong on the cluster: each task, and ``ablehand doctor``, says it in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster.cluster import Object
from tests.cluster.gitlab import GitLab
from tests.cluster.installation import Installation, Values

NOWHERE = {"repository": "registry.invalid/nothing", "tag": "none", "pullPolicy": "IfNotPresent"}


@contextmanager
def applied(installation: Installation, kind: str, spec: dict[str, Any]) -> Iterator[None]:
    """Have a further object in the agents' namespace for a while."""
    metadata = {"name": "mistake", "namespace": installation.agents}
    mistake: Object = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
    installation.cluster.apply(mistake)
    try:
        yield
    finally:
        installation.cluster.delete(kind, installation.agents, "mistake")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"runtimeImage": NOWHERE}, "can't be pulled", id="image"),
        pytest.param({"agents": {"nodeSelector": {"no-such": "node"}}}, "No node of the cluster", id="node-selector"),
    ],
)
def test_wrong_values_are_told(installation: Installation, gitlab: GitLab, changes: Values, sentence: str) -> None:
    """A run that can't begin fails with its reason when it has waited long enough, and nothing is left of it."""
    changes = {**changes, "settings": {"start_timeout_seconds": 15}}
    with installation.changed(changes):
        issue = gitlab.ask("Do it DO edit=never.txt")
        closing = gitlab.wait_for_closing(issue)
        installation.wait_until_idle()

    assert sentence in closing
    assert gitlab.merge_requests(issue) == []


@pytest.mark.parametrize(
    ("kind", "spec", "sentence"),
    [
        pytest.param("ResourceQuota", {"hard": {"pods": "0"}}, "quota", id="no-pods"),
        pytest.param("ResourceQuota", {"hard": {"count/jobs.batch": "0"}}, "quota", id="no-jobs"),
        pytest.param(
            "LimitRange", {"limits": [{"type": "Container", "max": {"memory": "16Mi"}}]}, "A rule", id="limit-range"
        ),
    ],
)
def test_limits_of_the_namespace_are_told(
    installation: Installation, gitlab: GitLab, kind: str, spec: dict[str, Any], sentence: str
) -> None:
    """A quota of zero and a limit below what a run needs have their sentence, and nothing is left."""
    with applied(installation, kind, spec):
        issue = gitlab.ask("Do it DO edit=never.txt")
        closing = gitlab.wait_for_closing(issue)
        installation.wait_until_idle()

    assert sentence in closing
    assert gitlab.merge_requests(issue) == []


@pytest.mark.parametrize("room", ["worker", "reconciler"])
def test_the_doctor_finds_a_healthy_installation(installation: Installation, room: str) -> None:
    """Nothing to mend, as the worker or as the reconciler, which the doctor asks to be run as too."""
    said = installation.doctor(room=room)

    assert "✗" not in said
    assert "✓" in said


def test_the_doctor_names_a_missing_namespace(installation: Installation) -> None:
    """One sentence, with its name."""
    said = installation.doctor("ABLEHAND_NAMESPACE=there-is-none")

    assert "✗" in said
    assert "there-is-none" in said


def test_missing_rights_are_told(installation: Installation, gitlab: GitLab) -> None:
    """Without its RoleBinding the worker launches nothing: the comment says so, the doctor names verb and resource."""
    binding = installation.cluster.get("rolebindings", installation.agents)
    [kept] = [item for item in binding if item["metadata"]["name"] == "ablehand-worker"]
    installation.cluster.delete("rolebinding", installation.agents, "ablehand-worker")
    try:
        said = installation.doctor()
        closing = gitlab.wait_for_closing(gitlab.ask("Do it DO edit=never.txt"))
    finally:
        wanted = {name: kept["metadata"][name] for name in ("name", "namespace", "labels", "annotations")}
        installation.cluster.apply({**kept, "metadata": wanted})

    assert "may not start runs on its cluster" in closing
    assert "create jobs" in said
