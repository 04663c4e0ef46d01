"""The replies that are written once, and the sentence for every reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.reasons import Reason
from core.task import Mode, Phase, Place, Task
from tests.conversation.hostile import J
from tests.conversation.tasks import (
    ASKED,
    CANCELLED,
    COMPLETED,
    FAILED,
    PAGE,
    REJECTED,
    UNCHANGED,
    UNFINISHED,
)
from worker.conversation.commands import Help, Malformed, TooLong, Unclear
from worker.conversation.failures import failure_sentence
from worker.conversation.replies import answer, closing_reply, rejection
from worker.conversation.vocabulary import help_text

LOG = f"[log]({PAGE})"
MR = "[!12](https://gitlab.example.com/shop/web/-/merge_requests/12)"
FINAL_MARK = "\n\n<!-- ablehand:final task=42 trigger=comment:5:17:1244 -->"
SETUP_FAILED = (
    "`agent-setup.sh` failed: mend it on the default branch, then comment `/agent` with your request again."
    "\n\n```\nnpm ERR! code E404\n /usr/bin/npm failed\n```"
)
NOT_ALLOWED = (
    "Only people with the Developer role or more in this project can ask the agent: "
    "ask one of them, or ask a Maintainer for the role."
)

REPLIES: dict[str, tuple[Task, str]] = {
    "completed": (COMPLETED, f"@anna Done: {MR} is ready for your review.\n\nTook 3 min 5 s · ${J}1.20 · {LOG}"),
    "unfinished": (
        UNFINISHED,
        (
            f"@anna Not finished: see {MR}. The agent ran out of time before it was done: what it had changed by then "
            "was pushed, and nobody can say that it works."
            f"\n\nTook 3 min 5 s · ${J}1.20 · {LOG}"
        ),
    ),
    "nothing needed changing": (
        UNCHANGED,
        (
            "@anna Nothing needed changing, so there is no merge request. If something should, say what "
            f"in a new `/agent`.\n\nThe agent says:\n\nIt is there already.\n\nTook 3 min 5 s · ${J}1.20 · {LOG}"
        ),
    ),
    "failed": (FAILED, f"@anna It did not work. {SETUP_FAILED}\n\nTook 23 s · {LOG}"),
    "failed before it started": (
        replace(ASKED, phase=Phase.FAILED, reason="gitlab"),
        (
            "@anna It did not work. GitLab did not answer for too long: comment `/agent` with your request again "
            f"when it is well.\n\n{LOG}"
        ),
    ),
    "cancelled": (
        CANCELLED,
        (
            "@anna The work was cancelled; nothing was pushed. To start over, comment `/agent retry`."
            f"\n\nTook 1 min 40 s · ${J}0.31 · {LOG}"
        ),
    ),
    "cancelled after the push": (
        replace(CANCELLED, cancelled_by="anna", commit="a" * 40, result_branch="agent/17-x"),
        (
            "@anna The work was cancelled by you; `agent/17-x` was pushed before, and stays until you delete it. "
            f"To start over, comment `/agent retry`.\n\nTook 1 min 40 s · ${J}0.31 · {LOG}"
        ),
    ),
    "cancelled by nobody that there is": (
        replace(CANCELLED, cancelled_by="all"),
        (
            "@anna The work was cancelled; nothing was pushed. To start over, comment `/agent retry`."
            f"\n\nTook 1 min 40 s · ${J}0.31 · {LOG}"
        ),
    ),
    "answered": (replace(REJECTED, reason="answered", answer="See [log](x).", detail="no"), "@anna See [log](x)."),
    "rejected": (REJECTED, f"@anna {NOT_ALLOWED}"),
    "help": (replace(REJECTED, reason="command", detail=answer(Help())), f"@anna {help_text()}"),
    "a detail that isn't ours": (
        replace(REJECTED, reason="prompt", detail="```\n@all"),
        "@anna \n\n```\n@all\n```",
    ),
    "no detail": (
        replace(REJECTED, reason="command"),
        "@anna That was not understood: `/agent help` shows what can be said.",
    ),
    "everybody's name": (
        replace(REJECTED, requester_username="all", requester_name="A @all"),
        f"A @{J}all {NOT_ALLOWED}",
    ),
    "no name": (replace(REJECTED, requester_username="a b", requester_name=""), f"Somebody {NOT_ALLOWED}"),
}

ANSWERS = {
    "unclear": (
        Unclear("hlep", "help"),
        (
            "Nothing was started: `hlep` is no command; did you mean `/agent help`? "
            "If it was your request, say it in more words, or write `/agent run` before it."
        ),
    ),
    "unclear, meant": (
        Unclear("stop", "cancel"),
        (
            "Nothing was started: `stop` is no command; did you mean `/agent cancel`? "
            "If it was your request, say it in more words, or write `/agent run` before it."
        ),
    ),
    "malformed": (Malformed("No."), "No. Nothing was started; `/agent help` shows what can be said."),
    "too long": (
        TooLong(131_072),
        (
            "The request has 128 KiB, and 64 KiB are the limit: "
            "shorten it, or put the long part into the issue, then ask again."
        ),
    ),
}


@pytest.mark.parametrize(("task", "expected"), REPLIES.values(), ids=REPLIES)
def test_closing_reply(task: Task, expected: str) -> None:
    """The one reply says the result and the next step to who asked."""
    assert closing_reply(task, PAGE) == expected + FINAL_MARK


def test_a_merge_requests_branch_stays_as_it_is() -> None:
    """Who cancelled is named, and nobody is asked to delete a branch that is not ours."""
    trigger = replace(CANCELLED.trigger, place=Place.MERGE_REQUEST)
    task = replace(CANCELLED, trigger=trigger, cancelled_by="bob", commit="a" * 40, result_branch="feature")

    assert closing_reply(task, PAGE).startswith(
        "@anna The work was cancelled by @bob; its commit on `feature` was pushed before, and stays. To start over, "
    )


@pytest.mark.parametrize(("command", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_answer(command: Unclear | Malformed | TooLong, expected: str) -> None:
    """A command that starts nothing is answered, and the answer survives the way over the task's detail."""
    task = replace(REJECTED, reason="command", detail=answer(command))

    assert answer(command) == expected
    assert rejection(task) == f"@anna {expected}{FINAL_MARK}"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    """Each names the cause and, behind a colon, the next step, in one plain sentence."""
    sentence = failure_sentence(reason, branch="agent/17-x", limit_seconds=3600)

    assert sentence.endswith(".")
    assert ": " in sentence
    assert "!" not in sentence
    assert not {"{", "}", "\n"} & set(sentence)
    assert len({failure_sentence(each) for each in Reason}) == len(Reason)


