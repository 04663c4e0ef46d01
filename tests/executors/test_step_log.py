"""Reading a step's log: every byte once, from any line, in bounded pieces."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.redaction import Redactor
from runtime.contract import Step
from tests.executors.runs import ended, lines_of, request_for
from worker.executors.process import ProcessExecutor
from worker.executors.protocol import LogLine
from worker.executors.step_log import BLOCK_BYTES, LINE_LIMIT_BYTES, read_lines

LIMIT = LINE_LIMIT_BYTES


def _all(path: Path, after: int = 0) -> list[LogLine]:
    """Read to the end of a complete log, call after call."""
    lines: list[LogLine] = []
    while block := list(read_lines(path, lines[-1].position if lines else after, complete=True)):
        lines += block
    return lines


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(b"one\ntwo\n", [(4, "one"), (8, "two")], id="lines"),
        pytest.param(b"one\ntwo", [(4, "one"), (7, "two")], id="last line without newline"),
        pytest.param(b"\n\n", [(1, ""), (2, "")], id="empty lines"),
        pytest.param(b"a\xff\xfeb\n", [(5, "a��b")], id="invalid UTF-8"),
        pytest.param(b"x" * LIMIT + b"\n", [(LIMIT + 1, "x" * LIMIT)], id="as long as may be"),
        pytest.param(b"x" * (LIMIT + 1) + b"\n", [(LIMIT, "x" * LIMIT), (LIMIT + 2, "x")], id="one byte too long"),
        pytest.param(
            b"x" * (LIMIT - 1) + "é\n".encode(), [(LIMIT - 1, "x" * (LIMIT - 1)), (LIMIT + 2, "é")], id="cut in é"
        ),
        pytest.param(b"\x80" * (LIMIT + 1), [(LIMIT, "�" * LIMIT), (LIMIT + 1, "�")], id="only continuations"),
    ],
)
def test_lines(tmp_path: Path, content: bytes, expected: list[tuple[int, str]]) -> None:
    """What comes of a log's bytes."""
    (tmp_path / "log").write_bytes(content)

    assert [(line.position, line.text) for line in _all(tmp_path / "log")] == expected


_PARTS = st.one_of(
    st.binary(max_size=40),
    st.just(b"\n"),
    st.sampled_from([b"x" * LIMIT, "é".encode() * LIMIT, b"y" * (BLOCK_BYTES + 7)]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(_PARTS, max_size=12), st.data())
def test_resuming_neither_skips_nor_repeats(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], data: st.DataObject
) -> None:
    """From any line's position, and while the log grows piece by piece, the same lines come."""
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(b"".join(parts))
    whole = [(line.position, line.text) for line in _all(path)]
    place = data.draw(st.integers(0, len(whole)))
    after = whole[place - 1][0] if place else 0

    assert [(line.position, line.text) for line in _all(path, after)] == whole[place:]
    assert [(line.position, line.text) for line in _growing(path, parts)] == whole
    assert all(len(text.encode()) <= 3 * LIMIT for _, text in whole)


def _growing(path: Path, parts: list[bytes]) -> list[LogLine]:
    path.write_bytes(b"")
    lines: list[LogLine] = []
    for part in parts:
        with path.open("ab") as file:
            file.write(part)
        while block := list(read_lines(path, lines[-1].position if lines else 0, complete=False)):
            lines += block
    return lines + _all(path, lines[-1].position if lines else 0)


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "nothing"])
def test_what_is_no_log_has_no_lines(tmp_path: Path, kind: str) -> None:
    """An agent that puts something else in the log's place makes nobody wait and shows no other file."""
    (tmp_path / "secret").write_text("canary\n")
    path = tmp_path / "log"
    if kind == "link":
        path.symlink_to(tmp_path / "secret")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()

    assert list(read_lines(path, 0, complete=True)) == []


def test_reader_follows_a_living_step(executor: ProcessExecutor) -> None:
    """A reader that comes before the step waits for it, has lines as they are printed, and ends with the step."""
    script: dict[str, list[list[object]]] = {
        "prepare": [["wait", "begin"]],
        "agent": [["print", "one\ntw"], ["wait", "go"], ["print", "o\nlast"]],
    }
    executor.launch(request_for("run", script))
    work = executor.directory / "run" / "work"

    async def follow() -> list[str]:
        """Read while the step prints."""
        reader = executor.read_log("run", Step.AGENT, 0)
        first = asyncio.ensure_future(anext(reader))
        await asyncio.sleep(0)
        (work / "begin").touch()
        lines = [(await first).text]
        (work / "go").touch()
        return lines + [line.text async for line in reader]

    assert asyncio.run(asyncio.wait_for(follow(), 20)) == ["one", "two", "last"]


def test_reader_ends_where_the_step_never_comes(executor: ProcessExecutor) -> None:
    """A run that ended before the step, and one that nobody knows, have no lines."""
    executor.launch(request_for("run", {"prepare": [["exit", 1]]}))
    ended(executor.directory, "run")

    assert lines_of(executor, "run", Step.PUBLISH) == []
    assert lines_of(executor, "unknown", Step.AGENT) == []


@settings(deadline=None)
@given(st.integers(0, 200), st.sampled_from(['token="', "é", " ", "\n", "x" * LIMIT + ":"]))
def test_a_long_line_is_not_cut_in_a_token(tmp_path_factory: pytest.TempPathFactory, place: int, before: str) -> None:
    """Half a token is one that the redactor does not know: each piece is redacted by itself."""
    path = tmp_path_factory.mktemp("cut") / "log"
    token = "glpat-" + "a1B2" * 20
    path.write_text("word " * (LIMIT // 5 - 40) + "-" * place + before + token + " and so on" * 1000)

    pieces = [line.text for line in _all(path)]

    assert sum(token in piece for piece in pieces) == 1
    assert "glpat-" not in Redactor([]).line(pieces[0])
