"""Prometheus finds the metrics, people do not; dashboard and alerts speak of what there really is."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from bot.metrics_families import families
from core.measure import Measured
from tests.chart.rendering import NAMESPACE, Manifest, named, one, pods, render
from tests.repository import ROOT

SERVICE = "ablehand-bot-metrics"
PANELS = json.loads(named(render("everything"), "ConfigMap")["ablehand-dashboard"]["data"]["ablehand.json"])["panels"]
RULES = named(render("everything"), "PrometheusRule")["ablehand"]["spec"]["groups"][0]["rules"]
OF_PROMETHEUS = frozenset({"le", "job", "namespace", "service"})


@pytest.fixture(scope="module")
def told() -> dict[str, set[str]]:
    """Give the names of all samples that a scrape may hold, each with its labels."""
    names = ("stored", "queue_age", "overdue", "lag", "untold", "untold_age", "leaders", "terms")
    measured = Measured(
        now={"phases": {}, **dict.fromkeys(names, 1)},
        counts={"ended failed timeout": "1"},
        costs={"5": "1.5"},
        paths={},
        turns={"sweep": "1.0"},
        disabled_hooks=0,
        jobs_waiting=0,
        jobs_failed=0,
        workers=0,
    )
    found: dict[str, set[str]] = {}
    for sample in [sample for family in families(measured) for sample in family.samples]:
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def asked() -> list[str]:
    """List every expression of the dashboard and of the alerts."""
    targets = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]
    return [*targets, *(str(rule["expr"]) for rule in RULES)]


@pytest.mark.parametrize("expression", asked())
def test_every_metric_that_is_asked_for_is_told(expression: str, told: dict[str, set[str]]) -> None:
    """By its name, and with the labels that the expression selects and groups by."""
    selectors = re.findall(r"(ablehand_\w+)\s*\{([^}]*)\}", expression)
    groups = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}

    assert selectors
    assert len(selectors) == len(re.findall(r"ablehand_", expression.replace("ablehand-bot", "")))
    for name, selector in selectors:
        labels = set(re.findall(r"(\w+)=", selector.replace("=~", "="))) | groups
        assert labels - OF_PROMETHEUS <= told[name]


def test_every_metric_is_shown(told: dict[str, set[str]]) -> None:
    """None is told for nobody, but for a few that only make sense beside a shown one."""
    shown = {name for expression in asked() for name in re.findall(r"ablehand_\w+", expression)}

    unseen = {name for name in told if not re.search(r"_(count|sum|created)$", name)} - shown
    assert unseen == {"ablehand_tasks_stored", "ablehand_reconciler_terms_total"}


def test_the_page_of_operations_names_all_of_it(told: dict[str, set[str]]) -> None:
    """Every metric with its labels, and every alert, and none that is not there."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("## Metrics")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) ?\|$", page, re.MULTILINE)
    metrics = {name: set(re.findall(r"\w+", labels)) for name, labels in rows if name.startswith("ablehand_")}

    families_told = {re.sub(r"_(bucket|count|sum|created)$", "", name): labels for name, labels in told.items()}
    assert metrics == {name: told.get(f"{name}_bucket", labels) for name, labels in families_told.items()}
    assert set(re.findall(r"^\| `(Ablehand\w+)`", page, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_no_panel_hides_another() -> None:
    """Each has an id and a place of its own, within the page's width."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for one_panel, other in combinations((panel["gridPos"] for panel in PANELS), 2):
        assert not overlap(one_panel, other)


def overlap(one_place: dict[str, int], other: dict[str, int]) -> bool:
    """Tell whether two places on the dashboard's grid have a cell in common."""
    return all(
        one_place[start] < other[start] + other[size] and other[start] < one_place[start] + one_place[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def test_an_alert_is_of_this_release_and_says_what_to_do() -> None:
    """Another installation's trouble is none of it."""
    for rule in RULES:
        selectors = re.findall(r"\{([^}]*)\}", rule["expr"])
        assert all(f'namespace="{NAMESPACE}", service="{SERVICE}"' in selector for selector in selectors)
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_prometheus_finds_the_metrics_by_their_own_service() -> None:
    """Inside of the cluster alone, whatever the type of the other one; the pods have the port."""
    manifests = render("everything")
    service, monitor = named(manifests, "Service")[SERVICE], named(manifests, "ServiceMonitor")["ablehand-bot"]

    assert service["spec"].get("type", "ClusterIP") == "ClusterIP"
    assert named(manifests, "Service")["ablehand-bot"]["spec"]["type"] == "LoadBalancer"
    selected = monitor["spec"]["selector"]["matchLabels"]
    assert [name for name, it in named(manifests, "Service").items() if selected.items() <= labels(it).items()] == [
        SERVICE
    ]
    assert monitor["spec"]["endpoints"] == [{"port": "metrics", "path": "/metrics"}]
    pod = pods(manifests)["bot"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    assert {"name": "metrics", "containerPort": 9090} in container["ports"]
    assert {"name": "ABLEHAND_METRICS_PORT", "value": "9090"} in container["env"]


def test_no_ingress_leads_to_the_metrics() -> None:
    """People's way ends at people's port."""
    backends = [
        path["backend"]["service"]
        for rule in one(render("everything"), "Ingress", "ablehand-bot")["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]

    assert backends == [{"name": "ablehand-bot", "port": {"name": "http"}}]


def test_dashboard_and_alerts_are_there_for_who_wants_them() -> None:
    """Neither is made without a word; labels and annotations are for the sidecar and the operator."""
    plain, wanted = render("minimal"), named(render("everything"), "ConfigMap")["ablehand-dashboard"]

    assert "ablehand-dashboard" not in named(plain, "ConfigMap")
    assert named(plain, "PrometheusRule") == {}
    assert labels(wanted)["grafana_dashboard"] == "1"
    assert wanted["metadata"]["annotations"] == {"grafana_folder": "Tools"}
    assert labels(named(render("everything"), "PrometheusRule")["ablehand"])["release"] == "prometheus"


def labels(manifest: Manifest) -> dict[str, Any]:
    """Give an object's labels."""
    return dict(manifest["metadata"]["labels"])
