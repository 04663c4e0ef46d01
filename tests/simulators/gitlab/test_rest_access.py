"""Who may call what: tokens, scopes, roles, hidden projects, unknown routes."""

import pytest
import requests
from gitlab import Gitlab
from gitlab.exceptions import GitlabAuthenticationError, GitlabCreateError, GitlabGetError

from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Client, Shop


def test_the_caller_learns_who_it_is_and_what_its_token_may_do(client: Client, shop: Shop) -> None:
    """A bot at boot asks for its own user, its token and the version."""
    bot = client(shop.bot, "api", "read_repository")

    bot.auth()

    assert bot.user is not None
    assert (bot.user.id, bot.user.username, bot.user.bot) == (shop.bot.id, "ablehand", True)
    assert bot.personal_access_tokens.get("self").scopes == ["api", "read_repository"]
    assert bot.version()[0] == "19.0.0"


def test_an_unknown_token_is_refused(gitlab: GitLabServer) -> None:
    """A token that nobody made answers 401 in GitLab's words."""
    answer = requests.get(f"{gitlab.url}/api/v4/user", headers={"PRIVATE-TOKEN": "glpat-nothing"}, timeout=60)

    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_a_revoked_token_is_refused(gitlab: GitLabServer, shop: Shop) -> None:
    """A revoked token says that it was revoked."""
    token = gitlab.world.add_token(shop.bob)
    gitlab.world.revoke_token(token)

    answer = requests.get(f"{gitlab.url}/api/v4/user", headers={"PRIVATE-TOKEN": token}, timeout=60)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("scope", ["read_api", "read_repository", "write_repository"])
def test_writes_need_the_api_scope(client: Client, shop: Shop, scope: str) -> None:
    """Any smaller scope cannot comment."""
    project = client(shop.bob, scope).projects.get(shop.project.id, lazy=True)

    with pytest.raises(GitlabCreateError) as refused:
        project.issues.get(1, lazy=True).notes.create({"body": "hello"})

    assert (refused.value.response_code, refused.value.error_message) == (403, "insufficient_scope")


def test_reads_work_with_the_read_scope(client: Client, shop: Shop) -> None:
    """`read_api` is enough to read a project by its path."""
    project = client(shop.bob, "read_api").projects.get("shop/web")

    assert (project.id, project.default_branch) == (shop.project.id, "main")


def test_a_private_project_is_hidden_from_others(client: Client, shop: Shop) -> None:
    """Who is no member gets the same 404 as for a project that is not there."""
    with pytest.raises(GitlabGetError) as refused:
        client(shop.stranger).projects.get("shop/web")

    assert (refused.value.response_code, refused.value.error_message) == (404, "404 Project Not Found")


def test_a_visitor_without_a_token_is_refused_where_a_user_is_needed(gitlab: GitLabServer) -> None:
    """No token at all answers 401."""
    with pytest.raises(GitlabAuthenticationError), Gitlab(gitlab.url, timeout=60) as visitor:
        visitor.auth()


def test_roles_are_told_per_project(client: Client, shop: Shop) -> None:
    """`members/all/:id` is how a bot asks for a role; 404 means no member."""
    members = client(shop.bot).projects.get(shop.project.id, lazy=True).members_all

    assert members.get(shop.bob.id).access_level == 30
    assert {member.username for member in members.list(get_all=True)} == {"alice", "bob", "guest", "ablehand"}
    with pytest.raises(GitlabGetError, match="404"):
        members.get(shop.stranger.id)


def test_a_confidential_issue_is_hidden_from_guests(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """A Guest neither gets nor lists it, a Developer does."""
    secret = gitlab.world.add_issue(shop.project, author=shop.alice, title="Secret", confidential=True)

    guest, bob = (client(user).projects.get(shop.project.id, lazy=True) for user in (shop.guest, shop.bob))

    assert [issue.iid for issue in guest.issues.list(get_all=True)] == [shop.issue.iid]
    assert bob.issues.get(secret.iid).confidential is True
    with pytest.raises(GitlabGetError, match="404"):
        guest.issues.get(secret.iid)


def test_an_unknown_route_fails_loudly(gitlab: GitLabServer) -> None:
    """A call that nobody planned for answers 501 with its name."""
    answer = requests.get(f"{gitlab.url}/api/v4/projects/shop%2Fweb/no_such_thing", timeout=60)

    assert answer.status_code == 501
    assert "GET /projects/shop%2Fweb/no_such_thing" in answer.json()["error"]


def test_every_call_is_recorded_with_its_user(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """A test can count what a bot called."""
    gitlab.calls.clear()

    client(shop.bot).projects.get("shop/web")

    assert gitlab.calls == [("GET", "/api/v4/projects/shop%2Fweb", "ablehand", 200)]


def test_a_project_token_has_a_bot_of_its_own_and_rotates(client: Client, shop: Shop) -> None:
    """A project access token works as a new bot user; rotating keeps the user and ends the old token."""
    project = client(shop.alice).projects.get(shop.project.id)

    made = project.access_tokens.create({"name": "agent", "scopes": ["api"], "access_level": 30})
    first = made.token
    rotated = made.rotate()

    assert rotated["token"] != first
    assert rotated["user_id"] == made.user_id
    assert [token.id for token in project.access_tokens.list(state="active", get_all=True)] == [rotated["id"]]
