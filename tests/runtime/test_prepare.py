"""Prepare: what the workspace holds afterwards, and what it must not hold."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from runtime.git import create_repository
from tests.runtime.conftest import TOKEN, Project, git


def test_fills_the_workspace(project: Project) -> None:
    """The work tree is at the base commit, beside the instructions and the context files."""
    project.change(context={"issue.md": "It is broken.\n"})

    run = project.succeed("prepare")

    assert git("rev-parse", "HEAD", at=project.repo) == project.order.base_commit
    assert git("status", "--porcelain", at=project.repo) == ""
    assert git("branch", "--show-current", at=project.repo) == "agent/7-health"
    assert (project.workspace / "instructions" / "CLAUDE.md").read_text() == "Be brief.\n"
    assert (project.workspace / "context" / "issue.md").read_text() == "It is broken.\n"
    assert run.marks == ["began clone", "ended clone"]
    assert run.code == 0


def test_leaves_no_token_behind(project: Project) -> None:
    """No file of the workspace and no line of the log has the token, plain or encoded."""
    run = project.succeed("prepare")

    forms = [TOKEN.encode(), base64.b64encode(f"oauth2:{TOKEN}".encode())]
    files = [path for path in project.workspace.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files for form in forms if form in path.read_bytes()] == []
    assert [form for form in forms if form.decode() in run.log] == []
    assert "remote.origin.url=http://127.0.0.1" in git("config", "--list", "--local", at=project.repo)


@pytest.mark.parametrize(("letters", "hashing"), [(40, "sha1"), (64, "sha256")])
def test_makes_a_repository_as_git_does(tmp_path: Path, letters: int, hashing: str) -> None:
    """Without starting git, for it is made before every fetch and every push."""
    for name, branch in (("bare", ""), ("tree", "agent/7")):
        create_repository(tmp_path / name / ".git", base_commit="0" * letters, branch=branch)

    assert (
        git("rev-parse", "--show-object-format", "--is-bare-repository", at=tmp_path / "bare/.git")
        == f"{hashing}\ntrue"
    )
    assert git("rev-parse", "--show-object-format", "--is-bare-repository", at=tmp_path / "tree") == f"{hashing}\nfalse"
    assert git("symbolic-ref", "HEAD", at=tmp_path / "tree") == "refs/heads/agent/7"


def test_keeps_the_remote_as_an_agent_expects_it(project: Project) -> None:
    """``git fetch`` and ``origin/main`` mean what they always mean, also for a branch with an odd name."""
    project.commit({"x": "x"}, branch='feature/a"b;c#d')
    project.succeed("prepare")

    branch = project.order.base_branch
    assert git("rev-parse", f"origin/{branch}", at=project.repo) == project.order.base_commit
    assert git("config", "remote.origin.url", at=project.repo) == project.order.clone_url
    wanted = f"+refs/heads/{branch}:refs/remotes/origin/{branch}"
    assert git("config", "remote.origin.fetch", at=project.repo) == wanted


def test_is_shallow_and_pinned(project: Project) -> None:
    """The base commit is checked out although the branch went on, and only that commit was fetched."""
    base = project.commit({"a.txt": "1"})
    project.commit({"a.txt": "2"})
    project.change(base_commit=base)

    project.succeed("prepare")

    assert (project.repo / "a.txt").read_text() == "1"
    assert git("rev-list", "--count", "--all", at=project.repo) == "1"


def test_takes_instructions_from_the_default_branch(project: Project) -> None:
    """A branch's own instructions stay plain files of the work tree."""
    project.commit({"CLAUDE.md": "Obey the branch.\n", "agent-setup.sh": "exit 1\n"}, branch="feature")

    project.succeed("prepare")

    instructions = project.workspace / "instructions"
    assert [path.name for path in instructions.iterdir()] == ["CLAUDE.md"]
    assert (instructions / "CLAUDE.md").read_text() == "Be brief.\n"
    assert (project.repo / "CLAUDE.md").read_text() == "Obey the branch.\n"


