"""The replies that are written once, and the sentence for every reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.task import Phase, Reason, Task
from tests.conversation.hostile import J
from tests.conversation.tasks import (
    ASKED,
    CANCELLED,
    COMPLETED,
    FAILED,
    PAGE,
    REJECTED,
    UNCHANGED,
)
from worker.conversation.commands import Help, Malformed, NotYet, TooLong, Unclear, help_text
from worker.conversation.failures import failure_sentence
from worker.conversation.replies import answer, closing_reply, rejection

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
            "@anna The work was cancelled; nothing was pushed. To start over, comment `/agent` with your request again."
            f"\n\nTook 1 min 40 s · ${J}0.31 · {LOG}"
        ),
    ),
    "cancelled after the push": (
        replace(CANCELLED, commit="a" * 40, result_branch="agent/17-x"),
        (
            "@anna The work was cancelled; `agent/17-x` was pushed before. To start over, comment `/agent` with your "
            f"request again.\n\nTook 1 min 40 s · ${J}0.31 · {LOG}"
        ),
    ),
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
    "unclear, near a later verb": (
        Unclear("stop", "cancel"),
        (
            "Nothing was started: `stop` is no command; did you mean `/agent cancel` (which is not available yet)? "
            "If it was your request, say it in more words, or write `/agent run` before it."
        ),
    ),
    "not yet": (
        NotYet("cancel"),
        "`/agent cancel` is not available yet, so nothing was done. `/agent help` shows what is.",
    ),
    "plan": (
        NotYet("plan"),
        (
            "`/agent plan` is not available yet, so nothing was done. To have it worked on at once, write "
            "`/agent run` and what to do. `/agent help` shows what is."
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


@pytest.mark.parametrize(("command", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_answer(command: Unclear | NotYet | Malformed | TooLong, expected: str) -> None:
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
