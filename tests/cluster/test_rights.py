"""What each ServiceAccount may do, as the API server says: the expected list, and not a verb more."""

from __future__ import annotations

import json

import pytest

from tests.cluster.cluster import Cluster, CommandFailed
from tests.cluster.installation import Installation

WORKER = {"jobs.batch": "create delete get patch", "secrets": "create delete"}
RECONCILER = {
    "jobs.batch": "delete get list watch",
    "pods": "get list watch",
    "pods/log": "get",
    "events": "list",
}
EVERYBODY = frozenset({"selfsubjectaccessreviews", "selfsubjectreviews", "selfsubjectrulesreviews"})
"""What every account of a cluster may create, to ask about itself."""


def rights(cluster: Cluster, account: str, namespace: str) -> dict[str, str]:
    """Give an account's verbs by resource, as a review of its own rules has them."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    # kubectl would look the kind up first, which the account may not.
    arguments = ("create", "--as", account, "--validate=false", "--output", "json", "-f", "-")
    answer = json.loads(cluster.kubectl(*arguments, stdin=json.dumps(review)))
    found: dict[str, set[str]] = {}
    for rule in answer["status"]["resourceRules"]:
        for group in rule.get("apiGroups") or [""]:
            for resource in rule.get("resources") or []:
                if resource not in EVERYBODY:
                    found.setdefault(f"{resource}.{group}" if group else resource, set()).update(rule["verbs"])
    return {resource: " ".join(sorted(verbs)) for resource, verbs in sorted(found.items())}


def account(namespace: str, name: str) -> str:
    """Give a ServiceAccount's user name."""
    return f"system:serviceaccount:{namespace}:{name}"


@pytest.mark.parametrize(
    ("room", "expected"),
    [("bot", {}), ("redis", {}), ("worker", WORKER), ("reconciler", RECONCILER)],
    ids=["bot", "redis", "worker", "reconciler"],
)
def test_an_account_may_do_its_work_with_runs_and_no_more(
    installation: Installation, room: str, expected: dict[str, str]
) -> None:
    """In the agents' namespace exactly this, in its own and elsewhere nothing."""
    name = account(installation.namespace, f"ablehand-{room}")

    assert rights(installation.cluster, name, installation.agents) == expected
    assert rights(installation.cluster, name, installation.namespace) == {}
    assert rights(installation.cluster, name, "kube-system") == {}


@pytest.mark.parametrize("name", ["ablehand-run", "default"])
def test_agents_accounts_may_do_nothing(installation: Installation, name: str) -> None:
    """Neither the account of the agents' pods nor the namespace's own has a right."""
    assert rights(installation.cluster, account(installation.agents, name), installation.agents) == {}


@pytest.mark.parametrize(
    "question",
    [
        "list secrets",
        "get secrets",
        "create pods",
        "create pods/exec",
        "list nodes",
        "create rolebindings",
        "get configmaps",
    ],
)
@pytest.mark.parametrize("room", ["bot", "worker", "reconciler"])
def test_what_an_attacker_would_want_is_refused(installation: Installation, room: str, question: str) -> None:
    """``kubectl auth can-i`` says no."""
    verb, resource = question.split()
    name = account(installation.namespace, f"ablehand-{room}")
    arguments = ("auth", "can-i", verb, resource, "--as", name, "--namespace", installation.agents)

    with pytest.raises(CommandFailed, match="no"):
        installation.cluster.kubectl(*arguments)