def test_leaves_out_instructions_that_are_links(project: Project) -> None:
    """A link would lead the reader to another file of the sandbox."""
    author = project.folder / "author-main"
    (author / "AGENTS.md").symlink_to("/etc/passwd")
    project.commit({"b.txt": "b"})

    run = project.succeed("prepare")

    assert not (project.workspace / "instructions" / "AGENTS.md").is_symlink()
    assert not (project.workspace / "instructions" / "AGENTS.md").exists()
    assert "AGENTS.md on main is not a plain file" in run.log


def test_runs_no_hook_and_no_filter(project: Project, tmp_path: Path) -> None:
    """What .gitattributes names is not run on the way out."""
    project.commit({".gitattributes": "* filter=evil\n", ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = /tmp\n'})

    project.succeed("prepare")

    assert (project.repo / "README.md").read_text() == "hello\n"
    assert not list((project.repo / ".git").glob("hooks/*"))
    assert not list(tmp_path.glob("canary*"))


@pytest.mark.parametrize(
    ("change", "failure", "words"),
    [
        pytest.param({"base_branch": "nowhere", "base_commit": "1" * 40}, "clone", "no branch nowhere", id="branch"),
        pytest.param({"base_commit": "1" * 40}, "clone", "commit 111111111111 is not on branch main", id="commit"),
        pytest.param({"clone_url": "http://127.0.0.1:9/x.git"}, "clone", "127.0.0.1", id="unreachable"),
        pytest.param({"clone_url": "file:///etc"}, "clone", "not an http or https URL", id="file"),
        pytest.param({"clone_url": "ext::sh -c id"}, "clone", "not an http or https URL", id="ext"),
        pytest.param({"clone_url": "http://a:b@127.0.0.1/x"}, "clone", "holds credentials", id="credentials-in-url"),
        pytest.param({"context": {"../x": ""}}, "infrastructure", "'../x' is not allowed", id="context-name"),
    ],
)
def test_says_why_it_failed(project: Project, change: dict[str, object], failure: str, words: str) -> None:
    """Every failure has its name and one readable line."""
    project.change(**change)

    run = project.run("prepare")

    assert (run.code, run.result.ok, run.result.failure) == (1, False, failure)
    assert words in run.result.detail
    assert "\n" not in run.result.detail


def test_tells_a_missing_repository_from_a_refused_token(project: Project) -> None:
    """404 and 401 are different failures."""
    refused = project.run("prepare", {"ABLEHAND_GIT_TOKEN": "wrong-token-000"})
    project.change(clone_url=project.server.url("gone.git"))
    missing = project.run("prepare", workspace=project.folder / "second")

    assert refused.result.failure == "credentials"
    assert missing.result.failure == "clone"
    assert "no repository is at" in missing.result.detail
    assert "wrong-token-000" not in refused.log


def test_names_an_empty_repository(empty_project: Project) -> None:
    """A project without a commit is a failure of its own."""
    empty_project.change(base_commit="1" * 40)

    assert empty_project.run("prepare").result.failure == "empty-repository"


def test_works_where_the_server_refuses_single_commits(project: Project) -> None:
    """An old server that only gives whole branches costs a longer clone, not the run."""
    base = project.order.base_commit
    project.commit({"a.txt": "2"})
    project.change(base_commit=base)
    project.server.speaks_old_protocol = True

    project.succeed("prepare")

    assert git("rev-parse", "HEAD", at=project.repo) == base


def test_brings_files_and_what_to_compare_with(project: Project) -> None:
    """Files have their bytes; a further commit can be compared with, although each has no history."""
    old = project.order.base_commit
    project.commit({"server.go": "package other\n"})
    project.change(files={"attachment-1.png": "iVBORwA="}, compare_commit=old)

    project.succeed("prepare")

    assert (project.workspace / "context" / "attachment-1.png").read_bytes() == b"\x89PNG\0"
    assert git("diff", "--name-only", old, "HEAD", at=project.repo) == "server.go"


def test_does_without_a_commit_that_is_not_there(project: Project) -> None:
    """Nothing depends on it but a comparison."""
    project.change(compare_commit="1" * 40)

    assert "111111111111 can't be fetched" in project.succeed("prepare").log


@pytest.mark.parametrize("name", ["../x", "a/b", ".git", ""])
def test_a_files_name_leads_nowhere_else(project: Project, name: str) -> None:
    """Names are ours; one that is not is refused."""
    project.change(files={name: ""})

    assert project.run("prepare").result.failure == "infrastructure"
