"""The result of agent-setup.sh, kept for the next task: what it depends on, whose it is, and what may go wrong."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from runtime import setup_cache
from tests.runtime.conftest import FILES, Project, StepRun, git

SCRIPT = """set -eu
echo the script runs
mkdir -p node_modules/.bin "$HOME/.cache/tool"
cat package-lock.json > node_modules/x
ln -s ../x node_modules/.bin/x
printf '#!/bin/sh\\n' > node_modules/run; chmod 755 node_modules/run
echo cached > "$HOME/.cache/tool/y"
"""
AGENT = """
import os, pathlib
print("found", pathlib.Path("node_modules/x").read_text().strip(), os.readlink("node_modules/.bin/x"),
      os.access("node_modules/run", os.X_OK), pathlib.Path(os.environ["HOME"], ".cache/tool/y").read_text().strip())
"""
FOUND = "found 1 ../x True cached"
NOT_RUN = "agent-setup.sh did not run"


@pytest.fixture
def cached(project: Project) -> Project:
    """Give a project that names what its script depends on, and what it makes."""
    project.commit(
        FILES | {"agent-setup.sh": SCRIPT, "package-lock.json": "1\n", ".gitignore": "node_modules\n", "a.txt": "1\n"}
    )
    project.change(setup_cache_key=["package-lock.json"], setup_cache_paths=["node_modules", "~/.cache/tool"])
    project.agent(AGENT)
    return project


def task(project: Project, **variables: str) -> StepRun:
    """Run prepare and agent as a task of its own would, with the project's one cache."""
    cache = project.folder / "cache"
    cache.mkdir(exist_ok=True)
    number = len(list(project.folder.glob("task-*")))
    workspace = project.folder / f"task-{number}"
    project.run("prepare", workspace=workspace)
    return project.run("agent", {"ABLEHAND_SETUP_CACHE": str(cache)} | variables, workspace=workspace)


def entries(project: Project) -> list[Path]:
    """List what the cache holds."""
    return sorted((project.folder / "cache").iterdir())


def test_the_second_task_finds_what_the_first_made(cached: Project) -> None:
    """Files, links, modes, in the work tree and below HOME; and it is said that the script did not run."""
    first, second = task(cached), task(cached)

    assert (FOUND in first.log, "the script runs" in first.log, NOT_RUN in first.log) == (True, True, False)
    assert (FOUND in second.log, "the script runs" in second.log, NOT_RUN in second.log) == (True, False, True)
    ended = [
        event.text for run in (first, second) for event in run.events if (event.kind, event.mark) == ("ended", "setup")
    ]
    assert ended == ["`agent-setup.sh`", "cached"]
    assert second.marks == ["began setup", "ended setup", "began agent", "ended agent"]


def test_nothing_restored_is_part_of_the_change(cached: Project) -> None:
    """What git ignores is not handed over."""
    task(cached)

    assert "The agent has changed nothing" in task(cached).log


@pytest.mark.parametrize(
    ("files", "variables", "runs"),
    [
        pytest.param({"a.txt": "2\n"}, {}, False, id="another-file"),
        pytest.param({"package-lock.json": "2\n"}, {}, True, id="a-named-file"),
        pytest.param({"agent-setup.sh": f"{SCRIPT}# new\n"}, {}, True, id="the-script"),
        pytest.param({}, {"ABLEHAND_IMAGE": "image:2"}, True, id="the-image"),
    ],
)
def test_it_runs_again_when_what_it_depends_on_changes(
    cached: Project,
    files: dict[str, str],
    variables: dict[str, str],
    runs: bool,  # noqa: FBT001
) -> None:
    """And only then."""
    task(cached)
    if files:
        cached.commit(files)

    assert ("the script runs" in task(cached, **variables).log) is runs


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"setup_cache_key": []}, id="no-files"),
        pytest.param({"setup_cache_paths": []}, id="no-folders"),
        pytest.param({"setup_cache_paths": ["../instructions"]}, id="outside"),
        pytest.param({"setup_cache_paths": ["/etc"]}, id="absolute"),
        pytest.param({"setup_cache_paths": [".git/hooks"]}, id="git"),
        pytest.param({"setup_cache_paths": ["--to-command=x"]}, id="option"),
        pytest.param({"setup_cache_paths": ["~/"]}, id="home-itself"),
        pytest.param({"setup_cache_key": ["../order.json"]}, id="file-outside"),
    ],
)
def test_nothing_is_kept_of_what_is_not_named_well(cached: Project, change: dict[str, list[str]]) -> None:
    """The script runs, and the run succeeds."""
    cached.change(**change)

    for _ in range(2):
        run = task(cached)
        assert run.result.ok, run.log
        assert "the script runs" in run.log
    assert entries(cached) == []


