"""What we say, word for word."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.task import Line, Phase, Progress, Reason, Source, Task, Trigger
from tests.conversation.tasks import (
    ASKED,
    CANCELLED,
    CLONED,
    COMPLETED,
    FAILED,
    NOW,
    PAGE,
    REJECTED,
    UNCHANGED,
    WORKING,
)
from tests.conversation.test_sanitize import HOSTILE, J, assert_harmless
from worker.conversation import markers
from worker.conversation.commands import Help, Malformed, NotYet, TooLong, Unclear, help_text
from worker.conversation.failures import failure_sentence
from worker.conversation.merge_request import commit_message, merge_request_description, merge_request_title
from worker.conversation.progress import ITEMS_SHOWN, progress_comment
from worker.conversation.replies import answer, closing_reply, rejection

LIVE_LOG = f"[live log]({PAGE})"
LOG = f"[log]({PAGE})"
MR = "[!12](https://gitlab.example.com/shop/web/-/merge_requests/12)"
PROGRESS_MARK = "\n\n<!-- ablehand:progress task=42 trigger=comment:5:17:1244 -->"
FINAL_MARK = "\n\n<!-- ablehand:final task=42 trigger=comment:5:17:1244 -->"
SETUP_FAILED = (
    "`agent-setup.sh` failed: mend it on the default branch, then comment `/agent` with your request again."
    "\n\n```\nnpm ERR! code E404\n /usr/bin/npm failed\n```"
)
NOT_ALLOWED = (
    "Only people with the Developer role or more in this project can ask the agent: "
    "ask one of them, or ask a Maintainer for the role."
)
UNSEEN_LINES = "\n- [ ] Work on it\n- [ ] Push and open a merge request"
AT_WORK = "- [x] Cloned `shop/web` at `main` (2 s)\n- [x] Ran `agent-setup.sh` (21 s)"

PROGRESS: dict[str, tuple[Task, str]] = {
    "received": (replace(ASKED, created_at=NOW), f"👀 Received · {LIVE_LOG}"),
    "queued": (
        replace(ASKED, phase=Phase.QUEUED, queue_place=3),
        f"⏳ Waiting for a free slot, 3rd in the queue · for 3 min 20 s · {LIVE_LOG}",
    ),
    "queued, place not known": (
        replace(ASKED, phase=Phase.QUEUED, created_at=NOW),
        f"⏳ Waiting for a free slot · {LIVE_LOG}",
    ),
    "launching": (
        replace(ASKED, phase=Phase.LAUNCHING, phase_times=(("launching", NOW - 5),)),
        f"🤖 Starting a sandbox · {LIVE_LOG}",
    ),
    "starting for long": (
        replace(ASKED, phase=Phase.STARTING, phase_times=(("starting", NOW - 90),)),
        f"🤖 Starting a sandbox · for 1 min 30 s · {LIVE_LOG}",
    ),
    "preparing": (
        replace(ASKED, phase=Phase.PREPARING),
        f"🤖 Working on it · {LIVE_LOG}\n- [ ] Clone `shop/web` at `main`\n- [ ] Run `agent-setup.sh`{UNSEEN_LINES}",
    ),
    "working": (
        WORKING,
        (
            f"🤖 Working on it · {LIVE_LOG}\n{AT_WORK}\n"
            f"- [ ] Adding the endpoint, editing server.go · 14 steps · ${J}0.31\n"
            "  - [x] Read server.go\n  - [ ] Add the handler\n  - [ ] Test it\n"
            "- [ ] Push and open a merge request"
        ),
    ),
    "working without setup": (
        replace(WORKING, progress=Progress(lines=(CLONED, Line(mark="agent", state="active")), turns=1)),
        (
            f"🤖 Working on it · {LIVE_LOG}\n- [x] Cloned `shop/web` at `main` (2 s)\n"
            "- [ ] Working on it · 1 step\n- [ ] Push and open a merge request"
        ),
    ),
    "completed": (
        COMPLETED,
        (
            f"✅ Done: {MR} · 3 min 5 s · ${J}1.20 · {LOG}\n{AT_WORK}\n"
            f"- [x] Worked on it · 20 steps · ${J}1.20 (2 min 30 s)\n- [x] Pushed and opened {MR} (3 s)"
        ),
    ),
    "nothing needed changing": (
        UNCHANGED,
        (
            f"✅ Done: nothing needed changing · 3 min 5 s · ${J}1.20 · {LOG}\n{AT_WORK}\n"
            f"- [x] Worked on it · 20 steps · ${J}1.20 (2 min 30 s)"
        ),
    ),
    "failed": (
        FAILED,
        (
            f"❌ It did not work · 23 s · {LOG}\n- [x] Cloned `shop/web` at `main` (2 s)\n"
            f"- [ ] ❌ Run `agent-setup.sh` (21 s){UNSEEN_LINES}\n\n{SETUP_FAILED}"
        ),
    ),
    "failed within an open line": (
        replace(FAILED, progress=replace(WORKING.progress, items=()), reason="lost", detail=""),
        (
            f"❌ It did not work · 23 s · ${J}0.31 · {LOG}\n{AT_WORK}\n- [ ] ❌ Work on it · 14 steps · ${J}0.31\n"
            "- [ ] Push and open a merge request\n\n"
            "The run vanished before it could leave a result: comment `/agent` with your request again."
        ),
    ),
    "failed before it started": (
        replace(ASKED, phase=Phase.FAILED, reason="infrastructure", detail="no node has room"),
        (
            f"❌ It did not work · {LOG}\n\nThe sandbox could not be started or broke: comment `/agent` with "
            "your request again; if that does not help, please tell whoever runs the agent here. "
            "Seen: `no node has room`"
        ),
    ),
    "cancelled": (
        replace(CANCELLED, progress=replace(WORKING.progress, items=())),
        (
            f"🛑 Cancelled · 1 min 40 s · ${J}0.31 · {LOG}\n{AT_WORK}\n- [ ] Work on it · 14 steps · ${J}0.31\n"
            "- [ ] Push and open a merge request"
        ),
    ),
    "rejected": (REJECTED, f"🚫 Not started · {LOG}\n\n{NOT_ALLOWED}"),
}

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

DESCRIPTION = f"""\
Asked for by @anna in issue #17:

