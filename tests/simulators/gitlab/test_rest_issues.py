"""Issues, comments, emoji, labels, threads, by python-gitlab."""

from datetime import UTC, datetime, timedelta

import pytest
from gitlab.exceptions import GitlabCreateError, GitlabDeleteError, GitlabHttpError, GitlabUpdateError

from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Client, Shop


def test_a_comment_is_made_edited_read_and_deleted(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """The one comment that shows progress lives through all of this."""
    notes = client(shop.bot).projects.get(shop.project.id, lazy=True).issues.get(1, lazy=True).notes

    made = notes.create({"body": "<!-- mark --> working"})
    notes.update(made.id, {"body": "<!-- mark --> done"})

    assert notes.get(made.id).body == "<!-- mark --> done"
    assert [(note.body, note.author.username) for note in gitlab.world.notes(shop.issue)] == [
        ("<!-- mark --> done", "ablehand")
    ]
    notes.delete(made.id)
    assert gitlab.world.notes(shop.issue) == []


def test_only_the_author_or_a_maintainer_edits_a_comment(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """A Developer cannot change another's words."""
    note = gitlab.world.comment(shop.issue, author=shop.guest, body="mine")
    bob, alice = (client(user).projects.get(shop.project.id, lazy=True) for user in (shop.bob, shop.alice))

    with pytest.raises(GitlabUpdateError, match="403"):
        bob.issues.get(1, lazy=True).notes.update(note.id, {"body": "yours"})
    with pytest.raises(GitlabDeleteError, match="403"):
        bob.issues.get(1, lazy=True).notes.delete(note.id)
    alice.issues.get(1, lazy=True).notes.update(note.id, {"body": "ours"})

    assert (note.body, note.author, note.updated_by) == ("ours", shop.guest, shop.alice)


def test_comments_are_paged_and_sorted(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """The newest come first unless asked otherwise, and `Link` leads through all pages."""
    for number in range(45):
        gitlab.world.comment(shop.issue, author=shop.bob, body=f"note {number}")
    notes = client(shop.bot).projects.get("shop/web", lazy=True).issues.get(1, lazy=True).notes

    first = notes.list(per_page=10, iterator=True)
    everything = notes.list(get_all=True, sort="asc", order_by="created_at")

    assert (first.total, first.total_pages, first.next_page) == (45, 5, 2)
    assert next(iter(first)).body == "note 44"
    assert [note.body for note in everything] == [f"note {number}" for number in range(45)]


def test_only_quick_actions_answer_202_without_an_id(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """A comment of nothing but commands is carried out and never saved."""
    notes = client(shop.bob).projects.get(shop.project.id, lazy=True).issues.get(1, lazy=True).notes

    answer = notes.create({"body": "/label ~agent-ready"})

    assert "id" not in answer.attributes
    assert gitlab.world.labels(shop.issue) == ["agent-ready"]
    assert gitlab.world.notes(shop.issue) == []


def test_an_emoji_is_given_once(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """The second of the same name answers GitLab's odd 404."""
    note = gitlab.world.comment(shop.issue, author=shop.bob, body="/agent go")
    awards = client(shop.bot).projects.get("shop/web").issues.get(1).notes.get(note.id).awardemojis

    awards.create({"name": "eyes"})
    with pytest.raises(GitlabCreateError) as refused:
        awards.create({"name": "eyes"})

    assert (refused.value.response_code, gitlab.world.awards(note)) == (404, ["eyes"])
    assert "already been taken" in str(refused.value.error_message)
    awards.delete(awards.list(get_all=True)[0].id)
    assert gitlab.world.awards(note) == []


def test_labels_change_by_deltas_and_remember_who_did_it(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """`add_labels` and `remove_labels` touch nothing else, and label events name the person."""
    gitlab.world.label(shop.issue, shop.alice, add=["agent-ready", "backend"])
    project = client(shop.bot).projects.get(shop.project.id, lazy=True)

    project.issues.update(1, {"add_labels": "agent-running", "remove_labels": ["agent-ready"]})
    events = project.issues.get(1).resourcelabelevents.list(get_all=True)

    assert gitlab.world.labels(shop.issue) == ["backend", "agent-running"]
    assert [(event.user["username"], event.action, event.label["name"]) for event in events] == [
        ("alice", "add", "agent-ready"),
        ("alice", "add", "backend"),
        ("ablehand", "add", "agent-running"),
        ("ablehand", "remove", "agent-ready"),
    ]


def test_a_guest_comments_but_sets_no_labels(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """A Guest's label is left out silently on a new issue and refused on another's."""
    project = client(shop.guest).projects.get(shop.project.id, lazy=True)

    made = project.issues.create({"title": "Mine", "labels": "agent-ready"})

    assert made.labels == []
    with pytest.raises(GitlabUpdateError, match="403"):
        project.issues.update(1, {"add_labels": "agent-ready"})
    assert gitlab.world.labels(shop.issue) == []


def test_a_reply_makes_a_thread(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """Replying to a comment that stood alone turns both into a discussion."""
    note = gitlab.world.comment(shop.issue, author=shop.bob, body="/agent go")
    discussions = client(shop.bot).projects.get("shop/web").issues.get(1).discussions

    assert discussions.get(note.discussion_id).individual_note is True
    discussions.get(note.discussion_id).notes.create({"body": "Done."})

    thread = discussions.get(note.discussion_id).attributes["notes"]
    assert [(one["body"], one["type"]) for one in thread] == [
        ("/agent go", "DiscussionNote"),
        ("Done.", "DiscussionNote"),
    ]


def test_issues_are_found_across_projects(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """A sweep asks for what was labelled and changed since a moment."""
    other = gitlab.world.add_project("shop/api", files={"README.md": "x"})
    gitlab.world.add_member(other, shop.bot)
    wanted = gitlab.world.add_issue(other, author=shop.alice, title="Two", labels=["agent-ready"])
    bot = client(shop.bot)
    hour = timedelta(hours=1)

    found = bot.issues.list(
        scope="all", labels="agent-ready", updated_after=(datetime.now(UTC) - hour).isoformat(), get_all=True
    )
    later = bot.issues.list(scope="all", updated_after=(datetime.now(UTC) + hour).isoformat(), get_all=True)

    assert [(issue.project_id, issue.iid) for issue in found] == [(other.id, wanted.iid)]
    assert later == []


def test_missing_parameters_are_named(client: Client, shop: Shop) -> None:
    """A merge request without its parameters says which."""
    with pytest.raises(GitlabHttpError) as refused:
        client(shop.bob).http_post(f"/projects/{shop.project.id}/merge_requests", post_data={"title": "T"})

    assert refused.value.error_message == "source_branch is missing, target_branch is missing"
