"""Settings: read once, checked, documented, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from core.errors import SettingsError
from core.settings import Settings, load


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a developer's own settings out of the tests."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ABLEHAND_{name.upper()}", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables are typed; lists are split at commas, a command as a shell would."""
    monkeypatch.setenv("ABLEHAND_GITLAB_URL", "https://gitlab.example/")
    monkeypatch.setenv("ABLEHAND_MAX_RUNS", "7")
    monkeypatch.setenv("ABLEHAND_AGENT_COMMAND", "my-agent --mode 'very careful'")
    monkeypatch.setenv("ABLEHAND_PROTECTED_PATHS", "a.txt, b/**")

    loaded = load()

    assert loaded.gitlab_url == "https://gitlab.example"
    assert loaded.max_runs == 7
    assert loaded.agent_command == ("my-agent", "--mode", "very careful")
    assert loaded.protected_paths == ("a.txt", "b/**")


def test_a_secret_may_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kubernetes mounts secrets as files."""
    (tmp_path / "ablehand_gitlab_token").write_text("canary-token")
    monkeypatch.setenv("ABLEHAND_SECRETS_DIR", str(tmp_path))

    assert load().gitlab_token.get_secret_value() == "canary-token"


def test_the_agents_variables_are_taken_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is named is handed on, and it counts as secret."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-key")
    monkeypatch.setenv("SOMETHING_ELSE", "other")

    loaded = load()

    assert set(loaded.agent_environment) == {"ANTHROPIC_API_KEY"}
    assert "canary-key" in loaded.secrets()


def test_an_agent_gets_its_own_providers_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the key of another provider, which the worker may have for something else; a list of names wins."""
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "canary")

    given = {agent: set(load(agent=agent).agent_environment) for agent in ("claude", "codex", "gemini")}

    assert given == {"claude": {"ANTHROPIC_API_KEY"}, "codex": {"OPENAI_API_KEY"}, "gemini": {"GEMINI_API_KEY"}}
    both = load(agent="claude", allowed_agents="codex")
    assert set(both.agent_environment) == {"ANTHROPIC_API_KEY", "OPENAI_API_KEY"}
    assert set(both.environment_of("codex")) == {"OPENAI_API_KEY"}
    assert set(load(agent="codex", agent_variables="GEMINI_API_KEY").agent_environment) == {"GEMINI_API_KEY"}


def test_of_several_agents_none_gets_another_ones_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named for all of them, a provider's key still goes to its own agent alone; what is nobody's goes to each."""
    names = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "TRACKER_URL")
    for name in names:
        monkeypatch.setenv(name, "canary")
    loaded = load(agent="claude", allowed_agents="codex,command", agent_variables=",".join(names))

    given = {agent: set(loaded.environment_of(agent)) for agent in ("claude", "codex", "command")}

    assert given["claude"] == {"ANTHROPIC_API_KEY", "TRACKER_URL"}
    assert given["codex"] == {"OPENAI_API_KEY", "TRACKER_URL"}
    assert given["command"] == set(names)


def test_prices_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model's name to USD for a million tokens."""
    monkeypatch.setenv("ABLEHAND_PRICES", '{"gpt-5.5": {"input": 1.25, "cached": 0.125, "output": 10}}')

    assert load().prices == {"gpt-5.5": {"input": 1.25, "cached": 0.125, "output": 10.0}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("PRICES", "{", id="no-json"),
        pytest.param("PRICES", '{"m": {"inptu": 1}}', id="unknown-price"),
        pytest.param("PRICES", '{"m": {"input": -1}}', id="negative-price"),
        pytest.param("GITLAB_URL", "ftp://x", id="scheme"),
        pytest.param("GITLAB_URL", "https://user:canary@x", id="credentials-in-url"),
        pytest.param("MAX_RUNS", "none", id="number"),
        pytest.param("MAX_RUNS", "0", id="too-small"),
        pytest.param("EXECUTOR", "docker", id="choice"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The sentence names the variable."""
    monkeypatch.setenv(f"ABLEHAND_{name}", value)

    with pytest.raises(SettingsError, match=f"ABLEHAND_{name}") as caught:
        load()
    assert "canary" not in str(caught.value)


def test_what_is_missing_is_listed() -> None:
    """All missing variables are in one sentence."""
    with pytest.raises(SettingsError, match=r"Set ABLEHAND_GITLAB_URL, ABLEHAND_GITLAB_TOKEN\."):
        load().require("gitlab_url", "gitlab_token", "host")


def test_settings_are_frozen_and_keep_their_secrets() -> None:
    """Nothing changes after the start, and a repr shows no secret."""
    settings = Settings(gitlab_token="canary-token", redis_url="redis://:canary-pass@host")

    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc] # the very thing that must not work
    assert "canary" not in repr(settings)
    assert {"canary-token", "canary-pass"} <= set(settings.secrets())


@pytest.mark.parametrize("address", ["http://redis:6379", "redis:6379", "canary-of-a-password"])
def test_a_redis_address_must_be_one(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """The variable is named, its value (it may hold a password) is not."""
    monkeypatch.setenv("ABLEHAND_REDIS_URL", address)

    with pytest.raises(SettingsError, match="ABLEHAND_REDIS_URL") as caught:
        load()

    assert address not in str(caught.value)


@pytest.mark.parametrize("budget", ["", "11"], ids=["none", "more-than-a-day"])
def test_a_days_money_needs_a_tasks_budget(monkeypatch: pytest.MonkeyPatch, budget: str) -> None:
    """It is what a running task reserves, so that a day's limit without one, or below it, is refused at the start."""
    monkeypatch.setenv("ABLEHAND_BUDGET_USD_PER_DAY_PERSON", "10")
    monkeypatch.setenv("ABLEHAND_BUDGET_USD", budget)

    with pytest.raises(SettingsError, match="ABLEHAND_BUDGET_USD has to be set, and no more than a day's limit"):
        load()
    monkeypatch.setenv("ABLEHAND_BUDGET_USD", "10")
    assert load().budget_usd_per_day_person == 10


@pytest.mark.parametrize("url", ["logs", "https://bucket", "file://relative", "s3://k:s@bucket", "az://c?sig=x"])
def test_an_archive_is_a_place_without_credentials(url: str) -> None:
    """What its client needs beside it, it reads from variables of its own."""
    with pytest.raises(ValidationError, match="log_archive"):
        Settings(log_archive=url)


def test_the_archives_secrets_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no settings of ours, and are taken out of logs all the same; no other variable is."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented-secret-key")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    settings = Settings(log_archive="s3://bucket/logs")

    assert "invented-secret-key" in settings.secrets()
    assert "eu-central-1" not in settings.secrets()
    assert "invented-secret-key" not in repr(settings)


@pytest.mark.parametrize(("days", "kept"), [(0, 30), (7, 7), (90, 30)])
def test_a_log_is_kept_as_long_as_its_task_at_most(days: int, kept: int) -> None:
    """Nobody may see the log of a task that is gone."""
    assert Settings(log_days=days, retention_days=30).log_seconds == kept * 86_400


def test_an_archive_may_be_a_folder() -> None:
    """Of this machine; a bucket is none."""
    assert Settings(log_archive="file:///var/lib/my%20logs").log_folder == Path("/var/lib/my logs")
    assert Settings(log_archive="s3://bucket/logs").log_folder is None
