"""git over HTTP with the real client: tokens, scopes, roles, protected branches, pushes large and shallow clones."""

import os
import subprocess
from pathlib import Path

import pytest

from simulators.gitlab.records import User
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Shop
from tests.simulators.gitlab.receiver import Receiver

IDENTITY = ("-c", "user.name=T", "-c", "user.email=t@example.com")


def git(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run git as a client would, isolated from this machine's configuration."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    command = ["git", *IDENTITY, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


def address(gitlab: GitLabServer, token: str) -> str:
    """Return the clone address with a token in it."""
    return gitlab.url.replace("://", f"://oauth2:{token}@") + "/shop/web.git"


def cloned(gitlab: GitLabServer, user: User, folder: Path, *scopes: str) -> Path:
    """Clone the project as a user and return the work tree."""
    token = gitlab.world.add_token(user, scopes=scopes or ("write_repository",))
    done = git("clone", "-q", address(gitlab, token), "work", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "work"


def test_a_shallow_single_branch_clone_works(gitlab: GitLabServer, shop: Shop, tmp_path: Path) -> None:
    """One commit of one branch, with a token that may only read."""
    gitlab.world.commit_files(shop.project, files={"two": "2"})
    token = gitlab.world.add_token(shop.bot, scopes={"read_repository"})
    flags = ("--depth", "1", "--single-branch", "--no-tags", "--filter=blob:none")

    done = git("clone", "-q", *flags, address(gitlab, token), "work", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "work").stdout == "1\n"
    assert (tmp_path / "work" / "two").read_text() == "2"


@pytest.mark.parametrize(
    ("scopes", "member", "said"),
    [
        pytest.param(None, True, "HTTP Basic: Access denied", id="wrong token"),
        pytest.param({"read_api"}, True, "HTTP Basic: Access denied", id="no scope for git"),
        pytest.param({"api"}, False, "The project you were looking for could not be found", id="hidden"),
    ],
)
def test_a_clone_is_refused(
    gitlab: GitLabServer, shop: Shop, tmp_path: Path, *, scopes: set[str] | None, member: bool, said: str
) -> None:
    """GitLab's words reach the client."""
    user = shop.bot if member else shop.stranger
    token = gitlab.world.add_token(user, scopes=scopes) if scopes else "glpat-wrong"

    done = git("clone", address(gitlab, token), "work", cwd=tmp_path)

    assert done.returncode != 0
    assert said in done.stderr


def test_a_visitor_clones_a_public_project_only(gitlab: GitLabServer, shop: Shop, tmp_path: Path) -> None:
    """Without a token a private project asks for one, a public one is there."""
    address_without_token = f"{gitlab.url}/shop/web.git"

    refused = git("clone", address_without_token, "one", cwd=tmp_path)
    shop.project.visibility = "public"
    allowed = git("clone", address_without_token, "two", cwd=tmp_path)

    assert "could not read Username" in refused.stderr
    assert allowed.returncode == 0


def test_a_push_lands_and_says_how_to_open_a_merge_request(gitlab: GitLabServer, shop: Shop, tmp_path: Path) -> None:
    """The branch is there, and git prints GitLab's advice."""
    work = cloned(gitlab, shop.bot, tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "Work", cwd=work)

    pushed = git("push", "-o", "ci.skip", "origin", "HEAD:agent/issue-1", cwd=work)

    assert pushed.returncode == 0, pushed.stderr
    assert "remote: To create a merge request for agent/issue-1, visit:" in pushed.stderr
    head = git("rev-parse", "HEAD", cwd=work).stdout.strip()
    assert shop.project.repository.branch_sha("agent/issue-1") == head


@pytest.mark.parametrize("size", [5_000, 3_000_000], ids=["gzipped", "chunked"])
def test_pushes_of_any_size_arrive(gitlab: GitLabServer, shop: Shop, tmp_path: Path, size: int) -> None:
    """Git compresses small requests and sends large ones in chunks of unknown number."""
    work = cloned(gitlab, shop.bot, tmp_path)
    (work / "noise").write_bytes(os.urandom(size))
    git("add", ".", cwd=work)
    git("commit", "-q", "-m", "Noise", cwd=work)

    pushed = git("push", "origin", "HEAD:agent/noise", cwd=work)

    assert pushed.returncode == 0, pushed.stderr
    stored = shop.project.repository.file("agent/noise", "noise")
    assert stored == (work / "noise").read_bytes()


@pytest.mark.parametrize(
    ("username", "scope", "branch", "said"),
    [
        pytest.param("bob", "read_repository", "x", "You are not allowed to upload code.", id="token only reads"),
        pytest.param("reporter", "api", "x", "You are not allowed to push code to this project.", id="Reporter"),
        pytest.param(
            "bob",
            "api",
            "main",
            "GitLab: You are not allowed to push code to protected branches on this project.",
            id="protected",
        ),
        pytest.param("bob", "api", "release/1.0", "GitLab: You are not allowed to push code", id="protected pattern"),
        pytest.param("alice", "api", "release/1.0", "", id="Maintainer"),
    ],
)
def test_pushes_are_refused_in_gitlabs_words(
    gitlab: GitLabServer, shop: Shop, tmp_path: Path, *, username: str, scope: str, branch: str, said: str
) -> None:
    """The scope, the role and protected branches each refuse; nothing moves then."""
    gitlab.world.protect_branch(shop.project, "release/*", push_level=40)
    gitlab.world.add_member(shop.project, gitlab.world.add_user("reporter"), access_level=20)
    before = shop.project.repository.branches()
    work = cloned(gitlab, gitlab.world.user(username), tmp_path, scope)
    git("commit", "-q", "--allow-empty", "-m", "Work", cwd=work)

    pushed = git("push", "origin", f"HEAD:{branch}", cwd=work)

    assert said in pushed.stderr
    assert (pushed.returncode == 0) is (said == "")
    assert (shop.project.repository.branches() == before) is (said != "")


def test_a_forced_push_to_a_protected_branch_is_refused(gitlab: GitLabServer, shop: Shop, tmp_path: Path) -> None:
    """A Maintainer may push there, but may not rewrite it."""
    work = cloned(gitlab, shop.alice, tmp_path)
    git("commit", "-q", "--amend", "-m", "Rewritten", cwd=work)

    pushed = git("push", "--force", "origin", "HEAD:main", cwd=work)

    assert "GitLab: You are not allowed to force push code to a protected branch" in pushed.stderr


def test_a_switch_refuses_pushes_with_a_message(gitlab: GitLabServer, shop: Shop, tmp_path: Path) -> None:
    """As a push rule would, by the pre-receive hook."""
    work = cloned(gitlab, shop.bot, tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "Work", cwd=work)
    gitlab.faults.push_refusal = "Commit message does not follow the pattern"

    pushed = git("push", "origin", "HEAD:agent/x", cwd=work)

    assert "remote: GitLab: Commit message does not follow the pattern" in pushed.stderr
    assert "pre-receive hook declined" in pushed.stderr


def test_a_push_to_a_merge_request_tells_its_hook(
    gitlab: GitLabServer, shop: Shop, tmp_path: Path, receiver: Receiver
) -> None:
    """The merge request follows its branch, and the hook says where that was before; git names the request."""
    old = gitlab.world.commit_files(shop.project, files={"a": "1"}, branch="agent/x", author=shop.bot)
    request = gitlab.world.add_merge_request(
        shop.project, author=shop.bot, title="X", branches={"source_branch": "agent/x", "target_branch": "main"}
    )
    gitlab.world.add_hook(shop.project, receiver.url, events=["merge_requests_events", "push_events"])
    work = cloned(gitlab, shop.bot, tmp_path)
    git("checkout", "-q", "agent/x", cwd=work)
    git("commit", "-q", "--allow-empty", "-m", "More", cwd=work)

    pushed = git("push", "origin", "HEAD:agent/x", cwd=work)
    gitlab.wait_for_hooks()

    assert "remote: View merge request for agent/x:" in pushed.stderr
    push, update = (one.json for one in receiver.received)
    assert (push["object_kind"], push["ref"], push["before"]) == ("push", "refs/heads/agent/x", old)
    assert (update["object_attributes"]["action"], update["object_attributes"]["oldrev"]) == ("update", old)
    assert request.sha == push["after"] != old


def test_an_archived_project_is_read_only(gitlab: GitLabServer, shop: Shop, tmp_path: Path) -> None:
    """It may still be cloned, and takes no push."""
    gitlab.world.archive(shop.project)
    work = cloned(gitlab, shop.bot, tmp_path)

    pushed = git("push", "origin", "HEAD:agent/x", cwd=work)

    assert "You are not allowed to push code to this project." in pushed.stderr


def test_an_empty_project_takes_its_first_push(gitlab: GitLabServer, shop: Shop, tmp_path: Path) -> None:
    """A project without files has no branch until a Maintainer pushes one."""
    empty = gitlab.world.add_project("shop/empty")
    gitlab.world.add_member(empty, shop.alice, access_level=40)
    work = cloned(gitlab, shop.alice, tmp_path)
    token = gitlab.world.add_token(shop.alice)

    assert gitlab.world.branches(empty) == []
    pushed = git("push", address(gitlab, token).replace("/web", "/empty"), "HEAD:main", cwd=work)

    assert pushed.returncode == 0, pushed.stderr
    assert gitlab.world.branches(empty) == ["main"]