> Add a /health endpoint
>
> It returns 200.

### What was done

#### Done

Added **/health**. Closes #{J}99, ask @{J}all.

\\/merge

### How it was checked

`agent-setup.sh` ran before the work (21 s). What the agent says that it tested stands above; nobody has checked it. \
Rely on this merge request's pipeline and on your review.

### What it took

2 files changed, +20 \u22124 · 20 steps · 3 min 5 s · ${J}1.20 · agent `claude` · model `sonnet` · {LOG}

Closes #17"""

TITLES = {
    "issue's title": ({}, "The service needs a health check"),
    "first line of the request": ({"issue_title": ""}, "Add a /health endpoint"),
    "neither": ({"issue_title": " \u200b", "prompt": "\n"}, "Change for issue 17"),
    "dead": ({"issue_title": "Closes #1 [skip ci]\n@all"}, f"Closes #{J}1 [{J}skip ci] @{J}all"),
    "long": ({"issue_title": "word " * 30}, "word " * 18 + "word…"),
}

OWN_FIELDS = {"unique_id", "requester_username", "merge_request_url"}
HOSTILE_FIELDS = [item.name for item in fields(Task) if item.type == "str" and item.name not in OWN_FIELDS]


@pytest.mark.parametrize(("task", "expected"), PROGRESS.values(), ids=PROGRESS)
def test_progress_comment(task: Task, expected: str) -> None:
    """The one comment shows every phase as it is."""
    assert progress_comment(task, PAGE, NOW) == expected + PROGRESS_MARK


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_comment(phase: Phase) -> None:
    """No phase is left without words, and none promises a verb that isn't there yet."""
    comment = progress_comment(replace(WORKING, phase=phase), PAGE, NOW)

    assert PAGE in comment
    assert "/agent cancel" not in comment


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


def test_long_checklists_are_cut() -> None:
    """The agent's own list shows its first items and how many more there are."""
    items = tuple((f"item {number}", "pending") for number in range(ITEMS_SHOWN + 5))

    comment = progress_comment(replace(WORKING, progress=replace(WORKING.progress, items=items)), PAGE, NOW)

    assert f"item {ITEMS_SHOWN - 1}\n  - 5 more in the log\n" in comment


def test_merge_request_description() -> None:
    """It says what was asked and by whom, what was done, how it was checked, what it took, and closes the issue."""
    assert merge_request_description(COMPLETED, PAGE) == DESCRIPTION


def test_merge_request_description_of_a_label() -> None:
    """A label has no words of its own, and an agent may have none either."""
    label = Trigger(source=Source.LABEL, project_id=5, issue_iid=17, event_id=9)

    description = merge_request_description(replace(COMPLETED, trigger=label, summary=""), PAGE)

    assert description.startswith(
        "Asked for by @anna, who gave issue #17 to the agent.\n\n### What was done\n\nThe agent left"
    )


@pytest.mark.parametrize(("changes", "title"), TITLES.values(), ids=TITLES)
def test_merge_request_title(changes: dict[str, str], title: str) -> None:
    """The title is one short dead line."""
    assert merge_request_title(replace(COMPLETED, **changes)) == title  # type: ignore[arg-type]


def test_commit_message() -> None:
    """A subject, a sentence, trailers; the same while the task goes on."""
    expected = (
        "The service needs a health check\n\nWritten by a coding agent, on request.\n\n"
        "Issue: shop/web#17\nRequested-by: anna\nAgent-Task: 42"
    )

    assert commit_message(COMPLETED) == commit_message(ASKED) == expected


@given(HOSTILE)
def test_titles_and_subjects_have_their_lengths(text: str) -> None:
    """However many joiners they need."""
    task = replace(ASKED, issue_title=text * 5, prompt="")

    assert 0 < len(merge_request_title(task)) <= 100
    assert 0 < len(commit_message(task).split("\n", 1)[0]) <= 72


@given(HOSTILE, st.sampled_from([WORKING, COMPLETED, UNCHANGED, FAILED, CANCELLED, REJECTED]), st.sampled_from(Reason))
def test_a_hostile_task_says_nothing_hostile(text: str, task: Task, reason: Reason) -> None:
    """Whatever stands in a task's fields, what we post holds only our own links, mentions and markers."""
    hostile = replace(
        task,
        **dict.fromkeys(HOSTILE_FIELDS, text),  # type: ignore[arg-type]
        progress=replace(
            task.progress, current=text, items=((text, "done"),), lines=(Line(mark="agent", state="active", text=text),)
        ),
    )

    for said in (
        progress_comment(replace(hostile, reason=reason), "", NOW).removesuffix(markers.progress_marker(task)),
        closing_reply(replace(hostile, reason=reason), "").removesuffix(markers.final_marker(task)),
        merge_request_description(hostile, "").removesuffix("Closes #17"),
    ):
        assert_harmless(said.replace("#17", "").replace("@anna", "").replace(MR, ""))
