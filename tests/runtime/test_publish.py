"""Publish: what is pushed, what it says, and how it answers the server's refusals."""

from __future__ import annotations

import sys

import pytest

from tests.runtime.conftest import Project, StepRun, git

EDIT = "open('health.go','w').write('package main\\n'); open('README.md','a').write('more\\n'); print('Added it.')"


def test_brings_a_change_from_comment_to_branch(project: Project) -> None:
    """All three steps as processes: one commit of ours on the base, with the agent's tree."""
    project.agent(EDIT)

    run = project.succeed("prepare", "agent", "publish")

    tip = project.pushed()
    assert run.result.commit == tip
    assert run.result.branch == "agent/7-health"
    assert (run.result.files_changed, run.result.lines_added, run.result.lines_removed) == (2, 2, 0)
    assert git("rev-parse", f"{tip}^", at=project.bare) == project.order.base_commit
    assert git("show", f"{tip}:README.md", at=project.bare) == "hello\nmore"
    shown = git("log", "-1", "--format=%an %ae %at %cn %ct %s", tip, at=project.bare)
    assert shown == "Ablehand bot@example.com 1790000000 Ablehand 1790000000 Add a health endpoint"
    assert run.marks == ["began push", "ended push"]
    assert run.events[-1].text == "2 files"


@pytest.mark.parametrize(("limit", "fetches"), [(64_000_000, 1), (0, 2)], ids=["small", "large"])
def test_fetches_only_a_large_base_again(project: Project, limit: int, fetches: int) -> None:
    """A small repository's files come with the bundle; what is pushed is the same."""
    project.agent(EDIT)
    project.succeed("prepare")
    shim = f"import sys, runtime.bundle as b; b.WHOLE_LIMIT_BYTES = {limit}; from runtime.__main__ import main"
    project.program = [sys.executable, "-c", f"{shim}; sys.exit(main())"]

    run = project.succeed("agent", "publish")

    assert project.server.fetches == fetches
    assert run.result.commit == project.pushed()
    assert git("rev-parse", f"{project.pushed()}^", at=project.bare) == project.order.base_commit
    assert git("show", f"{project.pushed()}:README.md", at=project.bare) == "hello\nmore"


def test_pushes_nothing_where_nothing_changed(project: Project) -> None:
    """No bundle is no failure: the commit is empty."""
    project.agent("print('nothing to do')")

    run = project.succeed("prepare", "agent", "publish")

    assert not (project.handover / "change.bundle").exists()
    assert (run.result.commit, run.result.files_changed) == ("", 0)
    assert project.pushed() == ""


def test_counts_a_binary_file_as_no_lines(project: Project) -> None:
    """Lines are those of text."""
    project.agent("open('x.bin','wb').write(b'\\0\\1' * 100)")

    run = project.succeed("prepare", "agent", "publish")

    assert (run.result.files_changed, run.result.lines_added) == (1, 0)


def test_may_be_done_twice(project: Project) -> None:
    """Two publishers of one tree make the same commit, and both succeed."""
    project.agent(EDIT)
    first = project.succeed("prepare", "agent", "publish")

    second = project.run("publish", workspace=project.folder / "again")

    assert second.result.ok
    assert second.result.commit == first.result.commit == project.pushed()


def test_refuses_another_tree_on_the_same_branch(project: Project) -> None:
    """Who comes second with something else does not overwrite the first."""
    project.agent(EDIT)
    first = project.succeed("prepare", "agent", "publish")
    (project.repo / "health.go").write_text("package other\n")
    project.agent("print('again')")
    project.succeed("agent")

    second = project.run("publish", workspace=project.folder / "again")

    assert second.result.failure == "branch-exists"
    assert project.pushed() == first.result.commit


def test_updates_a_branch_that_is_where_it_was_expected(project: Project) -> None:
    """With the lease given, the branch of the merge request that was asked for moves on."""
    project.agent(EDIT)
    tip = project.commit({"x.txt": "x"}, branch="feature")
    project.change(push_branch="feature", push_expected=tip)

    run = project.succeed("prepare", "agent", "publish")

    assert project.pushed("feature") == run.result.commit
    assert git("rev-parse", "feature^", at=project.bare) == tip


