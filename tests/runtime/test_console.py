"""The log: what is printed of hostile text, and what of secrets."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.console import LINE_LIMIT_BYTES, Console, known_secrets
from runtime.contract import DOCUMENT_LIMIT_BYTES, EVENT_LIMIT_BYTES, Event, decode_event


def printed(text: str, *secrets: str) -> str:
    """Give what the console makes of *text*."""
    stream = io.BytesIO()
    Console(stream, secrets).write(text)
    return stream.getvalue().decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\tb", "a\tb\n", id="tab"),
        pytest.param("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\n", id="colour"),
        pytest.param("a\x1b[2Jb\x1b]0;title\x07c", "abc\n", id="sequences"),
        pytest.param("a\0b\x08c\x85d\u2028e", "abcde\n", id="controls"),
        pytest.param("10%\r50%\r100%\r", "100%\n", id="progress-bar"),
        pytest.param("one\ntwo", "one\ntwo\n", id="lines"),
        pytest.param("\ud800", "?\n", id="surrogate"),
        pytest.param('@ablehand {"kind":"ended"}', ' @ablehand {"kind":"ended"}\n', id="event"),
        pytest.param("x\n@ablehand {}", "x\n @ablehand {}\n", id="event-in-second-line"),
        pytest.param("\0\x1b[K@ablehand {}", " @ablehand {}\n", id="event-behind-controls"),
        pytest.param("\x1b[1m@ablehand {}", " \x1b[1m@ablehand {}\n", id="event-behind-colour"),
    ],
)
def test_makes_text_harmless(text: str, shown: str) -> None:
    """One row for each trick."""
    assert printed(text) == shown


def test_cuts_long_lines() -> None:
    """Sixteen kilobytes, at a character's end."""
    line = printed("ü" * 50_000)

    assert len(line.encode()) <= 16_385
    assert line.endswith("…\n")


@settings(deadline=None)
@given(st.integers(-60, 60), st.sampled_from(["", "\r", "\x1b[1m", "\x1b[2J"]), st.sampled_from(["k-", "glpat-"]))
def test_a_secret_at_a_cut_leaves_no_half(place: int, control: str, begin: str) -> None:
    """Neither one that is known here nor one that the reconciler would know by its shape; at each of the two cuts."""
    secret = begin + "a1B2" * 10
    for cut in (LINE_LIMIT_BYTES, 4 * LINE_LIMIT_BYTES):
        filler = control * ((cut - 100) // len(control)) if control else "," * (cut - 100)
        line = printed(
            f"{filler}{',' * (100 + place)}{secret} more" + " and more" * 9000, *([secret] if begin == "k-" else [])
        )

        assert secret in line or "a1B2" not in line
        assert secret not in line or begin == "glpat-"


def test_takes_secrets_out() -> None:
    """The token goes in each of its forms, also where control characters were to hide it."""
    token = "glpat-canary-01234"
    secrets = known_secrets({"ABLEHAND_GIT_TOKEN": token, "PATH": "/usr/bin", "OPENAI_API_KEY": "sk-1234567"})
    encoded = base64.b64encode(f"oauth2:{token}".encode()).decode()

    assert printed(f"{token} glpat\0-canary-01234 {encoded} sk-1234567 /usr/bin", *secrets) == (
        "[secret] [secret] [secret] [secret] /usr/bin\n"
    )


def test_an_event_stays_readable_for_the_worker() -> None:
    """Texts are on one line and short; a list that is too long loses its end, never the whole."""
    stream = io.BytesIO()
    items = tuple(("😀" * 500, "done") for _ in range(80))

    Console(stream, ["canary-secret"]).emit(
        Event(kind="progress", text="a\n\x1b[31mcanary-secret\n" + "x" * 999, items=items)
    )

    line = stream.getvalue().decode().rstrip("\n")
    event = decode_event(line)
    assert len(line) <= EVENT_LIMIT_BYTES
    assert event is not None
    assert event.text.startswith("a [secret] xxx")
    assert len(event.text) == 300
    assert 0 < len(event.items) < 50


@pytest.mark.parametrize("text", ["plain\n" * 9_000, "ü", "計画" * 9_000, "😀" * 16_384, '"\\\n' * 20_000, ""])
def test_a_document_is_put_together_again(text: str) -> None:
    """In numbered chunks that the worker reads, whatever its letters take; what is too long loses its end."""
    stream = io.BytesIO()

    count = Console(stream).document(text)

    lines = stream.getvalue().decode().splitlines()
    events = [event for line in lines if (event := decode_event(line))]
    assert [event.index for event in events] == list(range(count)) == list(range(len(lines)))
    assert all(len(event.text) <= 8_000 for event in events)
    assert "".join(event.text for event in events) == text.encode()[:DOCUMENT_LIMIT_BYTES].decode(errors="ignore")


def test_a_document_keeps_no_secret_across_chunks() -> None:
    """What is made harmless is the whole, not each chunk."""
    stream = io.BytesIO()

    Console(stream, ["canary-of-a-secret"]).document("x" * 7_990 + "canary-of-a-secret\n\x1b[31mred")

    events = [decode_event(line) for line in stream.getvalue().decode().splitlines()]
    assert "".join(event.text for event in events if event) == "x" * 7_990 + "[secret]\nred"
