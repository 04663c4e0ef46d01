"""Merge requests by python-gitlab, with real branches and real merges."""

import pytest
from gitlab.exceptions import GitlabCreateError, GitlabMRClosedError
from gitlab.v4.objects import Project as ApiProject

from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Client, Shop

FORM = {
    "source_branch": "agent/issue-1",
    "target_branch": "main",
    "title": "Add a health check",
    "description": "Asked for by @bob.\n\nCloses #1\n/label ~agent",
    "squash": True,
    "remove_source_branch": True,
}


@pytest.fixture
def project(client: Client, gitlab: GitLabServer, shop: Shop) -> ApiProject:
    """Return the project as the bot sees it, with a branch that changes, adds and removes."""
    files = {"src/app.py": "one\n2\n", "health.py": "ok\n", "README.md": None}
    gitlab.world.commit_files(shop.project, files=files, message="Work", branch="agent/issue-1", author=shop.bot)
    return client(shop.bot).projects.get("shop/web")


def test_a_merge_request_shows_what_was_asked_for(project: ApiProject, shop: Shop) -> None:
    """Head, flags, labels of quick actions, description without them, and the link."""
    made = project.mergerequests.create(FORM)

    assert made.sha == shop.project.repository.branch_sha("agent/issue-1")
    assert (made.iid, made.state, made.squash, made.force_remove_source_branch) == (1, "opened", True, True)
    assert made.description == "Asked for by @bob.\n\nCloses #1"
    assert made.web_url.endswith("/shop/web/-/merge_requests/1")
    assert project.mergerequests.get(1).labels == ["agent"]


def test_a_second_one_for_the_same_branches_is_refused(project: ApiProject) -> None:
    """GitLab names the open one in a 409."""
    project.mergerequests.create(FORM)

    with pytest.raises(GitlabCreateError) as refused:
        project.mergerequests.create(FORM)

    assert refused.value.response_code == 409
    assert list(refused.value.error_message) == ["Another open merge request already exists for this source branch: !1"]
    found = project.mergerequests.list(state="opened", source_branch="agent/issue-1", get_all=True)
    assert [request.iid for request in found] == [1]
    assert project.mergerequests.list(state="opened", source_branch="other", get_all=True) == []


def test_a_missing_branch_is_refused(project: ApiProject) -> None:
    """The answer names the branch."""
    with pytest.raises(GitlabCreateError) as refused:
        project.mergerequests.create(FORM | {"source_branch": "nowhere"})

    assert list(refused.value.error_message) == ['Source branch "nowhere" does not exist']


def test_changes_come_from_git(project: ApiProject) -> None:
    """Each file with its kind of change and its hunks alone."""
    changes = project.mergerequests.create(FORM).changes()

    assert isinstance(changes, dict)
    shown = {one["new_path"]: (one["new_file"], one["deleted_file"], one["diff"]) for one in changes["changes"]}
    assert shown == {
        "README.md": (False, True, "@@ -1 +0,0 @@\n-# Web\n"),
        "health.py": (True, False, "@@ -0,0 +1 @@\n+ok\n"),
        "src/app.py": (False, False, "@@ -1,2 +1,2 @@\n one\n-two\n+2\n"),
    }


@pytest.mark.parametrize(("squash", "parents"), [(True, 1), (False, 2)], ids=["squash", "merge commit"])
def test_merging_lands_the_work(
    client: Client, gitlab: GitLabServer, shop: Shop, project: ApiProject, *, squash: bool, parents: int
) -> None:
    """The target has the files, the issue is closed, the branch is gone."""
    project.mergerequests.create(FORM | {"squash": squash})

    client(shop.alice).projects.get("shop/web").mergerequests.get(1).merge()

    head = shop.project.repository.commit(shop.project.repository.branches()["main"])
    assert len(head.parents) == parents
    assert shop.project.repository.file(head.sha, "health.py") == b"ok\n"
    assert shop.project.repository.file(head.sha, "README.md") is None
    assert (shop.issue.state, gitlab.world.branches(shop.project)) == ("closed", ["main"])
    assert project.mergerequests.get(1).state == "merged"


