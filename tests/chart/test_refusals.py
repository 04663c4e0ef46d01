"""Wrong values are refused before anything is installed, with words that name the value and never show a secret."""

from __future__ import annotations

import pytest

from tests.chart.rendering import CHART, NAMESPACE, RELEASE, ChartRefused, render, run

CANARY = "canary-c4n4ry"


def refusal(values: str, *changes: str) -> str:
    """Give what helm says to a set of values that it refuses."""
    with pytest.raises(ChartRefused) as refused:
        render(values, *changes)
    return str(refused.value)


def test_what_is_missing_is_said_at_once() -> None:
    """Without values, all five are asked for in one answer."""
    with pytest.raises(ChartRefused) as refused:
        run("template", RELEASE, str(CHART))

    for name in ("publicUrl", "gitlab.url", "gitlab.token", "webhook.signingToken", "model.apiKey"):
        assert f"- Set {name}" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        pytest.param('publicUrl=""', "Set publicUrl: where people and GitLab reach the bot", id="no-address"),
        pytest.param('gitlab.url=""', "Set gitlab.url: the base URL of your GitLab.", id="no-gitlab"),
        pytest.param('gitlab.token=""', "or gitlab.existingSecret.", id="no-token"),
        pytest.param('webhook.signingToken=""', "or webhook.existingSecret.", id="no-webhook-key"),
        pytest.param('signIn.clientSecret="x"', "Set signIn.clientId: the application on GitLab", id="no-application"),
        pytest.param('signIn.clientId="x"', "or signIn.existingSecret.", id="no-application-secret"),
        pytest.param('signIn.sessionSecret="short"', "at '/signIn/sessionSecret'", id="session-secret"),
        pytest.param('logs.archive.url="s3://key:secret@bucket"', "at '/logs/archive/url'", id="archive-credentials"),
        pytest.param('model.apiKey=""', "or model.existingSecret.", id="no-model-key"),
        pytest.param('agents.agent="command"', "Set agents.command", id="no-command"),
        pytest.param('agents.agent="codex"', "Set agents.variables.values.OPENAI_API_KEY", id="no-key-for-codex"),
        pytest.param('agents.agent="gemini"', "Set agents.variables.values.GEMINI_API_KEY", id="no-key-for-gemini"),
        pytest.param("redis.bundled=false", "Set redis.external.url", id="no-redis"),
        pytest.param('redis.external.url="redis://r"', "set redis.bundled=false as well", id="two-redis"),
        pytest.param('agents.variables.names=["A"]', "Set agents.variables.existingSecret", id="names-of-no-secret"),
        pytest.param('ca.existingSecret="ca"', "set ca.agentsConfigMap", id="authorities-for-agents"),
        pytest.param(f'agents.namespace="{NAMESPACE}"', "must not be the release's namespace", id="namespace"),
        pytest.param('publicUrl="https://a.example/b"', "publicUrl has a path", id="path"),
        pytest.param('gitlab.url="https://a.example?b"', "gitlab.url must be a URL without", id="query"),
        pytest.param(
            'agents.podTemplate.spec.containers=[{"name":"mine"}]', "there is no container mine", id="container"
        ),
        pytest.param('gitlab.url="gitlab.example"', "at '/gitlab/url': 'gitlab.example' does not match", id="url"),
        pytest.param('publicUrl="ftp://a"', "at '/publicUrl'", id="scheme"),
        pytest.param('bot.replicas="two"', "at '/bot/replicas': got string, want integer", id="type"),
        pytest.param("worker.replicas=0", "at '/worker/replicas': minimum: got 0, want 1", id="minimum"),
        pytest.param('agents.agent="cluade"', "at '/agents/agent': value must be one of 'claude'", id="word"),
        pytest.param("agents.maxRun=3", "at '/agents': additional properties 'maxRun' not allowed", id="unknown"),
        pytest.param("settings.max_runs=3", "at '/settings': additional properties 'max_runs'", id="has-its-own-value"),
        pytest.param('settings.log_lines="many"', "at '/settings/log_lines': got string, want integer", id="setting"),
        pytest.param('image.pullPolicy="always"', "at '/image/pullPolicy': value must be one of 'Always'", id="policy"),
        pytest.param('image.digest="abc"', "at '/image/digest'", id="digest"),
        pytest.param('redis.persistence.size="big"', "at '/redis/persistence/size'", id="quantity"),
        pytest.param('agents.resources.agent.limits.memory="8 GB"', "at '/agents/resources/agent/limits", id="memory"),
        pytest.param('redis.maxmemory="512Mi"', "at '/redis/maxmemory'", id="maxmemory"),
        pytest.param('agents.networkPolicy.blockedCidrs=["10.0.0.1"]', "at '/agents/networkPolicy/block", id="cidr"),
        pytest.param('agents.variables.values={"ABLEHAND_X":"1"}', "invalid propertyName 'ABLEHAND_X'", id="ours"),
        pytest.param('podLabels={"app.kubernetes.io/name":"x"}', "podLabels must not have", id="selector-label"),
        pytest.param("podSecurity.runAsUser=0", "at '/podSecurity/runAsUser': minimum: got 0, want 1", id="root"),
        pytest.param('ca.certificate="x"', "at '/ca/certificate'", id="certificate"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused(change: str, answer: str) -> None:
    """The answer names the value and says what is wrong with it."""
    assert answer in refusal("minimal", change)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        pytest.param(f'gitlab.url="https://me:{CANARY}@a.example"', "without credentials", id="credentials"),
        pytest.param(f'webhook.signingToken="{CANARY}"', "must begin with whsec_", id="signing-token"),
        pytest.param(f'webhook.signingToken="whsec_a,{CANARY}"', "must begin with whsec_", id="second-token"),
        pytest.param(f'redis.auth.password="{CANARY}"', "must be 16 or more letters", id="short-password"),
        pytest.param(f'redis.auth.password="{CANARY}/{CANARY}"', "must be 16 or more letters", id="password"),
        pytest.param(f'gitlab.token=["{CANARY}"]', "at '/gitlab/token': got array, want string", id="type"),
    ],
)
def test_a_refusal_shows_no_secret(change: str, answer: str) -> None:
    """What was wrong is said without the value."""
    said = refusal("minimal", change)

    assert answer in said
    assert CANARY not in said


@pytest.mark.parametrize("url", ["http://redis.example", "redis+sentinel://a:26379", "redis.example:6379"])
def test_an_address_that_is_none_of_redis(url: str) -> None:
    """An external Redis's address is checked, and not shown: it holds a password."""
    said = refusal("sentinel", f'redis.external.url="{url}"')

    assert "redis.external.url must begin with redis://" in said
    assert url not in said


def test_kinds_that_the_cluster_lacks_are_named() -> None:
    """With the values that want them; a cluster that was not asked, or that has them, is no reason to refuse."""
    told, kinds = "apps/v1/Deployment", ("ServiceMonitor", "PrometheusRule")
    theirs = ",".join(f"monitoring.coreos.com/v1/{kind}" for kind in kinds)

    with pytest.raises(ChartRefused) as refused:
        render("everything", kinds=told)

    for value, kind in zip(("serviceMonitor.enabled", "metrics.alerts.enabled"), kinds, strict=True):
        assert f"- {value}: this cluster has no {kind}" in str(refused.value)
    assert render("minimal", kinds=told)
    assert {item["kind"] for item in render("everything", kinds=f"{told},{theirs}")} >= set(kinds)
    assert {item["kind"] for item in render("everything")} >= set(kinds)
