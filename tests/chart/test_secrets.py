"""Secrets lie in Secrets, and only there; whoever reads them starts again when they change."""

from __future__ import annotations

import json

import pytest

from tests.chart import deployment
from tests.chart.rendering import VALUE_SETS, Manifest, containers, named, one, pods, render


@pytest.mark.parametrize("values", VALUE_SETS)
def test_no_secret_lies_outside_of_a_secret(values: str) -> None:
    """Neither a ConfigMap nor a pod's environment, command or annotation holds one."""
    manifests = render(values)
    others = json.dumps([manifest for manifest in manifests if manifest["kind"] != "Secret"])

    assert {secret for secret in deployment.secrets(manifests) if secret in others} == set()


@pytest.mark.parametrize("values", VALUE_SETS)
def test_only_the_agents_variables_are_in_an_environment(values: str) -> None:
    """Everything else is read from files."""
    names = {
        (component, variable["name"])
        for component, template in pods(render(values)).items()
        for container in containers(template)
        for variable in container.get("env", [])
        if "valueFrom" in variable
    }

    assert {name for component, name in names if component in {"bot", "redis"}} == set()
    others = {"JIRA_API_TOKEN", "DOCS_TOKEN", "MCP_GITLAB_TOKEN", "MCP_JIRA_TOKEN", "MCP_CODA_TOKEN"}
    assert {name for _, name in names if not name.startswith("ANTHROPIC_")} <= others


def test_existing_secrets_are_used_and_none_is_made() -> None:
    """Where the values name Secrets, the release has none of its own."""
    manifests = render("existing-secrets")

    assert named(manifests, "Secret") == {}
    (volume,) = [item for item in pods(manifests)["bot"]["spec"]["volumes"] if item["name"] == "secrets"]
    assert [
        (source["secret"]["name"], source["secret"]["items"][0]["key"]) for source in volume["projected"]["sources"]
    ] == [
        ("ablehand", "webhook-signing-token"),
        ("ablehand", "webhook-secret"),
        ("ablehand", "oidc-client-secret"),
        ("ablehand", "session-secret"),
        ("ablehand", "redis-url"),
    ]


def test_an_empty_secret_is_left_out() -> None:
    """A key without a value would be read as a token."""
    assert set(one(render(), "Secret", "ablehand-gitlab")["data"]) == {"gitlab-token"}


def test_a_secrets_newline_is_not_part_of_it() -> None:
    """What `--set-file` reads ends with one."""
    manifests = render("minimal", 'gitlab.token="from-a-file\\n"')

    assert deployment.secret_files(manifests, "worker")["ablehand_gitlab_token"] == "from-a-file"


def test_a_password_is_made_up_for_redis() -> None:
    """A long one, the same in both keys."""
    files = deployment.secret_files(render(), "worker")
    password = files["ablehand_redis_url"].removeprefix("redis://:").partition("@")[0]

    assert len(password) == 32
    assert password in deployment.secrets(render())


def checksums(manifests: list[Manifest], component: str) -> dict[str, str]:
    """Give what makes a component's pods start again."""
    annotations = pods(manifests)[component]["metadata"]["annotations"]
    return {name: value for name, value in annotations.items() if name.startswith("checksum/")}


@pytest.mark.parametrize(
    ("change", "component", "changed"),
    [
        pytest.param('gitlab.token="another"', "worker", {"checksum/secrets"}, id="token"),
        pytest.param('webhook.signingToken="whsec_another"', "bot", {"checksum/secrets"}, id="webhook"),
        pytest.param(
            'signIn={"clientId": "x", "clientSecret": "y"}',
            "bot",
            {"checksum/secrets", "checksum/settings"},
            id="sign-in",
        ),
        pytest.param('model.apiKey="another"', "reconciler", {"checksum/secrets"}, id="model"),
        pytest.param('redis.auth.password="another-password-"', "bot", {"checksum/secrets"}, id="redis-clients"),
        pytest.param('redis.auth.password="another-password-"', "redis", {"checksum/secrets"}, id="redis"),
        pytest.param('redis.maxmemory="1gb"', "redis", {"checksum/settings"}, id="redis-memory"),
        pytest.param("agents.maxRuns=7", "worker", {"checksum/settings"}, id="setting"),
        pytest.param('settings.label_prefix="robot"', "bot", {"checksum/settings"}, id="further-setting"),
        pytest.param('agents.runtimeClassName="kata"', "worker", {"checksum/pod-template"}, id="template"),
        pytest.param(
            'agents.runtimeClassName="kata"', "reconciler", {"checksum/pod-template"}, id="template-reconciler"
        ),
        pytest.param('agents.runtimeClassName="kata"', "bot", set(), id="template-bot"),
        pytest.param('gitlab.token="another"', "redis", set(), id="token-redis"),
        pytest.param("bot.replicas=5", "bot", set(), id="replicas"),
    ],
)
def test_a_change_restarts_who_reads_it(change: str, component: str, changed: set[str]) -> None:
    """A process reads its settings and secrets once: its pods are made anew when they change, and only then."""
    before, after = checksums(render(), component), checksums(render("minimal", change), component)

    assert {name for name in before | after if before.get(name) != after.get(name)} == changed


def test_authorities_restart_too() -> None:
    """So do the certificates that GitLab's is checked with."""
    certificate = "-----BEGIN CERTIFICATE-----\nYW5vdGhlcg==\n-----END CERTIFICATE-----"
    before, after = render(), render("minimal", f"ca.certificate={json.dumps(certificate)}")

    assert checksums(before, "worker")["checksum/ca"] != checksums(after, "worker")["checksum/ca"]
