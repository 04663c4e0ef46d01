"""The values become the settings that our processes load, each with its own share of the secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from bot.doors import check_exposure
from core.agents import Agent
from core.connections import read_watch
from core.settings import PREFIX, Settings
from tests.chart import deployment
from tests.chart.rendering import CHART, VALUE_SETS, containers, named, pods, render

HOMES = {
    "gitlab_url": "gitlab.url",
    "gitlab_token": "gitlab.token",
    "git_read_token": "gitlab.readToken",
    "git_write_token": "gitlab.writeToken",
    "webhook_signing_token": "webhook.signingToken",
    "oidc_client_id": "signIn.clientId",
    "oidc_client_secret": "signIn.clientSecret",
    "session_secret": "signIn.sessionSecret",
    "pages_closed": "signIn.clientId",
    "webhook_secret": "webhook.secret",
    "redis_url": "redis",
    "public_url": "publicUrl",
    "host": "bot.listen",
    "port": "always 8080",
    "metrics_port": "always 9090",
    "executor": "always kubernetes",
    "namespace": "agents.namespace",
    "installation": "always namespace.release",
    "runtime_image": "runtimeImage",
    "allowed_images": "agents.allowedImages",
    "pod_template": "agents",
    "heartbeat_file": "always in /tmp",
    "state_dir": "of the process executor",
    "sandbox": "of the process executor",
    "sandbox_readable": "of the process executor",
    "agent": "agents.agent",
    "agent_command": "agents.command",
    "agent_variables": "model and agents.variables",
    "setup_cache_claim": "agents.setupCache.existingClaim",
    "mcp_servers": "mcp",
    "mcp_variables": "mcp",
    "project_mcp": "mcp.fromProjects",
    "model": "model.name",
    "budget_usd": "model.budgetUsd",
    "max_runs": "agents.maxRuns",
    "log_archive": "logs.archive.url",
    "log_days": "logs.days",
}
"""Settings that have a value of their own in the chart, and where; all others are keys of `settings`."""
NOT_SETTINGS = frozenset({"ABLEHAND_SECRETS_DIR"})


@pytest.fixture
def process_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Empty the environment of settings, and give secrets a folder."""
    for name in [f"{PREFIX}{field.upper()}" for field in Settings.model_fields]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ABLEHAND_SECRETS_DIR", str(tmp_path))
    return monkeypatch


def loaded(values: str, component: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Settings:
    """Give the settings of a component, loaded from what the chart gives it."""
    manifests = render(values)
    for name, value in deployment.environment(manifests, component).items():
        if name not in NOT_SETTINGS:
            monkeypatch.setenv(name, value)
    return deployment.settings(manifests, component, folder)


def test_every_setting_has_its_place() -> None:
    """A setting is a value of its own, or a key of `settings` that the schema knows; no key is unknown to the code."""
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))

    keys = set(schema["properties"]["settings"]["properties"])

    assert keys & set(HOMES) == set()
    assert keys | set(HOMES) == set(Settings.model_fields)


def test_every_agent_can_be_chosen() -> None:
    """The schema takes the agents that the code knows, and no other."""
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))

    assert schema["properties"]["agents"]["properties"]["agent"]["enum"] == list(get_args(Agent))


@pytest.mark.parametrize("values", VALUE_SETS)
def test_every_variable_is_a_setting(values: str) -> None:
    """No container gets a variable of ours that the code does not read."""
    manifests = render(values)
    known = {PREFIX + name.upper() for name in Settings.model_fields} | NOT_SETTINGS

    text = json.dumps([named(manifests, "ConfigMap"), pods(manifests)])

    assert set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", text)) <= known


