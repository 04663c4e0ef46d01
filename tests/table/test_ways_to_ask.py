"""Every way to ask, played over HTTP with a project's hook and a group's at once: heard once, by who did it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from core.connections import open_store_redis
from core.gitlab import client
from core.reasons import Reason
from core.store import TaskStore
from core.task import Place, Source, Task
from operate import hook
from simulators.gitlab.access import DEVELOPER, OWNER, REPORTER
from simulators.gitlab.records import Issue, Item, MergeRequest, Note, User
from tests.product.stack import Stack

Act = Callable[[Stack, Item, User], Item | Note]


def issue(stack: Stack, kind: str = "issue", *, confidential: bool = False) -> Issue:
    """Open an issue of somebody else's in a private project that is told of by two hooks."""
    project = stack.project()
    author = stack.gitlab.world.add_user(f"writer-{project.id}")
    return stack.issue(project, author=author, issue_type=kind, confidential=confidential)


def merge_request(stack: Stack) -> MergeRequest:
    """Open a merge request of somebody else's."""
    world, project = stack.gitlab.world, stack.project()
    world.commit_files(project, files={"a.py": "one\n"}, branch="feature")
    author = world.add_user(f"writer-{project.id}")
    return world.add_merge_request(
        project, author=author, title="A change", branches={"source_branch": "feature", "target_branch": "main"}
    )


def says(text: str, *, internal: bool = False) -> Act:
    """Comment."""
    return lambda stack, item, by: stack.gitlab.world.comment(item, author=by, body=text, internal=internal)


def _replies(stack: Stack, item: Item, by: User) -> Note:
    world = stack.gitlab.world
    first = world.comment(item, author=item.author, body="Hm", threaded=True)
    return world.comment(item, author=by, body="/agent help", reply_to=first.discussion_id)


def _on_line(stack: Stack, item: Item, by: User) -> Note:
    position = {"new_path": "a.py", "old_path": "a.py", "new_line": 1, "old_line": None, "position_type": "text"}
    return stack.gitlab.world.comment(item, author=by, body="@ablehand help", threaded=True, position=position)


def _labels(stack: Stack, item: Item, by: User) -> Item:
    stack.gitlab.world.label(item, by, add=["agent-ready"])
    return item


def _assigns(stack: Stack, item: Item, by: User) -> Item:
    stack.gitlab.world.assign(item, by, stack.bot)
    return item


def _asks_for_review(stack: Stack, item: Item, by: User) -> Item:
    assert isinstance(item, MergeRequest)
    stack.gitlab.world.request_review(item, by, stack.bot)
    return item


def _by_quick_action(stack: Stack, item: Item, by: User) -> Item:
    stack.gitlab.world.post_note(item, author=by, body=f"/assign @{stack.bot.username}")
    return item


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask: on what, how, and as what it is known."""

    on: Callable[[Stack], Item]
    act: Act
    source: Source = Source.COMMENT


def _task(stack: Stack) -> Issue:
    return issue(stack, "task")


def _incident(stack: Stack) -> Issue:
    return issue(stack, "incident")


def _confidential(stack: Stack) -> Issue:
    return issue(stack, confidential=True)


WAYS = {
    "command on an issue": Way(issue, says("/agent help")),
    "mention on an issue": Way(issue, says("@ablehand help")),
    "mention within a line": Way(issue, says("Could you look at it, @ablehand?")),
    "command on a task": Way(_task, says("/agent help")),
    "command on an incident": Way(_incident, says("/agent help")),
    "command on a confidential issue": Way(_confidential, says("/agent help")),
    "internal comment": Way(issue, says("/agent help", internal=True)),
    "command on a merge request": Way(merge_request, says("/agent help")),
    "command in a thread": Way(merge_request, _replies),
    "mention on a line of a diff": Way(merge_request, _on_line),
    "label on an issue": Way(issue, _labels, Source.LABEL),
    "label on a merge request": Way(merge_request, _labels, Source.LABEL),
    "assignment of an issue": Way(issue, _assigns, Source.ASSIGNMENT),
    "assignment by quick action": Way(issue, _by_quick_action, Source.ASSIGNMENT),
    "assignment of a task": Way(_task, _assigns, Source.ASSIGNMENT),
    "assignment of a merge request": Way(merge_request, _assigns, Source.ASSIGNMENT),
    "review request": Way(merge_request, _asks_for_review, Source.REVIEW_REQUEST),
}


@pytest.fixture(scope="module", autouse=True)
def _group_hook(stack: Stack) -> None:
    """Have a group's hook tell everything a second time."""
    stack.gitlab.world.group("shop").members[stack.bot.id] = OWNER
    hook.install(stack.settings, client.connect(stack.settings), "shop", is_group=True)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_developer_is_heard_once(stack: Stack, way: Way) -> None:
    """The eyes are shown, and of all tasks that the deliveries made one counts: the Developer's."""
    item = way.on(stack)

    seen = way.act(stack, item, stack.alice)

    stack.wait(lambda: "eyes" in stack.gitlab.world.awards(seen), "eyes")
    stack.wait_until_quiet()
    [task] = [task for task in tasks_on(stack, item) if task.reason not in {Reason.DUPLICATE, Reason.GONE}]
    assert (task.trigger.source, task.requester_username) == (way.source, "alice")


