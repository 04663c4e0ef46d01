"""Our calls to GitLab, against the simulated one: what they read and write."""

from __future__ import annotations

import pytest

from core.errors import (
    GitLabConflict,
    GitLabError,
    GitLabNotFound,
)
from core.gitlab.hooks import HookOwner
from core.gitlab.nouns import Issue, LabelEvent, Note, Project, User
from tests.worker.town import Town


def test_nouns_are_read_whole(town: Town) -> None:
    """A user, a project by id and by path, an issue and a comment come with every field that we use."""
    note = town.say("/agent go", internal=True)
    gitlab, project, issue = town.client(), town.project, town.issue
    alice = User(id=town.alice.id, username="alice", name="Alice Doe", bot=False)

    assert gitlab.me() == User(id=town.bot.id, username="ablehand", name="Ablehand", bot=True)
    assert gitlab.user(town.alice.id) == alice
    expected = Project(
        id=project.id, path="shop/web", default_branch="main", visibility="private", archived=False, empty=False,
        clone_url=f"{town.server.url}/shop/web.git", web_url=f"{town.server.url}/shop/web",
    )  # fmt: skip
    assert gitlab.project(project.id) == gitlab.project_at("shop/web") == expected
    read = gitlab.issue(project.id, issue.iid)
    assert read == Issue(
        iid=issue.iid, project_id=project.id, title="A health check", description="It says ok.", author=alice_of(read),
        labels=(), confidential=False, is_open=True, updated_at=read.updated_at, created_at=read.created_at,
        web_url=f"{town.server.url}/shop/web/-/issues/{issue.iid}",
    )  # fmt: skip
    assert read.author.id == alice.id
    comment = gitlab.note(town.place, note.id)
    assert comment == Note(
        id=note.id, body="/agent go", author=comment.author, created_at=comment.created_at,
        updated_at=comment.created_at, system=False, internal=True,
    )  # fmt: skip


def alice_of(issue: Issue) -> User:
    """Give an issue's author, whose bot flag no issue tells."""
    return User(id=issue.author.id, username="alice", name="Alice Doe")


def test_me_is_asked_once(town: Town) -> None:
    """The bot's own user does not change while a process lives."""
    gitlab = town.client()

    assert gitlab.me() is gitlab.me()
    assert town.count("GET", "/user") == 1


def test_every_page_of_comments_is_read(town: Town) -> None:
    """The 105 comments come newest first and without GitLab's own notes; *newest* bounds them."""
    written = [town.say(f"Comment {number}").id for number in range(105)]
    town.world.assign(town.issue, town.alice, town.alice)
    gitlab = town.client()

    notes = gitlab.notes(town.place)

    assert [note.id for note in notes] == written[::-1]
    newest = gitlab.notes(town.place, newest=3)
    assert [note.id for note in newest] == written[:-4:-1]


def test_comments_are_written_edited_and_internal(town: Town) -> None:
    """A comment's id comes back, an edit replaces its text."""
    gitlab, where = town.client(), town.place

    first = gitlab.create_note(where, "one")
    second = gitlab.create_note(where, "two", internal=True)
    gitlab.edit_note(where, first, "three")

    assert [(note.id, note.body, note.internal) for note in town.world.notes(town.issue)] == [
        (first, "three", False),
        (second, "two", True),
    ]


def test_a_comment_of_quick_actions_alone_is_an_error(town: Town) -> None:
    """GitLab answers without an id where it took the text for commands."""
    with pytest.raises(GitLabError, match="commands alone"):
        town.client().create_note(town.place, "/close")


@pytest.mark.parametrize("on_note", [True, False], ids=["comment", "issue"])
def test_an_award_may_be_given_twice(town: Town, *, on_note: bool) -> None:
    """GitLab refuses the second one with a 404 of its own, which is no error to us."""
    note = town.say("/agent go")
    gitlab = town.client()

    for _ in range(2):
        gitlab.award(town.place, note.id if on_note else 0, "eyes")

    assert town.world.awards(note if on_note else town.issue) == ["eyes"]


def test_an_award_on_what_is_gone_is_an_error(town: Town) -> None:
    """A 404 that speaks of no award is not swallowed."""
    with pytest.raises(GitLabNotFound):
        town.client().award(town.place, 999_999, "eyes")


def test_access_is_the_persons_role(town: Town) -> None:
    """A member has their level, a stranger none."""
    stranger = town.world.add_user("stranger")
    gitlab = town.client()

    assert gitlab.access_level(town.project.id, town.alice.id) == 30
    assert gitlab.access_level(town.project.id, stranger.id) == 0


def test_a_blocked_member_has_no_access(town: Town) -> None:
    """GitLab still lists a blocked user as a member."""
    town.world.block_user(town.alice)

    assert town.client().access_level(town.project.id, town.alice.id) == 0