def test_the_values_arrive(process_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the worker loads is what the values say, numbers and lists too."""
    settings = loaded("everything", "worker", process_environment, tmp_path)

    assert settings.gitlab_url == "https://gitlab.example.com:8443/gitlab"
    assert settings.public_url == "https://ablehand.example.com"
    assert settings.executor == "kubernetes"
    assert settings.namespace == "coding-agents"
    assert settings.runtime_image == "registry.example.com:5050/tools/ablehand/runtime@sha256:" + 4 * "0123456789abcdef"
    assert settings.allowed_images == ("registry.example.com:5050/agents/*", "registry.example.com:5050/go:*")
    assert (settings.model, settings.budget_usd, settings.max_runs) == ("claude-opus-4-8", 2.5, 200)
    assert (settings.output_limit_bytes, settings.sweep_seconds, settings.setup_required) == (50_000_000, 0.5, True)
    assert settings.protected_paths == (".gitlab-ci.yml", "deploy/**")
    assert (settings.log_archive, settings.log_days) == ("s3://logs/ablehand", 7)
    assert settings.pod_template == Path("/etc/ablehand/pod-template.yaml")
    assert settings.setup_cache_claim == "setup-cache"
    assert settings.heartbeat_file == Path("/tmp/heartbeat")  # noqa: S108 - the container's own


def test_the_worker_gets_its_secrets(process_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tokens, Redis's address and the agent's variables; the webhook's keys for `ablehand hook install`."""
    settings = loaded("everything", "worker", process_environment, tmp_path)

    assert settings.gitlab_token.get_secret_value() == "invented-gitlab-token"
    assert settings.git_read_token.get_secret_value() == "invented-read-token"
    assert settings.git_write_token.get_secret_value() == "invented-write-token"
    assert settings.redis_url.get_secret_value() == "redis://:invented-redis-password@ablehand-redis:6379/0"
    assert len(settings.active_webhook_keys("webhook_signing_token")) == 2
    assert {name: value.get_secret_value() for name, value in settings.agent_environment.items()} == {
        "ANTHROPIC_AUTH_TOKEN": "invented-model-token",
        "ANTHROPIC_BASE_URL": "http://gateway.models.svc:8000",
        "JIRA_API_TOKEN": "invented-jira-token",
    }


def test_the_bot_gets_only_what_it_needs(process_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The keys of webhook and sign-in, and Redis; no GitLab token, no model key."""
    settings = loaded("everything", "bot", process_environment, tmp_path)

    check_exposure(settings)
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)  # noqa: S104 - a pod's
    assert sorted(deployment.secret_files(render("everything"), "bot")) == [
        "ablehand_oidc_client_secret", "ablehand_redis_url", "ablehand_session_secret", "ablehand_webhook_secret",
        "ablehand_webhook_signing_token",
    ]  # fmt: skip
    assert settings.gitlab_token.get_secret_value() == ""
    assert settings.agent_environment == {}


def test_the_bot_starts_without_a_sign_in(process_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the five values its pages are closed, and it holds no secret for them."""
    settings = loaded("minimal", "bot", process_environment, tmp_path)

    check_exposure(settings)
    assert settings.pages_closed
    assert sorted(deployment.secret_files(render("minimal"), "bot")) == [
        "ablehand_redis_url", "ablehand_webhook_signing_token",
    ]  # fmt: skip


def test_the_reconciler_keeps_secrets_out_of_logs(process_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It knows everything that a run holds, so that it can take it out of the log; the webhook's keys it needs not."""
    settings = loaded("everything", "reconciler", process_environment, tmp_path)

    assert set(settings.secrets()) >= {
        "invented-gitlab-token", "invented-read-token", "invented-write-token", "invented-model-token",
        "invented-jira-token",
    }  # fmt: skip
    assert settings.active_webhook_keys("webhook_signing_token") == []


def test_an_agents_variable_is_asked_for_by_name(process_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With Secrets of the operator's, the names are known although the values are not."""
    settings = loaded("existing-secrets", "worker", process_environment, tmp_path)

    assert settings.agent_variables == (
        "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "JIRA_API_TOKEN",
    )  # fmt: skip


def test_sentinel_and_its_authorities(process_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The address of an external Redis is taken as it is, and told where the authorities lie."""
    settings = loaded("sentinel", "bot", process_environment, tmp_path)

    assert settings.redis_url.get_secret_value() == (
        "rediss+sentinel://:invented-redis-password@s1.example.com:26379,s2.example.com:26379/ablehand/0"
        "?ssl_ca_certs=/etc/ablehand-redis-ca/ca.crt"
    )
    watch = read_watch(settings.redis_url.get_secret_value())
    assert (watch.master, watch.options["ssl_ca_certs"]) == ("ablehand", "/etc/ablehand-redis-ca/ca.crt")
    mounts = {
        mount["name"]: mount["mountPath"] for mount in containers(pods(render("sentinel"))["bot"])[0]["volumeMounts"]
    }
    assert mounts["redis-ca"] == "/etc/ablehand-redis-ca"


def test_who_needs_the_archive_gets_its_credentials() -> None:
    """The bot reads it, the reconciler writes it; a worker has nothing to do with it."""
    manifests = pods(render("existing-secrets"))

    sources = {name: containers(manifests[name])[0]["envFrom"] for name in ("bot", "worker", "reconciler")}

    assert {name: {"secretRef": {"name": "archive"}} in found for name, found in sources.items()} == {
        "bot": True, "worker": False, "reconciler": True,
    }  # fmt: skip
