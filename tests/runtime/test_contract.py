"""The contract's decoders: what is hostile is typed and bounded, what is ours comes back whole."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.contract import (
    EVENT_KINDS,
    ITEM_STATES,
    RESULT_LIMIT_BYTES,
    Event,
    Order,
    StepResult,
    decode_event,
    decode_result,
    encode_event,
    encode_result,
)

ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
NUMBERS = st.integers(0, 10**12 - 1)
ITEMS = st.lists(st.tuples(WORDS, st.sampled_from(sorted(ITEM_STATES))), max_size=10).map(tuple)
EVENTS = st.builds(
    Event, kind=st.sampled_from(sorted(EVENT_KINDS)), mark=WORDS, text=WORDS, turns=NUMBERS, index=NUMBERS, items=ITEMS
)


@ANY_SPEED
@given(EVENTS)
def test_an_event_comes_back(event: Event) -> None:
    """What is encoded is one line, and decodes to the same."""
    line = encode_event(event)

    assert "\n" not in line
    assert decode_event(line) == event


@ANY_SPEED
@given(st.text(max_size=3_000), st.text(max_size=3_000))
def test_a_result_fits_and_comes_back(summary: str, detail: str) -> None:
    """Whatever its texts, a result fits into a termination message; the detail survives longest."""
    text = encode_result(StepResult(ok=False, failure="agent", summary=summary, detail=detail, cost_usd=0.5))

    result = decode_result(text)

    assert len(text.encode()) <= RESULT_LIMIT_BYTES
    assert result is not None
    assert (result.ok, result.failure, result.cost_usd) == (False, "agent", 0.5)
    assert summary.encode(errors="replace").decode().startswith(result.summary)
    assert not result.summary or detail.encode(errors="replace").decode() == result.detail


def test_an_order_comes_back() -> None:
    """Lists and dictionaries included; a key of a newer worker's is passed over."""
    order = Order(
        task_id=1,
        clone_url="http://gitlab/x.git",
        default_branch="main",
        base_branch="main",
        base_commit="1" * 40,
        push_branch="agent/1",
        commit_message="m",
        author_name="a",
        author_email="e",
        commit_time=1,
        prompt="ü",
        context={"issue.md": "text"},
        protected_paths=["a/**"],
    )
    newer = json.dumps(json.loads(order.to_json()) | {"invented": 1})

    assert Order.from_json(newer) == order


@pytest.mark.parametrize(
    ("line", "event"),
    [
        pytest.param('@ablehand {"kind":"progress","text":"x"}', Event(kind="progress", text="x"), id="plain"),
        pytest.param(' @ablehand {"kind":"progress"}', None, id="escaped"),
        pytest.param('@ablehand {"kind":"deploy"}', None, id="unknown-kind"),
        pytest.param('@ablehand {"kind":["progress"]}', None, id="kind-is-a-list"),
        pytest.param('@ablehand {"kind":"progress"', None, id="cut"),
        pytest.param("@ablehand []", None, id="list"),
        pytest.param("@ablehand " + "[" * 9_000, None, id="deep"),
        pytest.param('@ablehand {"kind":"progress","text":"' + "x" * 20_000 + '"}', None, id="too-long"),
        pytest.param('@ablehand {"kind":"progress","text":"\\ud800"}', None, id="lone-surrogate"),
        pytest.param('@ablehand {"kind":"progress","turns":true,"cost_usd":NaN}', Event(kind="progress"), id="types"),
        pytest.param('@ablehand {"kind":"progress","turns":-1,"cost_usd":1e999}', Event(kind="progress"), id="bounds"),
        pytest.param('@ablehand {"kind":"progress","turns":' + "9" * 5_000 + "}", None, id="long-number"),
        pytest.param('@ablehand {"kind":"progress","cost_usd":1}', Event(kind="progress", cost_usd=1.0), id="whole"),
        pytest.param(
            '@ablehand {"kind":"checklist","items":[["a","done"],["b",[]],[{},"done"],["c"],7,["d","odd"]]}',
            Event(kind="checklist", items=(("a", "done"),)),
            id="items",
        ),
        pytest.param(
            '@ablehand {"kind":"document","text":"a\\nb","index":2}',
            Event(kind="document", text="a\nb", index=2),
            id="document",
        ),
        pytest.param('@ablehand {"kind":"document","index":1e99}', Event(kind="document"), id="document-far-off"),
        pytest.param('@ablehand {"kind":"checklist","items":{"a":1}}', Event(kind="checklist"), id="items-object"),
    ],
)
def test_decodes_events(line: str, event: Event | None) -> None:
    """A malformed field falls away, a malformed line is no event; nothing raises."""
    assert decode_event(line) == event


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param('{"ok":true}', StepResult(ok=True), id="least"),
        pytest.param('{"ok":true,"commit":7,"files_changed":"3","extra":1}', StepResult(ok=True), id="types"),
        pytest.param('{"ok":true,"tokens":1e400,"turns":-5,"cost_usd":-1}', StepResult(ok=True), id="bounds"),
        pytest.param('{"ok":1}', None, id="ok-is-a-number"),
        pytest.param('{"commit":"x"}', None, id="no-ok"),
        pytest.param("", None, id="empty"),
        pytest.param("null", None, id="null"),
        pytest.param('{"ok":true,"summary":"' + "x" * 5_000 + '"}', None, id="too-long"),
        pytest.param('{"ok":true,"summary":"\\udfff"}', None, id="lone-surrogate"),
    ],
)
def test_decodes_results(text: str, result: StepResult | None) -> None:
    """The same for results."""
    assert decode_result(text) == result


@ANY_SPEED
@given(st.text(max_size=300))
def test_nothing_raises(text: str) -> None:
    """Any text is an event, a result or neither."""
    decode_event("@ablehand " + text)
    decode_result(text)
