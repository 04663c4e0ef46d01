"""Forks by python-gitlab and git: where their merge requests come from, and who may push there."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from gitlab.exceptions import GitlabCreateError

from simulators.gitlab.records import MergeRequest, Project
from simulators.gitlab.repository import git_environment
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Client, Shop


@pytest.fixture
def fork(gitlab: GitLabServer, shop: Shop) -> Project:
    """Return the stranger's fork of the public project, with a branch of their own."""
    shop.project.visibility = "public"
    fork = gitlab.world.fork(shop.project, "stranger", shop.stranger)
    gitlab.world.commit_files(fork, files={"src/app.py": "one\n2\n"}, branch="idea")
    return fork


def opened(gitlab: GitLabServer, shop: Shop, fork: Project, *, shared: bool) -> MergeRequest:
    """Open the stranger's merge request."""
    return gitlab.world.add_merge_request(
        shop.project,
        author=shop.stranger,
        title="An idea",
        branches={"source_branch": "idea", "target_branch": "main"},
        fork=fork,
        allow_collaboration=shared,
    )


def push(gitlab: GitLabServer, fork: Project, token: str, folder: Path, branch: str = "idea") -> str:
    """Push a commit to a branch of the fork; return what git said where it failed."""
    url = f"{gitlab.url}/{fork.path_with_namespace}.git".replace("://", f"://oauth2:{token}@")
    author = {f"GIT_{role}_{what}": "a@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for words in (
        ["clone", "-q", "-b", branch, url, str(folder)],
        ["-C", str(folder), "commit", "-q", "--allow-empty", "-m", "more"],
        ["-C", str(folder), "push", "-q", "origin", branch],
    ):
        done = subprocess.run(
            ["git", *words], env=git_environment(**author), capture_output=True, text=True, check=False
        )
        if done.returncode:
            return done.stderr
    return ""


def test_a_merge_request_comes_from_a_fork(gitlab: GitLabServer, shop: Shop, fork: Project, client: Client) -> None:
    """It names both projects, its head is fetchable in its target, and it follows the fork's branch."""
    made = (
        client(shop.stranger)
        .projects.get(fork.id)
        .mergerequests.create(
            {"source_branch": "idea", "target_branch": "main", "title": "An idea", "target_project_id": shop.project.id}
        )
    )

    assert (made.source_project_id, made.target_project_id) == (fork.id, shop.project.id)
    assert (made.project_id, made.allow_collaboration) == (shop.project.id, False)
    head = gitlab.world.commit_files(fork, files={"src/app.py": "three\n"}, branch="idea")
    seen = client(shop.bot).projects.get(shop.project.id).mergerequests.get(made.iid)
    assert seen.sha == head
    assert shop.project.repository.resolve(f"refs/merge-requests/{made.iid}/head") == head
    changes: Any = seen.changes()
    assert [change["new_path"] for change in changes["changes"]] == ["src/app.py"]


def test_only_the_parent_can_be_a_target(shop: Shop, fork: Project, gitlab: GitLabServer, client: Client) -> None:
    """Any other project is refused."""
    other = gitlab.world.add_project("shop/other", files={"a": "b"}, visibility="public")
    form = {"source_branch": "idea", "target_branch": "main", "title": "x", "target_project_id": other.id}

    with pytest.raises(GitlabCreateError) as refused:
        client(shop.stranger).projects.get(fork.id).mergerequests.create(form)

    assert refused.value.response_code == 422


@pytest.mark.parametrize("shared", [False, True], ids=["closed", "shared"])
def test_collaboration_lets_members_push(
    gitlab: GitLabServer, shop: Shop, fork: Project, client: Client, tmp_path: Path, *, shared: bool
) -> None:
    """To the merge request's branch alone, and only where its author allows it; `can_push` says so."""
    opened(gitlab, shop, fork, shared=shared)
    token = gitlab.world.add_token(shop.bob, scopes={"write_repository"})

    said = push(gitlab, fork, token, tmp_path / "idea")
    other = push(gitlab, fork, token, tmp_path / "main", branch="main")

    branches = client(shop.bob).projects.get(fork.id).branches
    assert branches.get("idea").can_push is shared
    assert branches.get("main").can_push is False
    assert ("You are not allowed to push" in said) is not shared
    assert "You are not allowed to push" in other
