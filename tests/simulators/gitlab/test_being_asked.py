"""How GitLab tells somebody that they are asked for something: system notes, to-dos, hooks of projects and groups."""

import pytest
from gitlab.exceptions import GitlabError

from simulators.gitlab.records import MergeRequest
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Client, Shop
from tests.simulators.gitlab.receiver import Receiver

ALL = ["issues_events", "merge_requests_events", "note_events"]


def request_of(gitlab: GitLabServer, shop: Shop) -> MergeRequest:
    """Open a merge request as bob."""
    gitlab.world.commit_files(shop.project, files={"a": "b"}, branch="feature")
    return gitlab.world.add_merge_request(
        shop.project, author=shop.bob, title="A", branches={"source_branch": "feature", "target_branch": "main"}
    )


def system_notes(item: object) -> list[str]:
    """List what GitLab itself wrote on an issue or merge request."""
    return [note.body for note in item.notes if note.system]  # type: ignore[attr-defined]


def test_system_notes_name_who_was_added_and_who_left(gitlab: GitLabServer, shop: Shop) -> None:
    """In GitLab's own words, also for what an issue was opened with."""
    world = gitlab.world
    request = request_of(gitlab, shop)
    world.assign(request, shop.bob, shop.alice, shop.bot)
    world.assign(request, shop.bob, shop.alice, shop.bob)
    world.change_item(request, shop.bob, reviewers=[shop.bot])
    world.request_review(request, shop.alice, shop.bot)
    world.change_item(request, shop.bob, reviewers=[])
    opened = world.add_issue(shop.project, author=shop.bob, title="B", assignees=[shop.alice, shop.bob, shop.bot])

    assert system_notes(request) == [
        "assigned to @alice and @ablehand",
        "assigned to @bob and unassigned @ablehand",
        "requested review from @ablehand",
        "requested review from @ablehand",
        "removed review request for @ablehand",
    ]
    assert system_notes(opened) == ["assigned to @alice, @bob, and @ablehand"]


def test_a_list_of_todos_grows_and_is_settled(client: Client, gitlab: GitLabServer, shop: Shop) -> None:
    """Mentions come each, an assignment only where nothing is pending; a comment of one's own settles all of it."""
    world = gitlab.world
    first = world.comment(shop.issue, author=shop.bob, body="@ablehand do it")
    world.comment(shop.issue, author=shop.bob, body="or `no`, @ablehand")
    world.comment(shop.issue, author=shop.bob, body="mail a@ablehand.example, @ablehand-two")
    world.assign(shop.issue, shop.bob, shop.bot)
    request = request_of(gitlab, shop)
    world.change_item(request, shop.bob, reviewers=[shop.bot])

    todos = client(shop.bot).todos.list(get_all=True)

    assert [(todo.action_name, todo.target_type, todo.target["iid"]) for todo in todos] == [
        ("review_requested", "MergeRequest", request.iid),
        ("mentioned", "Issue", shop.issue.iid),
        ("directly_addressed", "Issue", shop.issue.iid),
    ]
    assert todos[2].target_url.endswith(f"#note_{first.id}")
    world.comment(shop.issue, author=shop.bot, body="On it")
    todos[0].mark_as_done()
    assert client(shop.bot).todos.list(get_all=True) == []


def test_a_review_asked_for_again_is_told_as_two_lists(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> None:
    """The second request names the reviewer before and after, with `re_requested`."""
    request = request_of(gitlab, shop)
    gitlab.world.add_hook(shop.project, receiver.url, events=ALL)
    gitlab.world.request_review(request, shop.bob, shop.bot)
    gitlab.world.request_review(request, shop.bob, shop.bot)
    gitlab.wait_for_hooks()

    first, second = (one.json["changes"]["reviewers"] for one in receiver.received)
    assert [person["id"] for person in first["current"]] == [shop.bot.id]
    assert [[person["id"] for person in people] for people in second] == [[shop.bot.id], [shop.bot.id]]
    assert second[1][0]["re_requested"] is True


@pytest.mark.parametrize(("kind", "told"), [("issue", "issue"), ("task", "work_item"), ("incident", "work_item")])
def test_tasks_and_incidents_are_work_items_to_hooks(
    gitlab: GitLabServer, shop: Shop, receiver: Receiver, kind: str, told: str
) -> None:
    """The header stays Issue Hook, and the type is named."""
    gitlab.world.add_hook(shop.project, receiver.url, events=ALL)
    gitlab.world.add_issue(shop.project, author=shop.bob, title="B", issue_type=kind)
    gitlab.wait_for_hooks()

    [delivery] = receiver.received
    assert delivery.headers["X-Gitlab-Event"] == "Issue Hook"
    assert (delivery.json["object_kind"], delivery.json["object_attributes"]["type"]) == (told, kind.capitalize())


def test_a_groups_hook_hears_of_its_projects(
    client: Client, gitlab: GitLabServer, shop: Shop, receiver: Receiver
) -> None:
    """Beside the project's own, each with a key of its own; only Owners may make one, and it can be tested."""
    gitlab.world.group("shop").members[shop.alice.id] = 50
    path = "/groups/shop/hooks"
    fields = {"url": receiver.url, "note_events": True}
    made = client(shop.alice).http_request("post", path, post_data=fields).json()
    gitlab.world.add_hook(shop.project, receiver.url, events=ALL)

    gitlab.world.comment(shop.issue, author=shop.bob, body="Hello")
    gitlab.wait_for_hooks()
    client(shop.alice).http_post(f"{path}/{made['id']}/test/push_events")
    gitlab.wait_for_hooks()

    assert [one.json["object_kind"] for one in receiver.received] == ["note", "note", "push"]
    assert len({one.headers["Idempotency-Key"] for one in receiver.received}) == 3
    assert made["group_id"] == gitlab.world.group("shop").id
    for refused, status in ((shop.bob, "403"), (shop.alice, "404")):
        place = path if status == "403" else "/groups/nowhere/hooks"
        with pytest.raises(GitlabError, match=status):
            client(refused).http_get(place)
