"""What outsiders write never stands among the instructions: the corpus, through every way by which text comes in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.contract import Order
from simulators.gitlab.access import REPORTER
from simulators.gitlab.records import User
from tests.context.injections import CANARY, INJECTIONS
from tests.table.changes import ask, on_line, open_change
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, now, taken_in
from tests.worker.town import Town
from worker.context import files
from worker.conversation import sanitize
from worker.steps.launch import launch
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


def outsider(town: Town) -> User:
    """Give a Reporter of the project."""
    known = next((user for user in town.world.users.values() if user.username == "mallory"), None)
    mallory = known or town.world.add_user("mallory")
    town.world.add_member(town.project, mallory, REPORTER)
    return mallory


def in_issue(town: Town, text: str) -> None:
    """Write it as the issue's title and description."""
    town.issue.author = outsider(town)
    town.issue.title, town.issue.description = text[:255], text


def in_comment(town: Town, text: str) -> None:
    """Write it as a comment on the issue."""
    town.world.comment(town.issue, author=outsider(town), body=f"Hm. {text}")


def in_linked_issue(town: Town, text: str) -> None:
    """Write it into an issue that is linked."""
    other = town.world.add_issue(town.project, author=outsider(town), title=text[:255].strip(), description=text)
    town.world.link_issues(town.issue, other)


def in_related_merge_request(town: Town, text: str) -> None:
    """Write it into a merge request that names the issue."""
    open_change(town, author=outsider(town), description=f"See #{town.issue.iid}. {text}")


def as_attached_name(town: Town, text: str) -> None:
    """Call an attached file so."""
    name = "".join(letter for letter in text if letter.isalnum() or letter in "-_. ")[-200:] + CANARY + ".txt"
    upload = town.world.add_upload(town.project, name, text.encode(errors="replace"))
    body = f"[log](/uploads/{upload.secret}/{name.replace(' ', '%20')})"
    town.world.comment(town.issue, author=outsider(town), body=body)


WAYS = (in_issue, in_comment, in_linked_issue, in_related_merge_request, as_attached_name)


async def ordered(desk: Desk, town: Town, executor: HandExecutor) -> Order:
    """Ask as alice, launch, and give the order."""
    task = await taken_in(desk, comment_trigger(town.say("/agent mend the bug")))
    await launch(desk, await now(desk, task))
    return executor.launched[-1].order


def assert_kept_out(order: Order) -> None:
    """Hold that the canary is in no instruction, and in no file but those that are marked as untrusted."""
    assert CANARY not in sanitize.clean(order.prompt)
    for name, text in order.context.items():
        assert sanitize.clean(text) == text
        if CANARY in text:
            assert name in files.UNTRUSTED
            assert text.startswith(files.NOTICE)
    assert "mend the bug" in order.prompt


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_the_corpus_is_kept_out(
    desk: Desk, town: Town, executor: HandExecutor, way: Callable[[Town, str], None]
) -> None:
    """One story for each way: all texts at once where they are many, the last one where there is one place."""
    assert len(INJECTIONS) >= 50
    for text in INJECTIONS if way in {in_comment, in_linked_issue, as_attached_name} else INJECTIONS[-1:]:
        way(town, text)

    order = await ordered(desk, town, executor)

    assert_kept_out(order)
    assert any(CANARY in text for text in order.context.values())


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
async def test_an_issue_of_an_outsiders_is_data(desk: Desk, town: Town, executor: HandExecutor, text: str) -> None:
    """Its title and description, with the Developer's request standing alone in the prompt."""
    in_issue(town, text)

    order = await ordered(desk, town, executor)

    assert_kept_out(order)
    assert order.context[files.ITEM].startswith(files.NOTICE)


async def test_what_is_hidden_is_in_no_file(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Comments in HTML, alternative texts and invisible letters are gone for the agent as they are for people."""
    hidden = f"A <!-- {CANARY} --> bug ![{CANARY}](https://example.com/a.png) " + "".join(
        chr(0xE0000 + ord(letter)) for letter in CANARY
    )
    in_issue(town, hidden)
    town.issue.title = "A bug"
    in_comment(town, hidden)

    order = await ordered(desk, town, executor)

    assert CANARY not in sanitize.clean(order.to_json())
    assert "\U000e0058" not in order.to_json()
    assert "bug" in order.context[files.ITEM]
    assert "bug" in order.context[files.OTHERS]


@pytest.mark.parametrize("text", INJECTIONS[::5])
async def test_a_thread_keeps_outsiders_apart(desk: Desk, town: Town, executor: HandExecutor, text: str) -> None:
    """What members said in it is in the prompt, what others said is not."""
    request = open_change(town)
    first = town.world.comment(request, author=outsider(town), body=f"Hm. {text}", position=on_line(request, 2))
    town.world.comment(request, author=town.alice, body="It should say two.", reply_to=first.discussion_id)

    task = await taken_in(desk, ask(town, request, "/agent mend the bug", reply_to=first.discussion_id))
    await launch(desk, task)

    order = executor.launched[-1].order
    assert_kept_out(order)
    assert "> alice: It should say two." in order.prompt
    assert files.OTHERS in order.context


async def test_the_bots_own_words_are_data(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """It is a Maintainer, but what it says an agent wrote, and an outsider may have had that said."""
    town.world.comment(town.issue, author=town.bot, body=f"The agent says: {CANARY}")

    order = await ordered(desk, town, executor)

    assert_kept_out(order)
    assert "you, " in order.context[files.OTHERS]


async def test_a_machines_words_are_data(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """A project's other bots have roles as well."""
    renovate = town.world.add_user("project_1_bot_1", bot=True)
    town.world.add_member(town.project, renovate, 40)
    town.world.comment(town.issue, author=renovate, body=CANARY)

    order = await ordered(desk, town, executor)

    assert_kept_out(order)
