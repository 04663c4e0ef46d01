"""The operator's file of MCP servers: what it may say, and the sentence for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import Settings, load
from worker.mcp_servers import read_servers
from worker.wiring import choose_executor

GOOD = """\
mcpServers:
  tracker:
    command: mcp-tracker
    args: [--read-only]
    env: {TRACKER_URL: "https://tracker.example", TRACKER_TOKEN: "${TRACKER_TOKEN}"}
  docs: {type: http, url: "https://docs.example/mcp", headers: {Authorization: "Bearer ${TRACKER_TOKEN}"}}
"""
READ = {
    "tracker": {
        "command": "mcp-tracker",
        "args": ["--read-only"],
        "env": {"TRACKER_URL": "https://tracker.example", "TRACKER_TOKEN": "${TRACKER_TOKEN}"},
    },
    "docs": {
        "type": "http",
        "url": "https://docs.example/mcp",
        "headers": {"Authorization": "Bearer ${TRACKER_TOKEN}"},
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder for the file, and an environment with the one credential."""
    monkeypatch.setenv("TRACKER_TOKEN", "canary-tracker")
    return tmp_path


def settings(folder: Path, text: str) -> Settings:
    """Give settings that name a file of *text*."""
    path = folder / "mcp.yaml"
    path.write_text(text)
    return load(mcp_servers=path, mcp_variables="TRACKER_TOKEN")


def test_a_file_is_read_as_it_stands(folder: Path) -> None:
    """References stay references: the order that carries them is no secret."""
    assert read_servers(settings(folder, GOOD)) == READ


def test_a_credential_is_known_to_the_redactor(folder: Path) -> None:
    """It must not turn up in a log."""
    assert "canary-tracker" in settings(folder, GOOD).secrets()


def test_no_file_and_an_empty_one_are_no_servers(folder: Path) -> None:
    """Nothing has to be set."""
    assert read_servers(load()) == read_servers(settings(folder, "")) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no YAML"),
        ("- a", "the file"),
        ("servers: {}", "servers: Extra inputs are not permitted"),
        ("mcpServers: {a b: {command: x}}", "a b"),
        ("mcpServers: {a: {}}", "needs either a command or a url"),
        ("mcpServers: {a: {command: x, url: 'https://x'}}", "needs either a command or a url"),
        ("mcpServers: {a: {url: 'ftp://x'}}", "url"),
        ("mcpServers: {a: {command: x, envs: {}}}", "envs: Extra inputs"),
        ("mcpServers: {a: {command: x, args: ['${TRACKER_TOKEN}']}}", "everybody can read a command line"),
        ("mcpServers: {a: {command: x, env: {T: '${OTHER_TOKEN}'}}}", "names OTHER_TOKEN"),
        ("#" * 70_000, "longer than 64 KiB"),
    ],
)
def test_what_can_not_be_meant_is_refused(folder: Path, text: str, words: str) -> None:
    """Before any run is started, with the setting's name and the place."""
    with pytest.raises(SettingsError, match=r"^ABLEHAND_MCP_SERVERS") as refused:
        read_servers(settings(folder, text))

    assert words in str(refused.value)


def test_a_missing_file_is_refused_at_the_start(folder: Path) -> None:
    """Worker and reconciler do not come up with it."""
    wrong = load(
        mcp_servers=folder / "nowhere",
        gitlab_url="https://gitlab.example",
        gitlab_token="x",
        redis_url="redis://localhost",
        public_url="https://agents.example",
    )

    with pytest.raises(SettingsError, match="can't be read"):
        choose_executor(wrong)
