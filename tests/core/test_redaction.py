"""No secret passes the redactor, in whatever spelling; ordinary text does."""

from __future__ import annotations

import base64
import time
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.redaction import MARK, Redactor

SECRET = "canary/Value+1234=="


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(quote(SECRET, safe=""), id="url"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="base64"),
        pytest.param(base64.b64encode(f"oauth2:{SECRET}".encode()).decode(), id="basic-auth"),
    ],
)
def test_known_values_are_found_in_every_spelling(spelt: str) -> None:
    """A value that we hold is taken out as it is, URL-encoded and as git's header has it."""
    redacted = Redactor([SECRET])(f"before {spelt} after")

    assert spelt.rstrip("=") not in redacted
    assert redacted.startswith("before ")
    assert MARK in redacted


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("glpat-" + "a1B2" * 6, id="gitlab-personal"),
        pytest.param("glrt-" + "a1B2" * 6, id="gitlab-runner"),
        pytest.param("whsec_" + "QUJD" * 11, id="webhook"),
        pytest.param("sk-ant-api03-" + "x" * 40, id="anthropic"),
        pytest.param("ghp_" + "x" * 36, id="github"),
        pytest.param("AKIA" + "ABCDEFGH12345678", id="aws"),
        pytest.param("eyJhbGciOi" + "J9.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl", id="jwt"),
    ],
)
def test_well_known_shapes_are_found(token: str) -> None:
    """Tokens that are not ours are taken out by their shape."""
    assert Redactor([])(f"x {token} y") == f"x {MARK} y"


def test_credentials_in_an_address_are_found() -> None:
    """User and password of a URL go, its host stays."""
    assert Redactor([])("https://me:pass@host/x") == f"https://{MARK}@host/x"


@pytest.mark.parametrize(
    "text", ["an ordinary line", "https://host:8080/a@b", "task-force", "sk-", "def skip(self): eyJ", ""]
)
def test_ordinary_text_stays(text: str) -> None:
    """What is no secret is not touched."""
    assert Redactor(["short"])(text) == text


def test_hostile_text_takes_no_time() -> None:
    """A megabyte of near misses is looked through in well under a second."""
    text = ("://" + "a" * 300 + ":" + "-----BEGIN PRIVATE KEY-----") * 3000

    begin = time.perf_counter()
    Redactor([SECRET])(text)

    assert time.perf_counter() - begin < 5


SECRETS = st.text("abcdefghijkLMNOP-_/+!$ é", min_size=6, max_size=90).filter(lambda text: text == text.strip())
AROUND = st.text("0123456789 .:", max_size=12)


def forms(secret: str) -> list[str]:
    """List how a secret may be spelt."""
    return [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")]


def longest_piece(secret: str, stored: str) -> int:
    """Count the characters of the longest piece of *secret*, from its begin or its end, that *stored* shows."""
    return max(
        (size for size in range(1, len(secret) + 1) if secret[:size] in stored or secret[-size:] in stored), default=0
    )


@settings(deadline=None)
@given(SECRETS, st.integers(0, 2), st.integers(1), AROUND, AROUND)
@example("aaaaaab", 0, 3, "", "")
@example("abcabcabcabc", 0, 7, "", "")
def test_a_secret_in_two_lines_is_not_stored(secret: str, form: int, place: int, before: str, behind: str) -> None:
    """Wherever it is split, and however it is spelt, less than half of it, and never six characters, stay."""
    spelt = forms(secret)[form]
    place = 1 + place % (len(spelt) - 1)
    redact = Redactor([secret])

    first, second = redact.line(before + spelt[:place]), redact.line(spelt[place:] + behind)

    least = min(6, (len(spelt) + 1) // 2)
    assert longest_piece(spelt[:place], first.replace(MARK, "")) < least or place < least
    assert longest_piece(spelt[place:], second.replace(MARK, "")) < least or len(spelt) - place < least
    assert MARK in first + second


@settings(deadline=None)
@given(SECRETS, st.integers(6, 30), AROUND)
def test_a_secret_that_is_wrapped_is_not_stored(secret: str, width: int, before: str) -> None:
    """As `base64` and terminals wrap: each line of it by itself."""
    redact = Redactor([secret])
    text = f"{before}:{secret}"

    stored = [redact.line(text[start : start + width]) for start in range(0, len(text), width)]

    assert all(secret[start : start + 6] not in line for line in stored for start in range(len(secret) - 5))


@pytest.mark.parametrize("text", ["0.5 sec", "the value is canary", "1234==", "Value", ""])
def test_a_few_letters_are_no_piece(text: str) -> None:
    """A line may end with a word that a secret begins with, or begin as one ends."""
    assert Redactor(["canaries of some length, 1234=="]).line(text).replace(MARK, "") in {text, text[:-6], text[6:]}


def test_redacting_a_line_takes_no_time() -> None:
    """Twenty secrets, a line that is near all of them: thousands of lines a second."""
    secrets = [f"{'a' * 60}{number:02}" for number in range(20)]
    redact = Redactor(secrets)

    begin = time.perf_counter()
    for _ in range(1000):
        redact.line("a" * 61 + "b" + "a" * 59)

    assert time.perf_counter() - begin < 20
