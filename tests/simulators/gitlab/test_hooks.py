"""Hooks as a receiver gets them: headers, signature, events, duplicates, order."""

import base64
import time

import pytest

from simulators.gitlab.hook_headers import signature_headers
from simulators.gitlab.records import Hook
from simulators.gitlab.server import GitLabServer
from tests.simulators.gitlab.conftest import Client, Shop
from tests.simulators.gitlab.receiver import Receiver

SIGNING_TOKEN = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
EVENTS = ("note_events", "issues_events", "merge_requests_events", "emoji_events")


@pytest.fixture
def hook(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> Hook:
    """Add a hook to the project that signs and asks for everything but confidential things."""
    return gitlab.world.add_hook(shop.project, receiver.url, events=EVENTS, token="canary", signing_token=SIGNING_TOKEN)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The vector that was computed outside of this project."""
    token = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="

    headers = signature_headers(token, "f5e5f430-f57b-4e6e-9fac-d9128cd7232f", 1795347000, b'{"object_kind":"note"}')

    assert headers["webhook-signature"] == "v1,B+uL0+ee3M0M/Un7sY4U/5fV8T/E/78RSA2YgpKmVV8="


def test_a_comment_arrives_signed(gitlab: GitLabServer, shop: Shop, receiver: Receiver, hook: Hook) -> None:
    """Headers and body are what GitLab 19 sends."""
    note = gitlab.world.comment(shop.issue, author=shop.bob, body="/agent go\n/label ~x")
    gitlab.wait_for_hooks()

    first, second = receiver.received
    assert first.is_signed_with(SIGNING_TOKEN)
    assert first.headers["X-Gitlab-Event"] == "Note Hook"
    assert first.headers["X-Gitlab-Token"] == "canary"
    assert first.headers["X-Gitlab-Instance"] == gitlab.url
    assert first.headers["User-Agent"].startswith("GitLab/19")
    assert first.headers["webhook-id"] == first.headers["Idempotency-Key"]
    attributes = first.json["object_attributes"]
    assert (attributes["id"], attributes["note"], attributes["action"]) == (note.id, "/agent go", "create")
    assert first.json["user"]["id"] == shop.bob.id
    assert first.json["issue"]["iid"] == shop.issue.iid
    assert second.headers["X-Gitlab-Event"] == "Issue Hook"
    assert [delivery.status for delivery in hook.deliveries] == ["200", "200"]


@pytest.mark.usefixtures("hook")
def test_a_comment_goes_out_at_once(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> None:
    """Within a fraction of a second, warm or cold."""
    started = time.monotonic()
    gitlab.world.comment(shop.issue, author=shop.bob, body="/agent go")
    gitlab.wait_for_hooks()

    assert receiver.received[0].at - started < 0.5


@pytest.mark.usefixtures("hook")
def test_an_edit_names_the_author_as_user(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> None:
    """GitLab's trap: `user` is the note's author, whoever edited it; only `updated_by_id` tells."""
    note = gitlab.world.comment(shop.issue, author=shop.guest, body="hello")
    gitlab.world.edit_note(note, body="/agent go", editor=shop.alice)
    gitlab.world.edit_note(note, body="/agent go", editor=shop.alice)
    gitlab.wait_for_hooks()

    assert len(receiver.received) == 2
    body = receiver.received[1].json
    assert (body["object_attributes"]["action"], body["user"]["id"]) == ("update", shop.guest.id)
    assert body["object_attributes"]["updated_by_id"] == shop.alice.id


@pytest.mark.usefixtures("hook")
def test_a_label_tells_who_set_it_and_the_difference(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> None:
    """`changes.labels` has both sides, and the actor is the top-level user."""
    gitlab.world.label(shop.issue, shop.alice, add=["a"])
    gitlab.world.label(shop.issue, shop.bob, add=["agent-ready"], remove=["a"])
    gitlab.wait_for_hooks()

    body = receiver.received[1].json
    changed = body["changes"]["labels"]
    assert (body["user"]["username"], body["object_attributes"]["action"]) == ("bob", "update")
    assert [[label["title"] for label in changed[side]] for side in ("previous", "current")] == [["a"], ["agent-ready"]]


@pytest.mark.usefixtures("hook")
def test_confidential_things_need_their_own_flags(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> None:
    """An internal note is silent without its flag, and has its own names with it."""
    gitlab.world.comment(shop.issue, author=shop.bob, body="internal", internal=True)
    secret = gitlab.world.add_issue(shop.project, author=shop.alice, title="S", confidential=True)
    gitlab.wait_for_hooks()
    assert receiver.received == []

    flags = ("confidential_note_events", "confidential_issues_events")
    gitlab.world.add_hook(shop.project, receiver.url, events=flags)
    gitlab.world.comment(secret, author=shop.bob, body="/agent go")
    gitlab.world.close_issue(secret)
    gitlab.wait_for_hooks()

    names = [one.headers["X-Gitlab-Event"] for one in receiver.received]
    assert names == ["Confidential Note Hook", "Confidential Issue Hook"]
    assert receiver.received[0].json["event_type"] == "confidential_note"


@pytest.mark.usefixtures("hook")
def test_a_lone_quick_action_fires_no_note_hook(
    client: Client, gitlab: GitLabServer, shop: Shop, receiver: Receiver
) -> None:
    """Only its effect is told."""
    project = client(shop.bob).projects.get(shop.project.id, lazy=True)
    project.issues.get(1, lazy=True).notes.create({"body": "/label ~agent-ready"})
    gitlab.wait_for_hooks()

    assert [one.headers["X-Gitlab-Event"] for one in receiver.received] == ["Issue Hook"]


def test_a_hook_is_made_over_the_api_without_showing_its_tokens(
    client: Client, gitlab: GitLabServer, shop: Shop, receiver: Receiver
) -> None:
    """Maintainers make hooks; a test delivery sends the newest note, and deliveries can be sent again."""
    hooks = client(shop.alice).projects.get(shop.project.id).hooks
    gitlab.world.comment(shop.issue, author=shop.bob, body="/agent go")

    made = hooks.create(
        {"url": receiver.url, "note_events": True, "push_events": False, "signing_token": SIGNING_TOKEN}
    )
    made.test("note_events")
    gitlab.wait_for_hooks()
    [event] = client(shop.alice).http_list(f"/projects/{shop.project.id}/hooks/{made.id}/events", get_all=True)
    client(shop.alice).http_post(f"/projects/{shop.project.id}/hooks/{made.id}/events/{event['id']}/resend")
    gitlab.wait_for_hooks()

    assert (made.note_events, made.push_events, made.signing_token_present) == (True, False, True)
    assert SIGNING_TOKEN not in str(made.attributes)
    first, second = receiver.received
    assert first.json == second.json
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert second.is_signed_with(SIGNING_TOKEN)


@pytest.mark.parametrize("token", ["whsec_short", "plain", "whsec_!!!"])
def test_a_wrong_signing_token_is_refused(client: Client, shop: Shop, receiver: Receiver, token: str) -> None:
    """GitLab takes `whsec_` and base64 of exactly 32 bytes only."""
    with pytest.raises(Exception, match="422"):
        client(shop.alice).projects.get(shop.project.id).hooks.create({"url": receiver.url, "signing_token": token})


@pytest.mark.usefixtures("hook")
def test_a_call_that_names_its_cause_does_not_set_the_hook_off_again(
    client: Client, gitlab: GitLabServer, shop: Shop, receiver: Receiver
) -> None:
    """A bot that sends the delivery's event id back breaks the loop."""
    gitlab.world.comment(shop.issue, author=shop.bob, body="/agent go")
    gitlab.wait_for_hooks()
    cause = receiver.received[0].headers["X-Gitlab-Event-UUID"]

    client(shop.bot).http_post(
        f"/projects/{shop.project.id}/issues/1/notes",
        post_data={"body": "on it"},
        extra_headers={"X-Gitlab-Event-UUID": cause},
    )
    gitlab.wait_for_hooks()

    assert len(receiver.received) == 1
    assert len(gitlab.world.notes(shop.issue)) == 2


@pytest.mark.usefixtures("hook")
def test_the_switches_for_duplicates(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> None:
    """`double` keeps the key, `twin` does not."""
    gitlab.faults.hooks.double = True
    gitlab.world.comment(shop.issue, author=shop.bob, body="one")
    gitlab.wait_for_hooks()
    gitlab.faults.clear()
    gitlab.faults.hooks.twin = True
    gitlab.world.comment(shop.issue, author=shop.bob, body="two")
    gitlab.wait_for_hooks()

    keys = [one.headers["Idempotency-Key"] for one in receiver.received]
    notes = [one.json["object_attributes"]["note"] for one in receiver.received]
    assert notes == ["one", "one", "two", "two"]
    assert keys[0] == keys[1]
    assert keys[2] != keys[3]


@pytest.mark.usefixtures("hook")
def test_the_switch_for_order(gitlab: GitLabServer, shop: Shop, receiver: Receiver) -> None:
    """`swap` sends the newer of two first."""
    gitlab.faults.hooks.swap = True
    gitlab.world.comment(shop.issue, author=shop.bob, body="one")
    gitlab.world.comment(shop.issue, author=shop.bob, body="two")
    gitlab.wait_for_hooks()

    assert [one.json["object_attributes"]["note"] for one in receiver.received] == ["two", "one"]


def test_what_was_lost_can_be_sent_again(gitlab: GitLabServer, shop: Shop, receiver: Receiver, hook: Hook) -> None:
    """`lose` sends nothing, and GitLab does not try again by itself."""
    gitlab.faults.hooks.lose = True
    gitlab.world.comment(shop.issue, author=shop.bob, body="one")
    gitlab.wait_for_hooks()
    gitlab.faults.clear()
    assert (receiver.received, hook.deliveries[0].status) == ([], "internal error")

    gitlab.world.resend(hook.deliveries[0].id)
    gitlab.wait_for_hooks()

    assert len(receiver.received) == 1


def test_the_switch_for_delay_and_the_deadline_of_waiting(gitlab: GitLabServer, shop: Shop, hook: Hook) -> None:
    """Waiting for hooks says so where it takes too long."""
    gitlab.faults.hooks.delay_seconds = 5
    gitlab.world.comment(shop.issue, author=shop.bob, body="one")

    with pytest.raises(TimeoutError):
        gitlab.wait_for_hooks(0.05)

    assert hook.deliveries[0].status == "pending"


def test_a_failing_hook_is_disabled_where_that_is_on(
    gitlab: GitLabServer, shop: Shop, receiver: Receiver, hook: Hook
) -> None:
    """Four failures in a row disable it for a while; off by default, as on self-managed instances."""
    receiver.status = 500
    gitlab.faults.auto_disable_hooks = True
    for number in range(6):
        gitlab.world.comment(shop.issue, author=shop.bob, body=f"note {number}")
        gitlab.wait_for_hooks()

    assert len(receiver.received) == 4
    assert hook.disabled_until is not None
