"""Who reaches whom: agents only what they need, nobody our Redis."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import NAMESPACE, Manifest, named, render

ANYWHERE = [
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}},
    {"ipBlock": {"cidr": "::/0", "except": ["fe80::/10", "fd00:ec2::254/128"]}},
]


def egress(values: str, *changes: str) -> list[dict[str, Any]]:
    """Give where agents may send to."""
    rules: list[dict[str, Any]] = policy(values, "ablehand-runs-egress", *changes)["spec"]["egress"]
    return rules


def policy(values: str, name: str, *changes: str) -> Manifest:
    """Give a policy by its name."""
    return named(render(values, *changes), "NetworkPolicy")[name]


def ports(rule: dict[str, Any]) -> list[int]:
    """Give a rule's ports."""
    return [port["port"] for port in rule["ports"]]


def test_agents_are_denied_everything_at_first() -> None:
    """Whatever pod runs in their namespace, in both directions."""
    deny = policy("minimal", "ablehand-runs-deny")

    assert deny["metadata"]["namespace"] == f"{NAMESPACE}-agents"
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_agents_reach_dns_gitlab_and_the_model() -> None:
    """Of these, the addresses are not known: any but those where a machine's own credentials are."""
    dns, gitlab, model = egress("minimal")

    assert dns["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
    assert [(port["protocol"], port["port"]) for port in dns["ports"]] == [("UDP", 53), ("TCP", 53)]
    assert (gitlab["to"], ports(gitlab)) == (ANYWHERE, [443])
    assert (model["to"], ports(model)) == (ANYWHERE, [443])


def test_only_runs_are_let_out() -> None:
    """By the labels that the executor gives them."""
    from worker.executors.kubernetes.labels import KIND

    assert policy("minimal", "ablehand-runs-egress")["spec"]["podSelector"] == {"matchLabels": KIND}


def test_destinations_can_be_narrowed() -> None:
    """Named destinations take the place of "anywhere", and further ones are added."""
    _, gitlab, model, further = egress("everything")

    assert (gitlab["to"], ports(gitlab)) == ([{"ipBlock": {"cidr": "10.1.2.3/32"}}], [8443])
    assert model["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "models"}}}]
    assert ports(model) == [8000]
    assert ports(further) == [3128]


@pytest.mark.parametrize(
    ("url", "port"),
    [
        pytest.param("https://gitlab.example.com", 443, id="https"),
        pytest.param("http://gitlab.example.com/sub", 80, id="http"),
        pytest.param("http://gitlab.example.com:8080/sub", 8080, id="port"),
        pytest.param("https://[2001:db8::7]:8443", 8443, id="ipv6"),
        pytest.param("https://[2001:db8::7]", 443, id="ipv6-without-port"),
    ],
)
def test_the_port_is_the_addresss(url: str, port: int) -> None:
    """GitLab's port is the one in its address."""
    assert ports(egress("minimal", f'gitlab.url="{url}"')[1]) == [port]


def test_a_port_can_be_named() -> None:
    """Inside the cluster it is the pod's, not the one in the address."""
    assert ports(egress("minimal", "agents.networkPolicy.gitlab.ports=[8181, 8443]")[1]) == [8181, 8443]


def test_the_api_server_is_kept_out() -> None:
    """Its addresses are taken out of "anywhere"."""
    _, gitlab, _ = egress("openshift")

    assert gitlab["to"][0]["ipBlock"]["except"] == ["169.254.0.0/16", "10.0.0.1/32"]


def test_nobody_but_ours_reaches_redis() -> None:
    """Bot, worker and reconciler of this release, on its port; it reaches nobody itself."""
    spec = policy("minimal", "ablehand-redis")["spec"]

    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["egress"] == []
    ((peer,),) = [rule["from"] for rule in spec["ingress"]]
    assert set(peer) == {"podSelector"}
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "ablehand"
    assert peer["podSelector"]["matchExpressions"] == [
        {"key": "app.kubernetes.io/component", "operator": "In", "values": ["bot", "worker", "reconciler"]}
    ]


def test_nobody_reaches_worker_and_reconciler() -> None:
    """They serve nothing; the bot serves one port to all, and its metrics to the cluster's pods."""
    rules = {name: policy("minimal", f"ablehand-{name}")["spec"]["ingress"] for name in ("worker", "reconciler", "bot")}

    within = {"ports": [{"port": "metrics"}], "from": [{"namespaceSelector": {}}]}
    assert rules == {"worker": [], "reconciler": [], "bot": [{"ports": [{"port": "http"}]}, within]}


def test_who_may_see_the_metrics_can_be_narrowed() -> None:
    """To the namespace of who scrapes, say."""
    _, metrics = policy("everything", "ablehand-bot")["spec"]["ingress"]

    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert metrics == {"ports": [{"port": "metrics"}], "from": [monitoring]}


def test_policies_can_be_left_to_others() -> None:
    """Where something else does the job, there are none."""
    assert named(render("trial"), "NetworkPolicy") == {}
