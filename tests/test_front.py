"""What people read first holds together: links, paths and pictures; and no file says where or from whom we built it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.repository import ROOT, pages, tracked

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^ *```(\w*)$")
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)+/?|[\w.-]+/")
SUFFIXES = frozenset({".css", ".html", ".js", ".lua", ".md", ".py", ".sh", ".toml", ".txt", ".yml"})
DIAGRAMS = ("flowchart", "stateDiagram-v2", "sequenceDiagram", "graph ")
FOREIGN = {
    "registry": re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|npmjs\.com|proxy\.golang\.org|crates\.io|rubygems\.org"
        r"|--(?:extra-)?index-url|PIP_(?:EXTRA_)?INDEX_URL|trusted[-]host",
        re.IGNORECASE,
    ),
    "machine path": re.compile(r"(?<![\w.*})\]-])/(?:work(?![\w-])|root/)"),
}
OF_ANY_MACHINE = frozenset({"tests/executors/test_bubblewrap.py"})
"""Plays with such folders: they are what a sandbox hides."""
OF_A_PROJECT = frozenset({"docs/settings.md"})
"""Its paths lie in the repositories that agents work on."""


def prose(text: str) -> str:
    """Give a page without its fenced blocks, which hold what programs print."""
    kept, inside = [], False
    for line in text.splitlines():
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def blocks(text: str) -> list[tuple[str, str]]:
    """Give each fenced block as its language and its text."""
    found: list[tuple[str, list[str]]] = []
    inside = False
    for line in text.splitlines():
        fence = FENCE.match(line)
        if fence and not inside:
            found.append((fence[1], []))
        elif not fence and inside:
            found[-1][1].append(line)
        inside = inside != bool(fence)
    assert not inside, "a fence is not closed"
    return [(language, "\n".join(lines)) for language, lines in found]


def is_our_path(span: str) -> bool:
    """Whether a code span means a file or a folder of this repository, and not a branch, a project or a URL's path."""
    if not PATH.fullmatch(span):
        return False
    return (ROOT / span.partition("/")[0]).exists() or Path(span).suffix in SUFFIXES


def is_there(span: str) -> bool:
    """Whether something in the repository has that path; ``*`` stands for any name."""
    return any(ROOT.glob(span.rstrip("/")))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_points_to_is_there(page: Path) -> None:
    """Relative links lead to files, and paths in backticks exist."""
    text = prose(page.read_text("utf-8"))
    links = [link.partition("#")[0] for link in LINK.findall(text)]
    speaks_of_us = page.suffix == ".md" and str(page.relative_to(ROOT)) not in OF_A_PROJECT
    paths = [span for span in SPAN.findall(text) if is_our_path(span)] if speaks_of_us else []

    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [path for path in paths if not is_there(path)] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_pictures_are_fenced_as_mermaid(page: Path) -> None:
    """GitLab draws a diagram only from a closed fence that says mermaid."""
    text = page.read_text("utf-8")

    assert [block for language, block in blocks(text) if (language == "mermaid") != block.startswith(DIAGRAMS)] == []
    assert [line for line in prose(text).splitlines() if line.startswith(DIAGRAMS)] == []


@pytest.mark.parametrize(
    ("span", "ours"),
    [
        pytest.param("bot/webhook.py", True, id="file"),
        pytest.param("worker/steps/", True, id="folder"),
        pytest.param("nowhere/nothing.py", True, id="file-that-is-not-there"),
        pytest.param("agent/*", False, id="branch"),
        pytest.param("group/project", False, id="project"),
        pytest.param("/agent help", False, id="command"),
        pytest.param("CLAUDE.md", False, id="a-project's-own-file"),
    ],
)
def test_paths_are_told_from_other_code(span: str, *, ours: bool) -> None:
    """The check above must neither overlook a path nor take something else for one."""
    assert is_our_path(span) is ours


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_names_a_registry_or_a_machine(what: str) -> None:
    """Packages come from wherever the machine's own settings say, and the project lies wherever it was cloned."""
    texts = {str(file.relative_to(ROOT)): file.read_bytes() for file in tracked()}

    found = {
        name: match[0]
        for name, text in texts.items()
        if b"\0" not in text and name not in OF_ANY_MACHINE and (match := FOREIGN[what].search(text.decode("utf-8")))
    }

    assert found == {}


@pytest.mark.parametrize(
    ("what", "text"),
    [
        pytest.param("registry", "https://" + "pypi" + ".org/simple", id="registry"),
        pytest.param("machine path", "see /" + "work/main", id="folder"),
        pytest.param("machine path", '"/' + 'root/.cache"', id="home"),
    ],
)
def test_a_foreign_address_would_be_found(what: str, text: str) -> None:
    """The check above can fail."""
    assert FOREIGN[what].search(text)


def test_the_screenshot_is_small() -> None:
    """It is in every clone."""
    assert (ROOT / "docs" / "screenshot.png").stat().st_size < 200_000


def test_the_example_script_is_bash() -> None:
    """People copy it as it is."""
    script = ROOT / "agent-setup.sh.example"

    assert "\nset -euo pipefail\n" in script.read_text("utf-8")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
