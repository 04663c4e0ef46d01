"""The pages: a person opens an issue, comments, labels and merges; hostile text stays text."""

import pytest
import requests

from simulators.gitlab.pages.markdown import render
from simulators.gitlab.records import MergeRequest
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Shop


@pytest.fixture
def request_of_bot(gitlab: GitLabServer, shop: Shop) -> MergeRequest:
    """Open a merge request that changes a file."""
    gitlab.world.commit_files(shop.project, files={"src/app.py": "<b>two</b>\n"}, branch="agent/x", author=shop.bot)
    return gitlab.world.add_merge_request(
        shop.project,
        author=shop.bot,
        title="Change it",
        branches={"source_branch": "agent/x", "target_branch": "main"},
        description="Closes #1",
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;", id="script"),
        pytest.param("<!-- mark -->\nhi", "<p>hi</p>", id="comment"),
        pytest.param("<!-- a --><script>", "&lt;script&gt;", id="tag after a comment"),
        pytest.param("<!-- never closed\n\n<script>x", "", id="comment without an end"),
        pytest.param("a <img src=x onerror=alert(1)> b", "&lt;img src=x onerror=alert(1)&gt;", id="inline tag"),
        pytest.param("<details open onclick=x>", "&lt;details open onclick=x&gt;", id="attributes"),
        pytest.param("<details><summary>S</summary>\n\nx\n\n</details>", "<details><summary>S</summary>", id="fold"),
        pytest.param("[x](javascript:alert(1))", "[x](javascript:alert(1))", id="link to a script"),
        pytest.param("`<!-- kept -->`", "<code>&lt;!-- kept --&gt;</code>", id="comment in code"),
        pytest.param("- [x] done", '<input type="checkbox" disabled checked> done', id="task done"),
        pytest.param("- [ ] `a` open", '<input type="checkbox" disabled> <code>a</code> open', id="task open"),
        pytest.param(":eyes: :nothing:", "👀 :nothing:", id="emoji"),
    ],
)
def test_texts_are_rendered_safely(text: str, shown: str) -> None:
    """Comments vanish, three tags without attributes pass, everything else is shown as text."""
    html = str(render(text))

    assert shown in html
    assert "<script" not in html
    assert "<img" not in html


def test_hostile_text_does_not_run_on_the_page(gitlab: GitLabServer, shop: Shop) -> None:
    """Title, description, names, labels and comments are all escaped, and no script could run anyway."""
    evil = "<script>alert(1)</script>"
    mallory = gitlab.world.add_user("mallory", name=evil)
    issue = gitlab.world.add_issue(shop.project, author=mallory, title=evil, description=evil, labels=[evil])
    gitlab.world.comment(issue, author=mallory, body=evil)

    page = requests.get(f"{gitlab.url}/shop/web/-/issues/{issue.iid}", timeout=60)

    assert page.status_code == 200
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_a_person_opens_an_issue_comments_and_labels(gitlab: GitLabServer, shop: Shop) -> None:
    """The forms do what they say, as the person who is chosen, and quick actions work."""
    place = f"{gitlab.url}/shop/web/-/issues"

    opened = requests.post(place, data={"author": "bob", "title": "Typed", "description": "By hand"}, timeout=60)
    requests.post(f"{place}/2/notes", data={"author": "bob", "body": "/agent go\n/assign me"}, timeout=60)
    requests.post(f"{place}/2/labels", data={"author": "alice", "add": "agent-ready"}, timeout=60)
    refused = requests.post(f"{place}/2/labels", data={"author": "guest", "add": "no"}, timeout=60)

    issue = shop.project.issues[2]
    assert opened.url == f"{place}/2"
    assert (issue.author, issue.description, issue.assignees) == (shop.bob, "By hand", [shop.bob])
    assert [note.body for note in gitlab.world.notes(issue)] == ["/agent go"]
    assert (gitlab.world.labels(issue), refused.status_code) == (["agent-ready"], 403)
    page = requests.get(f"{place}/2", timeout=60).text
    assert all(text in page for text in ("Typed", "By hand", "/agent go", "agent-ready", "assigned to @bob"))


def test_a_form_of_another_site_is_refused(gitlab: GitLabServer, shop: Shop) -> None:
    """A page elsewhere cannot act through a visitor's browser."""
    answer = requests.post(
        f"{gitlab.url}/shop/web/-/issues",
        data={"author": "bob", "title": "Not mine"},
        headers={"Origin": "http://evil.example"},
        timeout=60,
    )

    assert (answer.status_code, len(shop.project.issues)) == (403, 1)


def test_a_person_reads_the_diff_and_merges(gitlab: GitLabServer, shop: Shop, request_of_bot: MergeRequest) -> None:
    """The diff is escaped; the button merges for real."""
    place = f"{gitlab.url}/shop/web/-/merge_requests/{request_of_bot.iid}"

    diff = requests.get(f"{place}/diffs", timeout=60).text
    merged = requests.post(f"{place}/merge", data={"author": "alice"}, timeout=60)

    assert '<span class="plus">+&lt;b&gt;two&lt;/b&gt;</span>' in diff
    assert (merged.status_code, request_of_bot.state, shop.issue.state) == (200, "merged", "closed")


@pytest.mark.usefixtures("request_of_bot")
@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("", 200, "shop/web"),
        ("shop/web", 200, "Add a health check"),
        ("shop/web/-/issues/new", 200, "Create issue"),
        ("shop/web/-/issues/1?follow", 200, "stop following"),
        ("shop/web/-/issues/99", 404, "404"),
        ("shop/web/-/merge_requests", 200, "Change it"),
        ("shop/web/-/merge_requests/1", 200, "Merge"),
        ("shop/web/-/branches", 200, "agent/x"),
        ("shop/web/-/tree/agent/x", 200, "src/app.py"),
        ("shop/web/-/blob/main/src/app.py", 200, "one\ntwo"),
        ("shop/web/-/commit/main", 200, "Initial commit"),
        ("shop/web/-/hooks", 200, "There are no webhooks"),
        ("shop/nothing", 404, "Project Not Found"),
        ("-/static/style.css", 200, ".avatar"),
    ],
)
def test_every_page_opens(gitlab: GitLabServer, path: str, status: int, text: str) -> None:
    """Each shows what it is for, and what is missing says so."""
    page = requests.get(f"{gitlab.url}/{path}", timeout=60)

    assert page.status_code == status
    assert text in page.text
