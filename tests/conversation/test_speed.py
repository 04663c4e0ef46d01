"""What reads or shows hostile text is quick on a mebibyte of it.

The figures are `python -m benchmarks words`' business (100 ms each); here the bound is generous, so that it holds on a
loaded machine, and what is quadratic breaks it all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conversation.mebibytes import CORPUS, MIB, PIECES, READERS

SECONDS = 1.0


def took(read: Callable[[str], object], text: str) -> float:
    """Give the seconds of the processor that *read* needs for *text*."""
    began = time.process_time()
    read(text)
    return time.process_time() - began


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_the_corpus_is_read_quickly(read: Callable[[str], object]) -> None:
    """Each text that once was slow somewhere, or may be, filled up to a mebibyte."""
    slow = {name: took(read, text) for name, text in CORPUS.items()}

    assert {name: seconds for name, seconds in slow.items() if seconds > SECONDS} == {}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=8))
def test_no_repetition_is_slow(read: Callable[[str], object], pieces: list[str]) -> None:
    """Any few pieces, over and over."""
    text = "".join(pieces)

    assert took(read, (text * (MIB // len(text) + 1))[:MIB]) < SECONDS
