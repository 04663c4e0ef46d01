"""Reading hunks: the numbers of each line, and the lines around a place."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.context.diff import DiffLine, excerpt, lines

DIFF = """\
@@ -1,4 +1,5 @@ def first():
 one
-two
+2
 three
+3.5
 four
@@ -20 +21,2 @@
 twenty
+more
\\ No newline at end of file
"""


def test_lines_have_their_numbers() -> None:
    """On both sides where they are on both."""
    assert list(lines(DIFF)) == [
        DiffLine(1, 1, " one"),
        DiffLine(2, 0, "-two"),
        DiffLine(0, 2, "+2"),
        DiffLine(3, 3, " three"),
        DiffLine(0, 4, "+3.5"),
        DiffLine(4, 5, " four"),
        DiffLine(20, 21, " twenty"),
        DiffLine(0, 22, "+more"),
    ]


@pytest.mark.parametrize(
    ("first", "last", "is_new", "shown"),
    [
        pytest.param(2, 2, True, "-two\n+2\n three", id="added"),
        pytest.param(2, 2, False, " one\n-two\n+2", id="removed"),
        pytest.param(2, 4, True, "-two\n+2\n three\n+3.5\n four", id="several"),
        pytest.param(1, 1, True, " one\n-two", id="first"),
        pytest.param(22, 22, True, " twenty\n+more", id="last"),
        pytest.param(9, 9, True, "", id="not-in-it"),
        pytest.param(1, 9, True, "", id="end-not-in-it"),
        pytest.param(9, 2, True, "-two\n+2\n three", id="begins-behind-its-end"),
        pytest.param(0, 0, True, "", id="nowhere"),
    ],
)
def test_what_is_around(first: int, last: int, *, is_new: bool, shown: str) -> None:
    """One line on either side, where there is one."""
    assert excerpt(DIFF, first, last, is_new=is_new, around=1) == shown


@given(st.text())
def test_nothing_raises(text: str) -> None:
    """Any text is a diff of some lines, or of none."""
    assert all(line.text == "" or line.old >= 0 for line in lines(text))


def test_a_large_diff_is_quick() -> None:
    """A large one takes no second."""
    began = time.thread_time()

    assert excerpt("@@ -1 +1 @@\n" + "+x\n" * 150_000, 1, 100_000, is_new=True, around=1) != ""
    assert time.thread_time() - began < 2
