"""A transcript as log lines: there and back, and everything that could come instead."""

from __future__ import annotations

import base64
import json
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.parts import (
    PACKED_LIMIT_BYTES,
    PLAIN_LIMIT_BYTES,
    PREFIX,
    Collector,
    Transcript,
    encode_parts,
    pack,
    unpack,
)

NOISE = random.Random(7).randbytes(40_000)  # noqa: S311 - what does not compress


def transcript(content: bytes = NOISE) -> Transcript:
    """Give a transcript of *content*."""
    return Transcript(session="s-1", name="s-1.jsonl", packed=pack(content))


def test_a_transcript_comes_through_in_lines() -> None:
    """Each below what a log line may have, and the last completes it."""
    lines = list(encode_parts(transcript()))
    collector = Collector()

    taken = [collector.take(line) for line in lines]

    assert len(lines) > 3
    assert max(map(len, lines)) < 16_384
    assert taken == [*([None] * (len(lines) - 1)), transcript()]
    assert unpack(transcript().packed) == NOISE


def test_a_reader_that_starts_anew_gets_it_whole() -> None:
    """Whoever read half of it and begins again from the first line loses nothing."""
    lines = list(encode_parts(transcript()))
    collector = Collector()

    taken = [collector.take(line) for line in [*lines[:2], *lines]]

    assert taken[-1] == transcript()
    assert taken[:-1] == [None] * (len(lines) + 1)


def test_a_part_out_of_its_turn_completes_nothing() -> None:
    """A gap is not closed over."""
    first, _, *rest = encode_parts(transcript())
    collector = Collector()

    assert [collector.take(line) for line in [first, *rest]] == [None] * (len(rest) + 1)


@pytest.mark.parametrize("content", [b"x" * (PLAIN_LIMIT_BYTES + 1), random.Random(7).randbytes(PACKED_LIMIT_BYTES)])  # noqa: S311
def test_what_is_too_long_is_not_packed(content: bytes) -> None:
    """Before and after the compression."""
    with pytest.raises(ValueError, match="are allowed"):
        pack(content)


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param("no base64", id="letters"),
        pytest.param(base64.b64encode(b"no zlib").decode(), id="bytes"),
        pytest.param(base64.b64encode(zlib.compress(b"x" * (PLAIN_LIMIT_BYTES + 1))).decode(), id="bomb"),
        pytest.param(base64.b64encode(zlib.compress(NOISE)[:-20]).decode(), id="cut"),
        pytest.param("", id="empty"),
    ],
)
def test_what_is_damaged_is_not_unpacked(packed: str) -> None:
    """Nor what would fill the memory."""
    with pytest.raises(ValueError, match="damaged"):
        unpack(packed)


PART = {"name": "a.jsonl", "session": "s", "part": 0, "of": 1, "data": "AA=="}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../a"},
        {"name": ".hidden"},
        {"session": "--resume"},
        {"part": -1},
        {"of": 0},
        {"of": 10**9},
        {"part": "0"},
        {"data": "ä"},
        {"data": None},
    ],
)
def test_a_forged_part_is_none(change: dict[str, object]) -> None:
    """Names lead nowhere, numbers are bounded."""
    assert Collector().take(PREFIX + json.dumps(PART)) is not None
    assert Collector().take(PREFIX + json.dumps(PART | change)) is None


@given(st.lists(st.one_of(st.text(max_size=50), st.just(json.dumps(PART)), st.just('{"part":[]}')), max_size=8))
def test_nothing_breaks_the_reader(texts: list[str]) -> None:
    """Whatever an agent prints behind our word."""
    collector = Collector()
    for text in texts:
        collector.take(PREFIX + text)
