"""What a delivery is turned into."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Malformed, decode
from core.task import Source, Trigger
from tests.bot.deliveries import encoded, issue, note

COMMENT = Trigger(source=Source.COMMENT, project_id=5, iid=17, event_id=1244)
LABEL = Trigger(source=Source.LABEL, project_id=5, iid=17, event_id=0, happened_at="2026-11-22 11:00:00 UTC")


def decoded(body: object) -> Trigger | None:
    """Decode *body* with the usual label."""
    return decode(encoded(body), ready_label="agent-ready")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(note(), id="one-line"),
        pytest.param(note("hello\r\n/agent do it"), id="second-line-crlf"),
        pytest.param(note("/agent"), id="alone"),
        pytest.param({**note(), "event_type": "confidential_note"}, id="confidential"),
        pytest.param(note(action=None), id="old-gitlab-without-action"),
        pytest.param({**note(), "unknown": {"deep": [1, 2]}}, id="unknown-fields"),
    ],
)
def test_a_new_command_is_a_trigger(body: object) -> None:
    """A new comment with the command at a line's start may become a task."""
    assert decoded(body) == COMMENT


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(note("hello"), id="no-command"),
        pytest.param(note("> /agent do it"), id="quoted"),
        pytest.param(note("/agentic do it"), id="longer-word"),
        pytest.param(note(action="update"), id="edited"),
        pytest.param(note(system=True), id="system"),
        pytest.param(note(noteable_type="Commit"), id="commit"),
        pytest.param(note(noteable_type="MergeRequest"), id="merge-request"),
        pytest.param({"object_kind": "push", "project": "x"}, id="push"),
        pytest.param({"object_kind": "something_new"}, id="unknown-kind"),
        pytest.param(issue(before=("agent-ready",), now=("agent-ready", "bug")), id="label-was-there"),
        pytest.param(issue(before=("agent-ready",), now=()), id="label-removed"),
        pytest.param(issue(before=None, now=("agent-ready",)), id="update-without-change"),
        pytest.param(issue(before=(), now=("agent-ready-soon",)), id="other-label"),
    ],
)
def test_all_else_is_ignored(body: object) -> None:
    """What was not asked of us just now is no trigger."""
    assert decoded(body) is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(issue(before=("bug",), now=("bug", "agent-ready")), id="added"),
        pytest.param(issue(before=None, now=("agent-ready",), action="open"), id="opened-with-it"),
        pytest.param({**issue(before=(), now=("agent-ready",)), "object_kind": "work_item"}, id="work-item"),
    ],
)
def test_the_label_is_a_trigger(body: object) -> None:
    """Putting the label on an issue, a task or an incident may become a task."""
    assert decoded(body) == LABEL


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"canary", id="not-json"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"{}", id="no-kind"),
        pytest.param(b'{"object_kind": 5}', id="kind-is-number"),
        pytest.param(b'{"object_kind": ""}', id="kind-is-empty"),
        pytest.param(b'{"object_kind": "note"}', id="nothing-in-it"),
        pytest.param(encoded(note(id="canary")), id="id-is-text"),
        pytest.param(encoded(note(id=-1)), id="id-is-negative"),
        pytest.param(encoded(note(id=2**70)), id="id-is-huge"),
        pytest.param(encoded(note(note={"canary": 1})), id="note-is-object"),
        pytest.param(b'{"object_kind": "note", "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", id="deep"),
        pytest.param(b"\xff\xfe", id="not-utf8"),
    ],
)
def test_what_gitlab_does_not_send_is_malformed(body: bytes) -> None:
    """A malformed body is one error that shows nothing of it."""
    with pytest.raises(Malformed) as caught:
        decode(body, ready_label="agent-ready")
    assert "canary" not in str(caught.value)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(["note", "issue", "work_item", "push"]), json_values, json_values, json_values)
def test_no_body_is_a_traceback(kind: str, project: object, attributes: object, changes: object) -> None:
    """Whatever types come, the answer is a trigger, None or Malformed."""
    body = {"object_kind": kind, "project": project, "object_attributes": attributes, "changes": changes}
    with suppress(Malformed):
        assert decoded(body) is None
