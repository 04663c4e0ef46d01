"""What a merge request and its commit say; and that a hostile task says nothing hostile anywhere."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reasons import Reason
from core.task import Line, Source, Task, Trigger
from tests.conversation.hostile import HOSTILE, J, assert_harmless
from tests.conversation.tasks import (
    ASKED,
    CANCELLED,
    COMPLETED,
    FAILED,
    NOW,
    PAGE,
    REJECTED,
    UNCHANGED,
    UNFINISHED,
    WORKING,
)
from worker.conversation import markers
from worker.conversation.merge_request import commit_message, merge_request_description, merge_request_title
from worker.conversation.progress import progress_comment
from worker.conversation.replies import closing_reply

LOG = f"[log]({PAGE})"
MR = "[!12](https://gitlab.example.com/shop/web/-/merge_requests/12)"

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
    "first line of the request": ({"title": ""}, "Add a /health endpoint"),
    "neither": ({"title": " \u200b", "prompt": "\n"}, "Change for #17"),
    "dead": ({"title": "Closes #1 [skip ci]\n@all"}, f"Closes #{J}1 [{J}skip ci] @{J}all"),
    "long": ({"title": "word " * 30}, "word " * 18 + "word…"),
}

OWN_FIELDS = {"answer", "cancelled_by", "unique_id", "requester_username", "merge_request_url"}
HOSTILE_FIELDS = [item.name for item in fields(Task) if item.type == "str" and item.name not in OWN_FIELDS]


def test_merge_request_description() -> None:
    """It says what was asked and by whom, what was done, how it was checked, what it took, and closes the issue."""
    assert merge_request_description(COMPLETED, PAGE) == DESCRIPTION


def test_a_draft_says_so_first() -> None:
    """The description of work that was ended before it was done."""
    assert merge_request_description(UNFINISHED, PAGE).startswith("The agent ran out of time before it was done:")


def test_merge_request_description_of_a_label() -> None:
    """A label has no words of its own, and an agent may have none either."""
    label = Trigger(source=Source.LABEL, project_id=5, iid=17, event_id=9)

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
        "Asked-in: shop/web#17\nRequested-by: anna\nAgent-Task: 42"
    )

    assert commit_message(COMPLETED) == commit_message(ASKED) == expected


@given(HOSTILE)
def test_titles_and_subjects_have_their_lengths(text: str) -> None:
    """However many joiners they need."""
    task = replace(ASKED, title=text * 5, prompt="")

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
