"""The MCP servers that the values switch on: a file that our processes accept, with its credentials by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import load
from tests.chart.rendering import ChartRefused, one, pods, render
from worker.mcp_servers import read_servers

MAP = "ablehand-pod-template"
EVERYTHING = {
    "gitlab": {
        "command": "mcp-gitlab",
        "env": {
            "GITLAB_API_URL": "https://gitlab.example.com:8443/gitlab/api/v4",
            "GITLAB_PERSONAL_ACCESS_TOKEN": "${MCP_GITLAB_TOKEN}",
            "GITLAB_PERMISSION_MODE": "readonly",
            "GITLAB_DISABLE_VERSION_CHECK": "true",
        },
    },
    "jira": {
        "command": "mcp-atlassian",
        "env": {
            "JIRA_URL": "https://jira.example.com",
            "JIRA_USERNAME": "bot@example.com",
            "JIRA_API_TOKEN": "${MCP_JIRA_TOKEN}",
            "READ_ONLY_MODE": "true",
        },
    },
    "coda": {"command": "mcp-coda", "env": {"CODA_API_TOKEN": "${MCP_CODA_TOKEN}", "CODA_READ_ONLY": "false"}},
    "docs": {"url": "https://docs.example.com/mcp", "headers": {"Authorization": "Bearer ${DOCS_TOKEN}"}},
}
REFERENCES = {
    "MCP_GITLAB_TOKEN": ("mcp-gitlab", "token"),
    "MCP_JIRA_TOKEN": ("mcp-jira", "token"),
    "MCP_CODA_TOKEN": ("mcp-coda", "token"),
    "DOCS_TOKEN": ("mcp-docs", "DOCS_TOKEN"),
}


def file_of(*changes: str, values: str = "everything") -> dict[str, Any]:
    """Give the file of servers."""
    text = one(render(values, *changes), "ConfigMap", MAP)["data"]["mcp-servers.yaml"]
    return dict(yaml.safe_load(text)["mcpServers"])


def test_the_servers_are_as_the_worker_reads_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every reference is a variable that the process has been given."""
    path = tmp_path / "servers.yaml"
    path.write_text(one(render("everything"), "ConfigMap", MAP)["data"]["mcp-servers.yaml"])
    settings = one(render("everything"), "ConfigMap", "ablehand-settings")["data"]
    for name in REFERENCES:
        monkeypatch.setenv(name, "invented")

    loaded = load(mcp_servers=path, mcp_variables=settings["ABLEHAND_MCP_VARIABLES"])

    assert read_servers(loaded) == EVERYTHING
    assert settings["ABLEHAND_MCP_SERVERS"] == "/etc/ablehand/mcp-servers.yaml"
    assert settings["ABLEHAND_PROJECT_MCP"] == "true"


@pytest.mark.parametrize("component", ["worker", "reconciler", "bot"])
def test_their_credentials_are_the_workers_and_the_reconcilers(component: str) -> None:
    """One hands them on, the other keeps them out of logs; the bot has none."""
    (container,) = pods(render("everything"))[component]["spec"]["containers"]
    references = {
        variable["name"]: (reference["name"], reference["key"])
        for variable in container.get("env", [])
        if (reference := variable.get("valueFrom", {}).get("secretKeyRef"))
    }

    assert {name: references[name] for name in REFERENCES if name in references} == (
        {} if component == "bot" else REFERENCES
    )


def test_a_jira_of_ones_own_has_a_token_alone() -> None:
    """Data Center's tokens need no user."""
    assert file_of('mcp.jira.username=""')["jira"]["env"] == {
        "JIRA_URL": "https://jira.example.com",
        "JIRA_PERSONAL_TOKEN": "${MCP_JIRA_TOKEN}",
        "READ_ONLY_MODE": "true",
    }


def test_a_server_of_the_operators_takes_the_place_of_ours() -> None:
    """Field by field, under the same name."""
    changed = file_of('mcp.servers={"gitlab":{"command":"/opt/my-gitlab"}}')["gitlab"]

    assert (changed["command"], changed["env"]) == ("/opt/my-gitlab", EVERYTHING["gitlab"]["env"])


def test_nothing_is_there_by_default() -> None:
    """No file, no variable, no project's servers."""
    manifests = render()
    settings = one(manifests, "ConfigMap", "ablehand-settings")["data"]

    assert set(one(manifests, "ConfigMap", MAP)["data"]) == {"pod-template.yaml"}
    assert "ABLEHAND_MCP_SERVERS" not in settings
    assert (settings["ABLEHAND_MCP_VARIABLES"], settings["ABLEHAND_PROJECT_MCP"]) == ("", "false")
    assert "MCP_" not in json.dumps(pods(manifests))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["mcp.gitlab.enabled=true"], "Set mcp.gitlab.existingSecret"),
        (["mcp.coda.enabled=true"], "Set mcp.coda.existingSecret"),
        (["mcp.jira.enabled=true", 'mcp.jira.existingSecret="x"'], "Set mcp.jira.url"),
        (['mcp.variables.names=["A"]'], "Set mcp.variables.existingSecret"),
        (
            ['mcp.variables={"names":["A"],"existingSecret":"x"}', 'agents.variables.values={"A":"b"}'],
            "A is a variable of the agent and of the MCP servers",
        ),
        (['mcp.servers={"a b":{"command":"x"}}'], "a b"),
        (['mcp.servers={"a":{"comand":"x"}}'], "comand"),
    ],
)
def test_what_can_not_work_is_refused(changes: list[str], sentence: str) -> None:
    """By the chart, before anything is installed."""
    with pytest.raises(ChartRefused, match=sentence):
        render("minimal", *changes)
