"""How the task's page says that a task has ended, and what it then offers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.task_ending import Choices, choices, ending
from core.reasons import Reason
from core.task import Mode, Phase, Source, Task, Trigger

TRIGGER = Trigger(source=Source.COMMENT, project_id=1, iid=1, event_id=1)
TASK = Task(id=1, unique_id="u", created_at=1.0, phase=Phase.WORKING, trigger=TRIGGER, prompt="Add a thing")


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        ({"phase": Phase.COMPLETED, "commit": "c0ffee"}, "good", "The work is done."),
        ({"phase": Phase.COMPLETED}, "good", "Nothing needed changing."),
        ({"phase": Phase.COMPLETED, "commit": "c", "unfinished": "timeout"}, "neutral", "The agent ran out of time"),
        ({"phase": Phase.COMPLETED, "commit": "c", "unfinished": "else"}, "neutral", "The agent was ended before it"),
        ({"phase": Phase.COMPLETED, "mode": Mode.PLAN}, "good", "The plan is written."),
        ({"phase": Phase.COMPLETED, "mode": Mode.REVIEW}, "good", "The review is written."),
        ({"phase": Phase.CANCELLED, "cancelled_by": "<b>"}, "neutral", "Cancelled by @&lt;b&gt;."),
        (
            {"phase": Phase.FAILED, "reason": "no such reason"},
            "bad",
            "Something in the agent service itself",
        ),
        (
            {"phase": Phase.FAILED, "reason": "branch-exists", "result_branch": "agent/`<i>{again}"},
            "bad",
            "The branch <code>agent/&lt;i&gt;{again}</code> holds other commits already",
        ),
    ],
)
def test_an_end_is_a_sentence(changes: dict[str, Any], kind: str, sentence: str) -> None:
    """Names in it are text, whatever they hold."""
    told = ending(replace(TASK, **changes))

    assert told is not None
    assert (told.kind, told.sentence.startswith(sentence)) == (kind, True), told.sentence


@pytest.mark.parametrize("reason", list(Reason))
def test_every_failure_has_a_sentence_without_gaps(reason: Reason) -> None:
    """No marks are left in it."""
    told = ending(replace(TASK, phase=Phase.FAILED, reason=reason))

    assert told is not None
    assert not set("{}`") & set(told.sentence)


@pytest.mark.parametrize(
    ("changes", "may_ask", "offered"),
    [
        ({}, True, Choices(cancel=True)),
        ({}, False, Choices()),
        ({"phase": Phase.FAILED}, True, Choices(retry=True, again=True)),
        ({"phase": Phase.CANCELLED}, True, Choices(retry=True, again=True)),
        ({"phase": Phase.COMPLETED}, True, Choices(again=True)),
        ({"phase": Phase.REJECTED, "prompt": ""}, True, Choices()),
        ({"phase": Phase.FAILED}, False, Choices()),
    ],
)
def test_what_is_offered_can_be_done(changes: dict[str, Any], may_ask: bool, offered: Choices) -> None:  # noqa: FBT001 - a row
    """By this person, with the task as it is."""
    assert choices(replace(TASK, **changes), may_ask=may_ask) == offered


def test_a_task_that_goes_on_has_no_end() -> None:
    """Nothing is said of one."""
    assert ending(TASK) is None
