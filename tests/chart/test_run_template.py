"""The pod template that the chart makes is one that the executor takes, and says what the values say."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from core.settings import Settings
from runtime.contract import Step
from tests.chart.rendering import VALUE_SETS, containers, one, pods, render
from worker.executors.kubernetes.container_rules import merged_resources
from worker.executors.kubernetes.layout import RESOURCES
from worker.executors.kubernetes.template import PodTemplate, parse_template

AUTHORITIES = "/etc/ablehand-ca/ca.crt"


def text(values: str, *changes: str) -> str:
    """Give the template as it is mounted."""
    data: dict[str, str] = one(render(values, *changes), "ConfigMap", "ablehand-pod-template")["data"]
    return data["pod-template.yaml"]


def template(values: str, *changes: str) -> PodTemplate:
    """Give the template as the executor reads it."""
    return parse_template(text(values, *changes), Settings.model_fields["agent_variables"].default)


@pytest.mark.parametrize("values", VALUE_SETS)
def test_the_executor_takes_it(values: str) -> None:
    """Whatever the values are, our own template breaks none of the executor's rules."""
    assert template(values).pod["serviceAccountName"] == "ablehand-run"


def test_nothing_wished_for_changes_nothing() -> None:
    """The resources in the values are the executor's own, so that people see what they change."""
    found = template("minimal")

    assert found.pod == {"serviceAccountName": "ablehand-run"}
    assert (found.volumes, found.tolerations, found.sizes) == ((), (), {})
    for step in Step:
        assert merged_resources(step, found.containers[step]["resources"]) == RESOURCES[step]
        assert set(found.containers[step]) == {"name", "resources", "imagePullPolicy"}


def test_wishes_arrive() -> None:
    """Where runs go and what they get, from the values and from the free template, which wins."""
    found = template("everything")

    assert found.labels == {"cost-center": "42"}
    assert found.pod == {
        "serviceAccountName": "ablehand-run",
        "nodeSelector": {"pool": "agents"},
        "runtimeClassName": "gvisor",
        "priorityClassName": "agents",
        "imagePullSecrets": [{"name": "registry"}],
        "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["gitlab.example.com"]}],
        "dnsPolicy": "ClusterFirst",
    }
    assert [toleration["key"] for toleration in found.tolerations] == ["pool", "spot"]
    assert [volume["name"] for volume in found.volumes] == ["ca", "cache"]
    assert found.containers[Step.AGENT]["resources"]["limits"] == {
        "cpu": "4",
        "memory": "12Gi",
        "ephemeral-storage": "20Gi",
    }
    assert [mount["name"] for mount in found.containers[Step.AGENT]["volumeMounts"]] == ["ca", "cache"]


def test_every_step_trusts_the_authorities() -> None:
    """Git takes them alone, Node.js beside the public ones; proxies come by the same way."""
    for step in Step:
        variables = {item["name"]: item["value"] for item in template("everything").containers[step]["env"]}

        assert variables | {"GOFLAGS": ""} == {
            "HTTPS_PROXY": "http://proxy.example.com:3128",
            "GIT_SSL_CAINFO": AUTHORITIES,
            "NODE_EXTRA_CA_CERTS": AUTHORITIES,
            "GOFLAGS": "",
        }


@pytest.mark.parametrize(
    ("values", "ours", "theirs"),
    [
        ("everything", "ablehand-ca", "ablehand-ca"),
        ("existing-secrets", "company-ca", "company-ca"),
    ],
)
def test_authorities_come_from_their_own_namespace(values: str, ours: str, theirs: str) -> None:
    """Our pods and the agents' mount a map, or a Secret, of the namespace that each is in."""
    (volume,) = [item for item in pods(render(values))["worker"]["spec"]["volumes"] if item["name"] == "ca"]
    (of_agents,) = [item for item in template(values).volumes if item["name"] == "ca"]
    source: dict[str, Any] = volume.get("configMap") or volume["secret"]

    assert ours in source.values()
    assert of_agents["configMap"]["name"] == theirs
    variables = {item["name"]: item.get("value") for item in containers(pods(render(values))["bot"])[0]["env"]}
    assert variables["SSL_CERT_FILE"] == variables["REQUESTS_CA_BUNDLE"] == AUTHORITIES


def test_the_free_template_is_read_by_the_executor() -> None:
    """What it may not say is still in it, so that the worker refuses it with the reason."""
    wished = yaml.safe_load(text("minimal", "agents.podTemplate.spec.hostNetwork=true"))

    assert wished["spec"]["hostNetwork"] is True