@pytest.mark.parametrize(
    ("member", "level"),
    [
        ('{"state": "active", "access_level": 30}', 30),
        ('{"state": "active", "membership_state": "active", "access_level": 40, "expires_at": null}', 40),
        ('{"state": "active", "access_level": 30, "expires_at": "2999-01-01"}', 30),
        ('{"state": "active", "access_level": 30, "expires_at": "2020-01-01"}', 0),
        ('{"state": "active", "membership_state": "awaiting", "access_level": 30}', 0),
        ('{"state": "deactivated", "access_level": 50}', 0),
        ('{"state": "active", "access_level": null}', 0),
        ("{}", 0),
    ],
    ids=["active", "active-twice", "expires-later", "expired", "awaiting", "deactivated", "no-level", "empty"],
)
def test_only_an_active_membership_counts(town: Town, member: str, level: int) -> None:
    """Every doubt about a membership means none; GitLab lists an expired one until its nightly job."""
    town.server.faults.answer("GET", r"/members/all/", status=200, body=member)

    assert town.client().access_level(town.project.id, town.alice.id) == level


def test_memberships_are_the_bots_own(town: Town) -> None:
    """A public project that the bot may see is not one that it is a member of."""
    town.world.add_project("other/open", visibility="public")

    assert town.client().memberships() == [town.project.id]


def test_changed_issues_are_listed(town: Town) -> None:
    """Only open issues that changed since come, the longest unchanged first."""
    closed = town.world.add_issue(town.project, author=town.alice, title="Closed")
    later = town.world.add_issue(town.project, author=town.alice, title="Later")
    town.world.close_issue(closed)
    gitlab = town.client()

    assert [issue.iid for issue in gitlab.issues_since("2020-01-01T00:00:00+00:00")] == [town.issue.iid, later.iid]
    assert gitlab.issues_since("2999-01-01T00:00:00+00:00") == []


def test_labels_move_and_tell_who_moved_them(town: Town) -> None:
    """One label comes, others go, a foreign one stays; the events come oldest first with their people."""
    town.world.label(town.issue, town.alice, add=["agent-ready", "backend"])
    gitlab, where = town.client(), town.place

    gitlab.change_labels(where, add="agent-running", remove=("agent-ready", "agent-done"))

    assert sorted(town.world.labels(town.issue)) == ["agent-running", "backend"]
    events = gitlab.label_events(where)
    assert all(isinstance(event, LabelEvent) and event.user for event in events)
    told = [(event.label, event.action, event.user.username if event.user else "") for event in events]
    assert sorted(told[:2]) == [("agent-ready", "add", "alice"), ("backend", "add", "alice")]
    assert sorted(told[2:]) == [("agent-ready", "remove", "ablehand"), ("agent-running", "add", "ablehand")]


def test_a_branch_has_a_head_or_none(town: Town) -> None:
    """A branch with a slash is found, a missing one is empty."""
    sha = town.world.commit_files(town.project, files={"a": "b"}, branch="agent/1-x")
    gitlab = town.client()

    assert gitlab.branch_head(town.project.id, "agent/1-x") == sha
    assert gitlab.branch_head(town.project.id, "agent/2-x") == ""


def test_a_merge_request_is_opened_found_and_not_opened_twice(town: Town) -> None:
    """The second POST is a conflict, and the lookup by branch finds the first."""
    town.world.commit_files(town.project, files={"a": "b"}, branch="agent/1-x")
    gitlab, project = town.client(), town.project.id
    fields = {"source_branch": "agent/1-x", "target_branch": "main", "title": "One"}

    assert gitlab.merge_request_from(project, "agent/1-x") is None
    opened = gitlab.create_merge_request(project, fields)
    with pytest.raises(GitLabConflict):
        gitlab.create_merge_request(project, fields)

    url = f"{town.server.url}/shop/web/-/merge_requests/1"
    found = gitlab.merge_request_from(project, "agent/1-x")
    assert found is not None
    for request in (opened, found):
        assert (request.iid, request.web_url, request.is_open, request.is_from_fork) == (1, url, True, False)
        assert (request.source_branch, request.target_branch, request.project_id) == ("agent/1-x", "main", project)


def test_token_and_version_are_told(town: Town) -> None:
    """The doctor reads scopes, end and GitLab's version."""
    gitlab = town.client()

    assert gitlab.token()["scopes"] == ["api"]
    assert gitlab.version()


def test_a_hook_is_created_and_changed(town: Town) -> None:
    """The same call with an id changes the hook."""
    gitlab = town.client()

    owner = HookOwner(full_path="shop/web")
    made = gitlab.save_hook(owner, 0, {"url": "https://a.example/hook", "note_events": True})
    gitlab.save_hook(owner, int(made["id"]), {"note_events": False})

    assert [(hook["url"], hook["note_events"]) for hook in gitlab.hooks(owner)] == [("https://a.example/hook", False)]