def test_nothing_is_kept_of_a_script_that_fails(cached: Project) -> None:
    """Its half of a result is nobody's."""
    cached.commit({"agent-setup.sh": f"{SCRIPT}exit 3\n"})

    assert task(cached).result.failure == "setup"
    assert entries(cached) == []


def test_a_folder_that_was_not_made_is_named(cached: Project) -> None:
    """A typing error in .ablehand.yml is found in the log."""
    cached.change(setup_cache_paths=["node_modules", "~/.cache/tul"])

    run = task(cached)

    assert "Not kept for later tasks: agent-setup.sh has not made ~/.cache/tul" in run.log
    assert entries(cached) == []


def planted(name: str, target: str = "") -> tarfile.TarInfo:
    """Describe a file for a hostile entry, or a link."""
    member = tarfile.TarInfo(name)
    if target:
        member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([planted("instructions/CLAUDE.md")], id="instructions"),
        pytest.param([planted("repo/node_modules/../../instructions/CLAUDE.md")], id="dots"),
        pytest.param([planted("/tmp/ablehand-planted")], id="absolute"),  # noqa: S108 - what must not come to be
        pytest.param(
            [planted("repo/node_modules", "../instructions"), planted("repo/node_modules/CLAUDE.md")], id="link"
        ),
    ],
)
def test_a_hostile_entry_reaches_nothing_but_its_folders(cached: Project, members: list[tarfile.TarInfo]) -> None:
    """An agent of the project may have written it; what the default branch says is not its to change."""
    task(cached)
    [entry] = entries(cached)
    with tarfile.open(entry, "w") as archive:
        for member in members:
            member.size = 0 if member.issym() else 4
            archive.addfile(member, io.BytesIO(b"evil"))

    run = task(cached)

    workspace = max(cached.folder.glob("task-*"))
    assert (workspace / "instructions/CLAUDE.md").read_text() == FILES["CLAUDE.md"], run.log
    assert not Path("/tmp/ablehand-planted").exists()  # noqa: S108 - what must not come to be


@pytest.mark.parametrize("content", [b"", b"no tar at all", None])
def test_a_broken_entry_is_made_anew(cached: Project, content: bytes | None) -> None:
    """The script runs, as if there were none."""
    task(cached)
    [entry] = entries(cached)
    if content is None:
        whole = entry.read_bytes()
        entry.write_bytes(whole[: len(whole) // 3])
    else:
        entry.write_bytes(content)

    run = task(cached)

    assert (FOUND in run.log, "the script runs" in run.log) == (True, True)
    assert NOT_RUN in task(cached).log


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_only_a_plain_file_is_an_entry(cached: Project, kind: str) -> None:
    """No link is followed, no pipe is waited for."""
    task(cached)
    [entry] = entries(cached)
    entry.unlink()
    if kind == "link":
        entry.symlink_to("/etc/passwd")
    else:
        os.mkfifo(entry)

    assert "the script runs" in task(cached).log


def test_a_full_cache_forgets_the_oldest(cached: Project) -> None:
    """A project's entries are few."""
    for number in range(setup_cache.ENTRIES_KEPT + 2):
        cached.commit({"package-lock.json": f"{number}\n"})
        task(cached)

    assert len(entries(cached)) == setup_cache.ENTRIES_KEPT
    assert NOT_RUN in task(cached).log


def test_a_cache_that_can_not_be_written_is_no_failure(cached: Project) -> None:
    """The task goes on without it, and says why."""
    (cached.folder / "cache").mkdir()

    run = task(cached, ABLEHAND_SETUP_CACHE=str(cached.folder / "cache/gone"))

    assert run.result.ok, run.log
    assert "can't be kept for later tasks: [Errno 2] No such file or directory" in run.log


def test_a_branchs_own_files_make_an_entry_of_their_own(cached: Project) -> None:
    """What a branch changes in a named file is not what main finds."""
    task(cached)
    cached.commit({"package-lock.json": "branch\n"}, branch="feature")
    task(cached)
    main = git("rev-parse", "main", at=cached.bare)
    cached.change(base_branch="main", base_commit=main)

    run = task(cached)

    assert (FOUND in run.log, NOT_RUN in run.log) == (True, True)
    assert len(entries(cached)) == 2
