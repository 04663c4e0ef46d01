"""Comments on lines and linked items by python-gitlab, as GitLab takes and refuses them."""

from typing import Any

import pytest
from gitlab.exceptions import GitlabCreateError

from simulators.gitlab.records import MergeRequest
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Client, Shop


@pytest.fixture
def request_(gitlab: GitLabServer, shop: Shop) -> MergeRequest:
    """Return a merge request that changes the second of two lines."""
    gitlab.world.commit_files(shop.project, files={"src/app.py": "one\n2\nthree\n"}, branch="work")
    branches: Any = {"source_branch": "work", "target_branch": "main"}
    return gitlab.world.add_merge_request(shop.project, author=shop.bob, title="Work", branches=branches)


def position(request: MergeRequest, **fields: object) -> dict[str, object]:
    """Make a position in the diff."""
    shas = {"base_sha": request.base_sha, "start_sha": request.base_sha, "head_sha": request.sha}
    return {"position_type": "text", "old_path": "src/app.py", "new_path": "src/app.py", **shas, **fields}


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        pytest.param({"new_line": 2}, (None, 2), id="added"),
        pytest.param({"old_line": 2}, (2, None), id="removed"),
        pytest.param({"old_line": 1, "new_line": 1}, (1, 1), id="unchanged"),
    ],
)
def test_a_line_of_the_diff_is_taken(
    client: Client, shop: Shop, request_: MergeRequest, lines: dict[str, int], kept: tuple[object, object]
) -> None:
    """The note is a line comment with both numbers."""
    discussions = client(shop.bot).projects.get(shop.project.id).mergerequests.get(request_.iid).discussions

    made: Any = discussions.create({"body": "Hm", "position": position(request_, **lines)})

    [note] = made.attributes["notes"]
    assert note["type"] == "DiffNote"
    assert (note["position"]["old_line"], note["position"]["new_line"]) == kept


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"new_line": 9}, id="no-such-line"),
        pytest.param({"new_line": 1}, id="unchanged-with-one-number"),
        pytest.param({"old_line": 2, "new_line": 2}, id="no-pair"),
        pytest.param({"new_line": 2, "new_path": "README.md", "old_path": "README.md"}, id="other-file"),
        pytest.param({"new_line": 2, "head_sha": "0" * 40}, id="unknown-commit"),
        pytest.param({}, id="no-line"),
    ],
)
def test_any_other_line_is_refused(
    client: Client, shop: Shop, request_: MergeRequest, fields: dict[str, object]
) -> None:
    """With 400 and a word about the line code, and no note is left."""
    discussions = client(shop.bot).projects.get(shop.project.id).mergerequests.get(request_.iid).discussions

    with pytest.raises(GitlabCreateError) as refused:
        discussions.create({"body": "Hm", "position": position(request_, **fields)})

    assert refused.value.response_code == 400
    assert "line_code" in str(refused.value.error_message)
    assert request_.notes == []


def test_links_are_those_that_one_may_see(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """Both ends know of a link; who may not see an issue is not told of it."""
    secret = gitlab.world.add_issue(shop.project, author=shop.alice, title="Secret", confidential=True)
    gitlab.world.link_issues(shop.issue, secret)

    def linked(user: Any, iid: int) -> list[int]:
        """List the numbers of an issue's links."""
        issue = client(user).projects.get(shop.project.id).issues.get(iid)
        return [link.iid for link in issue.links.list(get_all=True)]

    assert linked(shop.bob, shop.issue.iid) == [secret.iid]
    assert linked(shop.bob, secret.iid) == [shop.issue.iid]
    assert linked(shop.guest, shop.issue.iid) == []


def test_related_is_more_than_closing(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """A merge request that names an issue is related to it, also from another project; closing takes more words."""
    other = gitlab.world.add_project("shop/other", files={"a": "b"}, visibility="public")
    for project, words in ((shop.project, "See #1"), (other, "For shop/web#1"), (other, "Its own #1")):
        branch = f"work-{len(project.merge_requests)}"
        gitlab.world.commit_files(project, files={"b": words}, branch=branch)
        branches: Any = {"source_branch": branch, "target_branch": "main"}
        gitlab.world.add_merge_request(project, author=shop.bob, title=words, description=words, branches=branches)
    issue = client(shop.bob).projects.get(shop.project.id).issues.get(1)

    assert [each["title"] for each in issue.related_merge_requests()] == ["See #1", "For shop/web#1"]
    assert issue.closed_by() == []