def test_a_developer_does_not_merge_into_a_protected_branch(project: ApiProject) -> None:
    """GitLab answers 401 for that."""
    request = project.mergerequests.create(FORM)

    with pytest.raises(Exception, match="401"):
        request.merge()


def test_a_conflict_is_not_merged(client: Client, gitlab: GitLabServer, shop: Shop, project: ApiProject) -> None:
    """Both sides changed one line: 422, and nothing has moved."""
    project.mergerequests.create(FORM)
    head = gitlab.world.commit_files(shop.project, files={"src/app.py": "one\nzwei\n"})

    with pytest.raises(GitlabMRClosedError, match="Branch cannot be merged"):
        client(shop.alice).projects.get("shop/web").mergerequests.get(1).merge()

    assert shop.project.repository.branch_sha("main") == head


def test_closing_words_are_found_in_texts_and_commits(project: ApiProject, gitlab: GitLabServer, shop: Shop) -> None:
    """Several numbers, several words, the project's own full path; a bare mention closes nothing."""
    for number in range(2, 7):
        gitlab.world.add_issue(shop.project, author=shop.alice, title=f"Issue {number}")
    text = "Fixes #2, #3 and #4. See #5. Resolves shop/web#6"

    request = project.mergerequests.create(FORM | {"description": text})

    assert [issue.iid for issue in request.closes_issues(get_all=True)] == [2, 3, 4, 6]


def test_files_and_branches_are_read(project: ApiProject) -> None:
    """Configuration is read raw at a ref; what is missing is named."""
    assert project.files.raw("src/app.py", ref="main") == b"one\ntwo\n"
    assert project.files.get("health.py", ref="agent/issue-1").decode() == b"ok\n"
    assert [entry["path"] for entry in project.repository_tree(recursive=True, get_all=True)] == [
        "README.md",
        "src",
        "src/app.py",
    ]
    with pytest.raises(Exception, match="404 File Not Found"):
        project.files.raw(".ablehand.yml", ref="main")
    with pytest.raises(Exception, match="404 Commit Not Found"):
        project.files.raw("README.md", ref="nowhere")
    with pytest.raises(Exception, match="404 Branch Not Found"):
        project.branches.get("nowhere")


def test_merge_requests_are_found_across_projects(client: Client, project: ApiProject, shop: Shop) -> None:
    """A bot finds its own everywhere; another finds them with `scope=all`."""
    project.mergerequests.create(FORM)

    own = client(shop.bot).mergerequests.list(state="opened", get_all=True)
    others = client(shop.bob).mergerequests.list(state="opened", get_all=True)
    everything = client(shop.bob).mergerequests.list(state="opened", scope="all", get_all=True)

    assert ([request.iid for request in own], others, len(everything)) == ([1], [], 1)


def test_protected_branches_are_told(project: ApiProject, gitlab: GitLabServer, shop: Shop) -> None:
    """The default branch is protected from the start; patterns are told as they are."""
    gitlab.world.protect_branch(shop.project, "release/*", push_level=30)

    told = {one.name: one.push_access_levels[0]["access_level"] for one in project.protectedbranches.list(get_all=True)}

    assert told == {"main": 40, "release/*": 30}
    assert project.protectedbranches.get("release/*").allow_force_push is False
    assert (project.branches.get("main").protected, project.branches.get("main").can_push) == (True, False)


@pytest.mark.parametrize("name", ["a..b", "-x", "a b"])
def test_a_bad_branch_name_is_refused(project: ApiProject, name: str) -> None:
    """Git's rules for names hold."""
    with pytest.raises(GitlabCreateError, match="Branch name is invalid"):
        project.branches.create({"branch": name, "ref": "main"})


def test_a_branch_is_made_compared_and_removed(project: ApiProject) -> None:
    """Branch names with slashes go through the path encoded."""
    project.branches.create({"branch": "agent/two", "ref": "main"})

    compared = project.repository_compare("agent/two", "agent/issue-1")

    assert isinstance(compared, dict)
    assert [commit["title"] for commit in compared["commits"]] == ["Work"]
    with pytest.raises(GitlabCreateError, match="Branch already exists"):
        project.branches.create({"branch": "agent/two", "ref": "main"})
    project.branches.delete("agent/two")
    assert [branch.name for branch in project.branches.list(get_all=True)] == ["agent/issue-1", "main"]
