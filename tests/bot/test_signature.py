"""Who is believed to be GitLab."""

from __future__ import annotations

from functools import partial

import pytest

from bot.signature import Unauthentic, Verifier, key_of
from tests.bot.deliveries import KEY, SIGNING_TOKEN
from tests.bot.deliveries import signed as signed_at

NOW = 1_795_347_000.0
signed = partial(signed_at, now=NOW)
BODY = b'{"object_kind": "note"}'
SIGNING = Verifier(signing_tokens=[SIGNING_TOKEN], instance="https://gitlab.example")
SECRET = Verifier(secret_tokens=["canary-old", "canary-new"])


def test_a_signed_delivery_is_believed() -> None:
    """The signature gives the delivery's id."""
    assert SIGNING.check(signed(BODY), BODY, now=NOW) == "d-1"


def test_one_good_signature_of_several_is_enough() -> None:
    """The header may list signatures by several keys, and several keys may be active."""
    headers = signed(BODY)
    headers["webhook-signature"] = "v1,AAAA v2,BBBB " + headers["webhook-signature"]
    other = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="

    verifier = Verifier(signing_tokens=[other, SIGNING_TOKEN])

    assert verifier.check(headers, BODY, now=NOW) == "d-1"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"x-gitlab-token": SIGNING_TOKEN}, id="stripped-to-the-token"),
        pytest.param(signed(BODY + b" "), id="other-body"),
        pytest.param(signed(BODY, key=bytes(32)), id="other-key"),
        pytest.param(signed(BODY, age=301), id="too-old"),
        pytest.param(signed(BODY, age=-302), id="from-the-future"),
        pytest.param({**signed(BODY), "webhook-id": "d-2"}, id="other-id"),
        pytest.param({**signed(BODY), "webhook-timestamp": "１２"}, id="digits-of-another-script"),
        pytest.param({**signed(BODY), "webhook-timestamp": "9" * 5000}, id="huge-timestamp"),
        pytest.param({**signed(BODY), "webhook-signature": signed(BODY)["webhook-signature"][:-8]}, id="truncated"),
        pytest.param({**signed(BODY), "webhook-signature": "v1,"}, id="empty"),
        pytest.param({**signed(BODY), "webhook-signature": "v1,ü"}, id="not-ascii"),
        pytest.param({**signed(BODY), "x-gitlab-instance": "https://other.example"}, id="other-instance"),
    ],
)
def test_what_is_not_signed_is_refused(headers: dict[str, str]) -> None:
    """With a signing token configured, only its signature counts."""
    with pytest.raises(Unauthentic):
        SIGNING.check(headers, BODY, now=NOW)


@pytest.mark.parametrize("token", ["canary-old", "canary-new"])
def test_the_token_is_believed_where_no_signature_is_configured(token: str) -> None:
    """Every active token is good."""
    headers = {"x-gitlab-token": token, "idempotency-key": "d-9"}

    assert SECRET.check(headers, BODY, now=0) == "d-9"


@pytest.mark.parametrize("token", ["", "canary-ol", "canary-old ", "Canary-old", "ü"])
def test_a_wrong_token_is_refused(token: str) -> None:
    """A missing or nearly right token is wrong."""
    with pytest.raises(Unauthentic) as caught:
        SECRET.check({"x-gitlab-token": token} if token else {}, BODY, now=0)
    assert "canary" not in str(caught.value)


def test_nothing_is_believed_without_keys() -> None:
    """An empty configuration refuses, also an empty token."""
    with pytest.raises(Unauthentic):
        Verifier().check({"x-gitlab-token": ""}, BODY, now=0)


def test_a_signing_token_has_gitlabs_form() -> None:
    """The prefix and 32 bytes are required."""
    assert key_of(SIGNING_TOKEN) == KEY
    for wrong in ("", "abc", SIGNING_TOKEN[6:], "whsec_AAAA", "whsec_%%%"):
        with pytest.raises(ValueError, match="signing token"):
            key_of(wrong)
