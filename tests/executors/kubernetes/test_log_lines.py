"""A container's log cut into lines: each has one position, however often and in whatever pieces it is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.executors.kubernetes.log_lines import LINE_LIMIT_BYTES, LogLines, since
from worker.executors.protocol import LogLine

NOON = 1_793_707_200
NOON_NS = NOON * 10**9
STAMP = b"2026-11-03T12:00:00"
TOKEN = "glpat-" + "a1B2" * 6


def read(raw: bytes, after: int = 0) -> list[LogLine]:
    """Read a whole answer at once."""
    lines = LogLines(after)
    return lines.feed(raw) + lines.finish()


def line(position: int, text: str, at: float | None = None, *, is_cut: bool = False) -> LogLine:
    """Make the line at *position* nanoseconds after noon."""
    seconds = position / 10**9 if at is None else at
    return LogLine(position=NOON_NS + position, text=text, at=NOON + seconds, is_cut=is_cut)


TABLE: dict[str, tuple[bytes, list[LogLine]]] = {
    "nothing": (b"", []),
    "plain": (STAMP + b".000000005Z one\n" + STAMP + b".25Z two\n", [line(5, "one"), line(250_000_000, "two")]),
    "no-fraction": (STAMP + b"Z one\n", [line(0, "one")]),
    "node-in-another-zone": (b"2026-11-03T14:00:00.000000005+02:00 one\n", [line(5, "one")]),
    "empty-line": (STAMP + b".5Z \n", [line(500_000_000, "")]),
    "spaces-are-kept": (STAMP + b".5Z   two words \r\n", [line(500_000_000, "  two words \r")]),
    "no-newline-at-the-end": (STAMP + b".5Z last", [line(500_000_000, "last")]),
    "same-time": (
        (STAMP + b".5Z x\n") * 3,
        [line(500_000_000, "x"), line(500_000_001, "x", 0.5), line(500_000_002, "x", 0.5)],
    ),
    "time-goes-back": (
        STAMP + b".5Z one\n" + STAMP + b".4Z two\n",
        [line(500_000_000, "one"), line(500_000_001, "two", 0.4)],
    ),
    "no-utf-8": (STAMP + b".5Z a\xffb\n", [line(500_000_000, "a\N{REPLACEMENT CHARACTER}b")]),
    "the-kubelet's-own-words": (
        b"unable to retrieve container logs for containerd://1\n" + STAMP + b"Z a\n",
        [line(0, "a")],
    ),
    "no-such-time": (b"2026-13-03T12:00:00Z x\n" + STAMP + b"Z a\n", [line(0, "a")]),
    "looks-like-a-stamp-inside": (STAMP + b"Z " + STAMP + b"Z a\n", [line(0, STAMP.decode() + "Z a")]),
    "as-long-as-may-be": (STAMP + b"Z " + b"x" * LINE_LIMIT_BYTES + b"\n", [line(0, "x" * LINE_LIMIT_BYTES)]),
    "too-long": (
        STAMP + b"Z " + b"x" * (LINE_LIMIT_BYTES + 1) + b"\n" + STAMP + b".5Z next\n",
        [line(0, "x" * LINE_LIMIT_BYTES, is_cut=True), line(500_000_000, "next")],
    ),
    "cut-in-a-character": (
        STAMP + b"Z x" + "é".encode() * LINE_LIMIT_BYTES + b"\n",
        [line(0, "x" + "é" * (LINE_LIMIT_BYTES // 2 - 1), is_cut=True)],
    ),
}


@pytest.mark.parametrize(("raw", "lines"), TABLE.values(), ids=TABLE.keys())
@pytest.mark.parametrize("size", [1 << 20, 1000], ids=["at-once", "in-pieces"])
def test_lines_have_a_position_a_time_and_a_text(raw: bytes, lines: list[LogLine], size: int) -> None:
    """An answer becomes the same lines, whatever pieces it comes in."""
    reader = LogLines(0)
    found = [item for start in range(0, len(raw), size) for item in reader.feed(raw[start : start + size])]

    assert found + reader.finish() == lines


def test_a_line_without_its_newline_waits() -> None:
    """Half a line is told once the other half is there."""
    reader = LogLines(0)

    assert reader.feed(STAMP + b".5Z ha") == []
    assert reader.feed(b"lf\n") == [line(500_000_000, "half")]
    assert reader.finish() == []


def test_an_endless_line_costs_no_memory() -> None:
    """A program that never prints a newline does not fill the reconciler."""
    reader = LogLines(0)
    for _ in range(100):
        reader.feed(STAMP + b"Z " + b"x" * 100_000)

    assert [(len(item.text), item.is_cut) for item in reader.finish()] == [(LINE_LIMIT_BYTES, True)]


@settings(deadline=None)
@given(st.integers(1, len(TOKEN) - 1))
def test_a_long_line_is_not_cut_in_a_token(place: int) -> None:
    """Half a token is one that the redactor does not know."""
    begin = "," * (LINE_LIMIT_BYTES - place)

    [cut] = read(STAMP + b"Z " + f"{begin}{TOKEN}\n".encode())

    assert (cut.text, cut.is_cut) == (begin, True)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.text(alphabet="ab\té", max_size=5)), max_size=30),
    st.integers(0, 29),
)
def test_a_log_can_be_gone_on_with_behind_any_line(parts: list[tuple[int, str]], index: int) -> None:
    """Whoever stopped behind some line and reads from the start of its second gets exactly what follows."""
    # Steps of a quarter second, and none at all: many lines share a time.
    times = [sum(step for step, _ in parts[: number + 1]) * 250_000_000 for number in range(len(parts))]
    raws = [
        b"2026-11-03T12:%02d:%02d.%09dZ %s\n" % (at // 60_000_000_000, at // 10**9 % 60, at % 10**9, text.encode())
        for at, (_, text) in zip(times, parts, strict=True)
    ]
    lines = read(b"".join(raws))
    assert [item.text for item in lines] == [text for _, text in parts]
    if not parts:
        return
    index %= len(parts)
    second = lines[index].position // 10**9

    again = read(
        b"".join(raw for raw, at in zip(raws, times, strict=True) if NOON + at // 10**9 >= second),
        lines[index].position,
    )

    assert again == lines[index + 1 :]


def test_the_api_begins_at_a_second() -> None:
    """A position is asked for from the start of the second that it lies in."""
    assert since(NOON_NS + 999_999_999) == "2026-11-03T12:00:00Z"
