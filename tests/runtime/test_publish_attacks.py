"""What a hostile agent can leave for publish. Each attack plants a canary: a program that publish must not run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.runtime.conftest import Project, git
from tests.runtime.hostile import Hostile

PROGRAMS = [
    *("core.fsmonitor", "filter.x.clean", "filter.x.smudge", "diff.external", "core.sshCommand"),
    *("credential.helper", "core.pager", "core.editor", "gpg.program", "uploadpack.packObjectsHook"),
]


@pytest.fixture(params=[True, False], ids=["whole", "without-base"])
def hostile(project: Project, request: pytest.FixtureRequest) -> Hostile:
    """Put a work tree in hostile hands."""
    return Hostile(project, whole=request.param)


def plant_hooks(hostile: Hostile) -> None:
    """Plant every hook that a publisher could trip over."""
    for name in ("pre-commit", "pre-push", "commit-msg", "post-commit", "reference-transaction", "post-checkout"):
        hook = hostile.project.repo / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.symlink_to(hostile.canary)


def plant_config(hostile: Hostile) -> None:
    """Name the canary wherever git's configuration takes a program."""
    for name in PROGRAMS:
        hostile.git("config", name, str(hostile.canary))
    hostile.git("config", f"url.file://{hostile.canary.parent}/.insteadOf", "http://")
    (hostile.project.repo / "filtered.txt").write_text("x")
    (hostile.project.repo / ".git" / "info").mkdir(exist_ok=True)
    (hostile.project.repo / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")


def plant_home(hostile: Hostile) -> None:
    """Plant a configuration where a publisher with the agent's HOME would read it."""
    home = hostile.project.workspace / "home"
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text(f"[core]\n\tfsmonitor = {hostile.canary}\n\thooksPath = {hostile.canary.parent}\n")


def plant_replacement(hostile: Hostile) -> None:
    """Replace the base commit, in the agent's repository, by one with another tree."""
    empty = hostile.git("hash-object", "-w", "-t", "tree", "/dev/null")
    other = hostile.git("commit-tree", empty, "-m", "other")
    hostile.git("replace", "-f", hostile.project.order.base_commit, other)


@pytest.mark.parametrize("shared", [False, True], ids=["own-folder", "agents-folder"])
@pytest.mark.parametrize("plant", [plant_hooks, plant_config, plant_home, plant_replacement])
def test_runs_nothing_that_the_agent_planted(
    hostile: Hostile, plant: Callable[[Hostile], None], *, shared: bool
) -> None:
    """The change is pushed, and only the change; even where publish is given the agent's own folder."""
    plant(hostile)
    hostile.hand_over()

    result = hostile.publish(shared=shared)

    assert result.ok, result
    names = git("diff", "--name-only", f"{result.commit}^", result.commit, at=hostile.project.bare).split()
    assert set(names) - {"filtered.txt"} == {"change.txt"}


@pytest.mark.parametrize("plant", [plant_hooks, plant_config, plant_home])
def test_has_canaries_that_sing(hostile: Hostile, plant: Callable[[Hostile], None]) -> None:
    """A publisher that committed in the agent's folder would run them; else the tests here would show nothing."""
    plant(hostile)

    home = str(hostile.project.workspace / "home")
    for command in (["add", "-A"], ["commit", "-qm", "x"]):
        git(*command, at=hostile.project.repo, HOME=home)

    assert hostile.fired.exists()


def test_refuses_a_nested_repository(hostile: Hostile) -> None:
    """A repository inside of the work tree would be a submodule, whose configuration git enters."""
    nested = hostile.project.repo / "nested"
    nested.mkdir()
    git("init", "-q", at=nested)
    git("commit", "-q", "--allow-empty", "-m", "x", at=nested)
    git("config", "core.fsmonitor", str(hostile.canary), at=nested)
    hostile.hand_over()

    result = hostile.publish()

    assert (result.failure, "nested is a submodule" in result.detail) == ("policy", True)


def test_refuses_a_tree_with_a_git_folder(hostile: Hostile) -> None:
    """A checked-out .GIT/hooks is a hook on file systems that ignore case."""
    hook = hostile.tree([("100755", "blob", hostile.blob("#!/bin/sh\n"), b"pre-push")])
    hooks = hostile.git("mktree", stdin=f"040000 tree {hook}\thooks\n".encode())
    hostile.forge(hostile.tree([("040000", "tree", hooks, b".GIT")]))

    assert hostile.publish().failure == "bundle"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".gitlab-ci.yml", ".gitlab-ci.yml"),
        (".gitlab/agents/x/config.yaml", ".gitlab/agents/x/config.yaml"),
        ("sub/.gitattributes", "sub/.gitattributes"),
    ],
)
def test_refuses_protected_paths(hostile: Hostile, path: str, words: str) -> None:
    """What decides about pipelines and owners is not an agent's to change."""
    target = hostile.project.repo / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("x\n")
    hostile.hand_over()

    result = hostile.publish()

    assert (result.failure, result.detail) == ("policy", f"protected paths are changed: {words}")
    assert hostile.project.pushed() == ""


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "sub/../../x", ".git/config"])
def test_refuses_links_that_lead_out(hostile: Hostile, target: str) -> None:
    """A link's target must stay inside of the repository."""
    (hostile.project.repo / "link").symlink_to(target)
    hostile.hand_over()

    result = hostile.publish()

    assert (result.failure, result.detail) == ("policy", "link is a link that leads out of the repository")


