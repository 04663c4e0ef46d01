"""The Roles give exactly the rights that the code says it uses, in the agents' namespace alone."""

from __future__ import annotations

from itertools import product

import pytest

from tests.chart.rendering import NAMESPACE, VALUE_SETS, Manifest, named, render
from worker.executors.kubernetes.rights import RECONCILER, WORKER, Right


def granted(role: Manifest) -> set[Right]:
    """Take a Role's rules apart."""
    found = set()
    for rule in role["rules"]:
        for group, name, verb in product(rule["apiGroups"], rule["resources"], rule["verbs"]):
            resource, _, subresource = name.partition("/")
            found.add(Right(group, resource, subresource, verb))
    return found


@pytest.mark.parametrize(("component", "needed"), [("worker", WORKER), ("reconciler", RECONCILER)])
def test_a_role_is_what_the_code_needs(component: str, needed: frozenset[Right]) -> None:
    """Nothing is missing, and nothing is more than needed."""
    roles = named(render(), "Role")

    assert granted(roles[f"ablehand-{component}"]) == needed


def test_no_rule_is_a_wildcard() -> None:
    """What is granted is named."""
    rights = {right for role in named(render(), "Role").values() for right in granted(role)}

    assert {right for right in rights if "*" in "".join(right)} == set()


@pytest.mark.parametrize("values", [name for name in VALUE_SETS if name != "openshift"])
def test_rights_end_at_the_agents_namespace(values: str) -> None:
    """Roles and bindings lie there, each bound to the one service account of the release's namespace."""
    manifests = render(values)
    agents = named(manifests, "Namespace").popitem()[0]

    bindings = named(manifests, "RoleBinding")

    assert {item["metadata"]["namespace"] for item in [*named(manifests, "Role").values(), *bindings.values()]} == {
        agents
    }
    assert {name: binding["subjects"] for name, binding in bindings.items()} == {
        f"ablehand-{component}": [{"kind": "ServiceAccount", "name": f"ablehand-{component}", "namespace": NAMESPACE}]
        for component in ("worker", "reconciler")
    }
    assert {name: binding["roleRef"]["name"] for name, binding in bindings.items()} == {name: name for name in bindings}


def test_somebody_else_may_make_the_roles() -> None:
    """An installer without that right leaves them to an administrator."""
    manifests = render("openshift")

    assert named(manifests, "Role") == named(manifests, "RoleBinding") == named(manifests, "Namespace") == {}


def test_an_agents_account_has_no_rights() -> None:
    """It is bound to nothing, and gives no token away."""
    manifests = render()
    account = named(manifests, "ServiceAccount")["ablehand-run"]
    bound = {subject["name"] for item in named(manifests, "RoleBinding").values() for subject in item["subjects"]}

    assert account["automountServiceAccountToken"] is False
    assert "ablehand-run" not in bound
