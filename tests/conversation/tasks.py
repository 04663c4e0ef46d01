"""Tasks at every point of their life, for the tests of what we say about them."""

from __future__ import annotations

from dataclasses import replace

from core.task import Line, Phase, Progress, Source, Task, Trigger

NOW = 1_800_000_000.0
PAGE = "https://agents.example.com/tasks/42"
ASKED = Task(
    id=42,
    prompt="Add a /health endpoint\n\nIt returns 200.",
    repository="shop/web",
    branch="main",
    unique_id="0123456789abcdef",
    created_at=NOW - 200,
    phase=Phase.RECEIVED,
    trigger=Trigger(source=Source.COMMENT, project_id=5, iid=17, event_id=1244),
    title="The service needs a health check",
    requester_username="anna",
    requester_name="Anna",
)
CLONED = Line(mark="clone", state="done", seconds=2, text="main")
SET_UP = Line(mark="setup", state="done", seconds=21)
WORKING = replace(
    ASKED,
    phase=Phase.WORKING,
    progress=Progress(
        lines=(CLONED, SET_UP, Line(mark="agent", state="active")),
        current="Adding the endpoint, editing server.go",
        turns=14,
        cost_usd=0.31,
        items=(("Read server.go", "done"), ("Add the handler", "active"), ("Test it", "pending")),
    ),
    started_at=NOW - 100,
)
COMPLETED = replace(
    WORKING,
    phase=Phase.COMPLETED,
    progress=replace(
        WORKING.progress,
        lines=(
            CLONED,
            SET_UP,
            Line(mark="agent", state="done", seconds=150),
            Line(mark="push", state="done", seconds=3, text="2 files"),
        ),
        items=(),
    ),
    ended_at=NOW + 85,
    cost_usd=1.2,
    turns=20,
    agent="claude",
    model="sonnet",
    commit="a" * 40,
    result_branch="agent/17-0123456789abcdef",
    files_changed=2,
    lines_added=20,
    lines_removed=4,
    summary="# Done\n\nAdded **/health**. Closes #99, ask @all.\n\n/merge",
    merge_request_iid=12,
    merge_request_url="https://gitlab.example.com/shop/web/-/merge_requests/12",
)
UNFINISHED = replace(COMPLETED, unfinished="timeout", summary="")
UNCHANGED = replace(COMPLETED, merge_request_url="", merge_request_iid=0, commit="", summary="It is there already.")
FAILED = replace(
    WORKING,
    phase=Phase.FAILED,
    reason="setup",
    detail="npm ERR! code E404\n\x1b[31m/usr/bin/npm\x1b[0m failed",
    progress=Progress(lines=(CLONED, Line(mark="setup", state="failed", seconds=21))),
    ended_at=NOW - 77,
)
CANCELLED = replace(WORKING, phase=Phase.CANCELLED, ended_at=NOW)
REJECTED = replace(ASKED, phase=Phase.REJECTED, reason="not-allowed")