def test_a_branch_that_somebody_pushed_to_is_left_alone(project: Project) -> None:
    """The person's commit stays, and the failure has a name of its own."""
    project.agent(EDIT)
    tip = project.commit({"x.txt": "x"}, branch="feature")
    project.change(push_branch="feature", push_expected=tip)
    project.succeed("prepare", "agent")
    theirs = project.commit({"x.txt": "y"}, branch="feature")
    project.change(base_commit=tip)

    run = project.run("publish")

    assert (run.code, run.result.failure, run.result.detail) == (1, "branch-moved", "")
    assert project.pushed("feature") == theirs


def test_pushes_to_a_fork_where_the_branch_lies_there(project: Project) -> None:
    """Its base is taken from there as well, and nothing comes to the project itself."""
    tip = project.commit({"x.txt": "x"}, branch="feature")
    fork = project.server.root / "fork.git"
    git("clone", "-q", "--bare", str(project.bare), str(fork), at=project.folder)
    git("config", "http.receivepack", "true", at=fork)
    project.agent(EDIT)
    project.change(push_branch="feature", push_expected=tip, push_url=project.server.url("fork.git"))

    run = project.succeed("prepare", "agent", "publish")

    assert git("rev-parse", "feature", at=fork) == run.result.commit
    assert project.pushed("feature") == tip


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"push_branch": "main"}, id="default"),
        pytest.param({"push_branch": "feature"}, id="not-ours"),
        pytest.param({"push_branch": "feature", "push_expected": "2" * 40}, id="not-on-top"),
        pytest.param({"push_branch": "agent/x:refs/heads/main"}, id="two-refs"),
        pytest.param({"push_branch": "agent/../main"}, id="dots"),
        pytest.param({"push_branch": "agent/*"}, id="glob"),
    ],
)
def test_pushes_to_no_other_branch(project: Project, change: dict[str, str]) -> None:
    """Only agent/* and the asked-for branch on top of its tip; never the default branch."""
    project.agent(EDIT)
    project.succeed("prepare", "agent")
    main = project.pushed("main")
    project.change(**change)

    run = project.run("publish")

    assert run.result.failure == "policy"
    assert project.pushed("main") == main
    assert project.pushed("feature") == ""


def publish_after(project: Project) -> StepRun:
    """Run everything, the last step not necessarily well."""
    project.agent(EDIT)
    project.succeed("prepare", "agent")
    return project.run("publish")


def test_passes_on_the_words_of_a_hook(project: Project) -> None:
    """A pre-receive hook's message is the detail."""
    hook = project.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'GitLab: Commit message does not follow the pattern'\nexit 1\n")
    hook.chmod(0o755)

    run = publish_after(project)

    assert run.result.failure == "push-rejected"
    assert run.result.detail == "GitLab: Commit message does not follow the pattern"


@pytest.mark.parametrize(
    ("status", "failure", "words"),
    [
        pytest.param(403, "push-rejected", "You are not allowed to push code to this project.", id="403"),
        pytest.param(401, "credentials", "refused the token for writing", id="401"),
        pytest.param(500, "infrastructure", "500", id="500"),
    ],
)
def test_tells_refusals_apart(project: Project, status: int, failure: str, words: str) -> None:
    """A status of the server's is a failure with a name."""
    project.server.status = status
    project.server.words = (
        "x" if status == 500 else "You are not allowed to push code to this project.\n"
    ) + "x" * 2_000

    run = publish_after(project)

    assert run.result.failure == failure
    assert words in run.result.detail
    assert len(run.result.detail) <= 500


def test_leaves_no_token_in_its_own_folder_or_log(project: Project) -> None:
    """Publish writes the token nowhere either."""
    run = publish_after(project)

    token = b"glpat-canary-0123456789"
    files = [path for path in (project.folder / "publishing").rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if token in path.read_bytes()]
    assert token.decode() not in run.log