def test_sentences_name_branch_limit_and_what_was_seen() -> None:
    """What is known is said; an unknown reason is ours."""
    assert "The branch `agent/17-x` holds other commits" in failure_sentence("branch-exists", branch="agent/17-x")
    assert "longer than it may (1 h): " in failure_sentence("timeout", limit_seconds=3600)
    assert failure_sentence("push-rejected", "GL: `@all`").endswith(". Seen: `` GL: `@all` ``")
    assert failure_sentence("no such reason") == failure_sentence("internal")


def test_a_moved_branch_is_named() -> None:
    """It is the merge request's own, which the task has pushed nothing to."""
    trigger = replace(REJECTED.trigger, place=Place.MERGE_REQUEST)
    task = replace(REJECTED, phase=Phase.FAILED, reason="branch-moved", branch="work", trigger=trigger)

    assert "Somebody pushed to `work` while the agent worked, so nothing of its work was pushed: " in closing_reply(
        task, PAGE
    )


def test_a_review_is_the_reply() -> None:
    """What the agent wrote, made harmless."""
    task = replace(COMPLETED, mode=Mode.REVIEW, document="It counts wrong.\n\n/merge @all")

    said = closing_reply(task, PAGE)

    assert said.startswith("@anna My review:\n\nIt counts wrong.\n\n\\/merge @\u2060all\n\nTook ")
    assert "ready for your review" not in said


def test_an_empty_review_says_so() -> None:
    """Nothing was found."""
    assert "There is nothing that I would change." in closing_reply(replace(COMPLETED, mode=Mode.REVIEW), PAGE)


def test_a_follow_up_is_a_commit() -> None:
    """What came of it is told where it was asked: there is no new description that would say it."""
    task = replace(COMPLETED, trigger=replace(ASKED.trigger, place=Place.MERGE_REQUEST))

    said = closing_reply(task, PAGE)

    assert said.startswith(f"@anna Done: {MR} has a new commit, `aaaaaaaa`.\n\nThe agent says:\n\n")


def test_a_follow_up_may_change_nothing() -> None:
    """Then the merge request is not said to be new."""
    task = replace(COMPLETED, commit="", trigger=replace(ASKED.trigger, place=Place.MERGE_REQUEST))

    assert closing_reply(task, PAGE).startswith("@anna Nothing needed changing, so nothing was pushed. ")


def test_a_plan_is_in_the_reply_with_the_word_that_carries_it_out() -> None:
    """It is made harmless like all that an agent writes; where there is none, that is said."""
    planned = replace(UNCHANGED, mode=Mode.PLAN, document="1. Move it.\n\n/merge\n\n@all look")

    reply = closing_reply(planned, PAGE)

    assert reply.startswith("@anna My plan:\n\n1. Move it.")
    assert "\n/merge" not in reply
    assert "@all" not in reply
    assert "`/agent approve 42` carries it out." in reply
    assert "Nothing needed changing" not in reply
    assert "I came to no plan." in closing_reply(replace(planned, document=""), PAGE)
