"""Decoding a review: hostile Markdown with a block of JSON in it, whole values and nothing that raises."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.review.findings import DECODED_MOST, PATH_LIMIT, TEXT_LIMIT, Finding, Review, decode

ONE = {"path": "a.py", "line": 3, "text": "Off by one."}
FOUND = Finding("a.py", 3, "Off by one.")


def block(value: object) -> str:
    """Write a value as the agent is told to."""
    return f"```json\n{json.dumps(value)}\n```"


CASES = {
    "whole": (f"Good.\n\n{block([ONE])}\n\nMore.", Review((FOUND,), "Good.\n\n\nMore.")),
    "none-found": (f"Good.\n{block([])}", Review((), "Good.")),
    "no-block": ("Good.", Review((), "Good.")),
    "empty": ("", Review((), "")),
    "indented": (f"  ```json\n[{json.dumps(ONE)}]\n  ```", Review((FOUND,), "")),
    "lines-in-it": ('```json\n[\n{"path": "a.py",\n"line": 3, "text": "Off by one."}\n]\n```', Review((FOUND,), "")),
    "fence-in-a-text": (
        block([ONE | {"text": "Use:\n```\nx\n```"}]), Review((Finding("a.py", 3, "Use:\n```\nx\n```"),), ""),
    ),
    "first-list-counts": (f"{block({'a': 1})}\n{block([ONE])}", Review((FOUND,), block({"a": 1}))),
    "only-the-first-list": (f"{block([ONE])}\n{block([])}", Review((FOUND,), block([]))),
    "no-json": ("```json\nnonsense\n```", Review((), "```json\nnonsense\n```")),
    "never-closed": ("```json\n[]", Review((), "```json\n[]")),
    "other-fence": ("```\n[]\n```", Review((), "```\n[]\n```")),
    "an-object": (block({"comments": [ONE]}), Review((), block({"comments": [ONE]}))),
    "path-is-cleaned": (block([ONE | {"path": "./a.py"}]), Review((FOUND,), "")),
    "more-keys": (block([ONE | {"severity": "high"}]), Review((FOUND,), "")),
    "lone-surrogate": ('```json\n[{"path":"a","line":1,"text":"\\ud800"}]\n```', None),
}  # fmt: skip


@pytest.mark.parametrize(("document", "review"), CASES.values(), ids=CASES.keys())
def test_decodes_a_review(document: str, review: Review | None) -> None:
    """Comments and summary, or all of it as summary."""
    assert decode(document) == (review or Review((), document))


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("a.py:3", id="text"),
        pytest.param([1], id="list"),
        pytest.param(None, id="null"),
        pytest.param({}, id="empty"),
        pytest.param(ONE | {"line": "3"}, id="line-is-text"),
        pytest.param(ONE | {"line": 3.0}, id="line-is-a-fraction"),
        pytest.param(ONE | {"line": True}, id="line-is-true"),
        pytest.param(ONE | {"line": 0}, id="line-is-zero"),
        pytest.param(ONE | {"line": -1}, id="line-is-negative"),
        pytest.param(ONE | {"line": 10**30}, id="line-is-huge"),
        pytest.param(ONE | {"path": ""}, id="no-path"),
        pytest.param(ONE | {"path": ["a.py"]}, id="path-is-a-list"),
        pytest.param(ONE | {"path": "a" * (PATH_LIMIT + 1)}, id="path-is-long"),
        pytest.param(ONE | {"text": " \n"}, id="no-text"),
        pytest.param(ONE | {"text": {"a": 1}}, id="text-is-an-object"),
    ],
)
def test_what_is_no_comment_falls_away(entry: object) -> None:
    """Alone: its neighbours stay."""
    assert decode(block([ONE, entry, ONE])).findings == (FOUND, FOUND)


def test_much_is_bounded() -> None:
    """In number, and in what each says."""
    review = decode(block([ONE | {"text": "x" * 9_000}] * 1_000))

    assert len(review.findings) == DECODED_MOST
    assert {len(finding.text) for finding in review.findings} == {TEXT_LIMIT}


@pytest.mark.parametrize(
    "text", ["```json\n" * 8_000, "[" * 65_000, "```json\n" + "[" * 60_000 + "\n```", "`" * 65_000]
)
def test_hostile_text_is_quick(text: str) -> None:
    """No text of a document's size takes a second."""
    began = time.thread_time()

    decode(text)

    assert time.thread_time() - began < 1


@given(st.text())
def test_nothing_raises(text: str) -> None:
    """Neither text nor what stands in a block."""
    decode(text)
    decode(f"```json\n{text}\n```")
