"""The one comment, phase by phase, word for word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.task import Line, Mode, Phase, Place, Progress, Task
from tests.conversation.hostile import J
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
from worker.conversation.progress import ITEMS_SHOWN, progress_comment

LIVE_LOG = f"[live log]({PAGE})"
LOG = f"[log]({PAGE})"
MR = "[!12](https://gitlab.example.com/shop/web/-/merge_requests/12)"
PROGRESS_MARK = "\n\n<!-- ablehand:progress task=42 trigger=comment:5:17:1244 -->"
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
    "queued, and why": (
        replace(ASKED, phase=Phase.QUEUED, queue_place=1, waiting="2 runs go on in all, the limit here"),
        (
            "⏳ Waiting for a free slot, 1st in the queue: 2 runs go on in all, the limit here"
            f" · for 3 min 20 s · {LIVE_LOG}"
        ),
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


def test_long_checklists_are_cut() -> None:
    """The agent's own list shows its first items and how many more there are."""
    items = tuple((f"item {number}", "pending") for number in range(ITEMS_SHOWN + 5))

    comment = progress_comment(replace(WORKING, progress=replace(WORKING.progress, items=items)), PAGE, NOW)

    assert f"item {ITEMS_SHOWN - 1}\n  - 5 more in the log\n" in comment


@pytest.mark.parametrize(
    ("mode", "headline"),
    [(Mode.REVIEW, f"✅ Reviewed {MR}"), (Mode.PLAN, "✅ The plan is written")],
    ids=["review", "plan"],
)
def test_words_alone_are_not_pushed(mode: Mode, headline: str) -> None:
    """Where nothing is to be changed, there is no line about a push."""
    shown = progress_comment(replace(COMPLETED, mode=mode), PAGE, NOW)

    assert shown.startswith(headline)
    assert "Push" not in shown


@pytest.mark.parametrize(
    ("fields", "headline", "row"),
    [
        ({}, f"✅ Done: {MR}", f"- [x] Pushed to {MR}"),
        ({"commit": ""}, "✅ Done: nothing needed changing", None),
        ({"phase": Phase.WORKING, "commit": ""}, "🤖 Working on it", "- [x] Pushed to"),
    ],
    ids=["pushed", "unchanged", "at-work"],
)
def test_on_a_merge_request_it_is_pushed_there(fields: dict[str, Any], headline: str, row: str | None) -> None:
    """None is opened, so none is said to be."""
    trigger = replace(ASKED.trigger, place=Place.MERGE_REQUEST)

    shown = progress_comment(replace(COMPLETED, trigger=trigger, **fields), PAGE, NOW)

    assert shown.startswith(headline)
    assert "open a merge request" not in shown
    assert row in shown if row else "Push" not in shown