def test_lets_a_link_to_a_neighbour_pass(hostile: Hostile) -> None:
    """Relative links inside of the repository are ordinary."""
    (hostile.project.repo / "link").symlink_to("README.md")
    hostile.hand_over()

    assert hostile.publish().ok


def test_refuses_a_submodule(hostile: Hostile) -> None:
    """A gitlink makes whoever clones recursively fetch from anywhere."""
    hostile.forge(hostile.tree([("160000", "commit", "1" * 40, b"module")]))

    assert hostile.publish().failure == "policy"


@pytest.mark.parametrize("name", [b"a\nb", b"a\x1b[31m", "a\u202eb".encode(), "a\u200bb".encode(), b"\xff\xfe"])
def test_refuses_names_that_deceive(hostile: Hostile, name: bytes) -> None:
    """Control, bidirectional and zero-width characters, and what is not UTF-8."""
    hostile.forge(hostile.tree([("100644", "blob", hostile.blob("x"), name)]))

    result = hostile.publish()

    assert result.failure == "policy"
    assert result.detail.isprintable()


def test_makes_its_own_commit_of_forged_ones(hostile: Hostile) -> None:
    """Authors, messages and further commits of the agent's do not get to the server."""
    hostile.git("add", "-A")
    tree = hostile.git("write-tree")
    hostile.forge(tree)

    result = hostile.publish()

    shown = git("log", "--format=%an|%s", f"{result.commit}^!", at=hostile.project.bare)
    assert shown == "Ablehand|Add a health endpoint"
    assert git("for-each-ref", "--format=%(refname)", at=hostile.project.bare).split() == [
        "refs/heads/agent/7-health",
        "refs/heads/main",
    ]


def test_refuses_a_tree_that_repeats_itself_for_ever(hostile: Hostile) -> None:
    """Ten levels of ten equal trees are a few kilobytes, and ten thousand million paths."""
    tree = hostile.git("mktree", stdin=f"100644 blob {hostile.blob('x')}\tf\n".encode())
    for _level in range(10):
        listing = "".join(f"040000 tree {tree}\tfolder{number}\n" for number in range(10))
        tree = hostile.git("mktree", stdin=listing.encode())
    hostile.forge(tree)

    result = hostile.publish()

    assert (result.failure, result.detail) == ("policy", "the change is too large to be listed")


def test_refuses_too_many_files(hostile: Hostile) -> None:
    """More than ten thousand changed files are nobody's review."""
    blob = hostile.blob("x")
    listing = "".join(f"100644 blob {blob}\tf{number}\n" for number in range(10_001))
    hostile.forge(hostile.git("mktree", stdin=listing.encode()))

    assert hostile.publish().detail == "more than 10000 files are changed"