REFUSED = {name: WAYS[name] for name in (
    "command on an issue", "mention on a line of a diff", "label on an issue", "assignment of an issue",
)}  # fmt: skip


@pytest.mark.parametrize("way", REFUSED.values(), ids=REFUSED.keys())
def test_a_reporter_is_refused_once(stack: Stack, way: Way) -> None:
    """With one reply that says why and mentions them; no eyes, and no work."""
    item = way.on(stack)
    carol = stack.gitlab.world.add_user(f"carol-{item.project.id}")
    stack.gitlab.world.add_member(item.project, carol, REPORTER)

    seen = way.act(stack, item, carol)

    reply = stack.wait(lambda: answers(stack, item), "a reply")[0]
    stack.wait_until_quiet()
    assert reply.body.startswith(f"@{carol.username} ")
    assert "Developer" in reply.body
    assert len(answers(stack, item)) == 1
    assert stack.gitlab.world.awards(seen) == []
    assert stack.merge_requests(item.project) == ([item] if isinstance(item, MergeRequest) else [])


def test_a_bot_that_answers_everything_is_not_heard(stack: Stack) -> None:
    """Nobody allowed it: its commands are ignored, and people are heard beside it."""
    item, world = issue(stack), stack.gitlab.world
    parrot = world.add_user(f"parrot-{item.project.id}", bot=True)
    world.add_member(item.project, parrot, DEVELOPER)
    world.comment(item, author=stack.alice, body="/agent help")
    stack.wait(lambda: len(answers(stack, item)) == 1, "the first answer")
    world.comment(item, author=parrot, body="@ablehand /agent help")

    world.comment(item, author=stack.alice, body="/agent help")

    stack.wait(lambda: len(answers(stack, item)) == 2, "the second answer")
    stack.wait_until_quiet()
    assert len(answers(stack, item)) == 2


def test_an_edited_comment_starts_nothing(stack: Stack) -> None:
    """Neither by its author nor by a Maintainer, who would borrow the author's name; the next comment is heard."""
    item, world = issue(stack), stack.gitlab.world
    note = world.comment(item, author=stack.alice, body="Hello")
    note.created_at -= timedelta(minutes=1)
    world.edit_note(note, body="/agent help", editor=stack.bot)

    world.comment(item, author=stack.alice, body="/agent help")

    stack.wait(lambda: answers(stack, item), "the answer")
    stack.wait_until_quiet()
    assert [task.reason for task in tasks_on(stack, item) if task.reason != Reason.IGNORED] == [Reason.ANSWERED]


@pytest.mark.parametrize("name", ["mention on a line of a diff", "assignment of an issue", "review request"])
def test_what_no_hook_told_is_heard(stack: Stack, name: str) -> None:
    """Both hooks lose everything; the sweep finds it."""
    way = WAYS[name]
    item = way.on(stack)
    stack.gitlab.faults.hooks.lose = True
    try:
        seen = way.act(stack, item, stack.alice)
        stack.wait(lambda: "eyes" in stack.gitlab.world.awards(seen), "eyes")
    finally:
        stack.gitlab.faults.hooks.lose = False
    stack.wait_until_quiet()
    assert len([task for task in tasks_on(stack, item) if task.reason != Reason.DUPLICATE]) == 1


def answers(stack: Stack, item: Item) -> list[Note]:
    """List the bot's closing replies."""
    notes = stack.gitlab.world.notes(item)
    return [note for note in notes if note.author is stack.bot and "ablehand:final" in note.body]


def tasks_on(stack: Stack, item: Item) -> list[Task]:
    """List every task of an issue or merge request, silent ones too."""
    place = Place.MERGE_REQUEST if isinstance(item, MergeRequest) else Place.ISSUE
    here = (item.project.id, place, item.iid)
    tasks = asyncio.run(_all_tasks(stack))
    return [task for task in tasks if (task.trigger.project_id, task.trigger.place, task.trigger.iid) == here]


async def _all_tasks(stack: Stack) -> list[Task]:
    redis = open_store_redis(stack.settings)
    try:
        last = int(await redis.get("{ablehand}:last") or 0)  # those, too, that no list shows
        return list((await TaskStore(redis).get_all(range(1, last + 1))).values())
    finally:
        await redis.aclose()
