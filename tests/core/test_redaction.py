"""No secret passes the redactor, in whatever spelling; ordinary text does."""

from __future__ import annotations

import base64
import time
from urllib.parse import quote

import pytest

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
