"""Decides whether a delivery is authentic, fresh, and from the GitLab that we serve. Pure; no Starlette.

With a signing token configured (Standard Webhooks, GitLab 19.0 or newer) only a signature counts, and the token header
alone is refused: whoever could strip the signature must not gain by it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TOLERANCE_SECONDS: Final = 300
_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"


class Unauthentic(Exception):
    """The delivery is refused; the message says why and holds nothing of what was presented, *kind* in one word."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """What a delivery must prove. Several keys may be active while one replaces another."""

    signing_tokens: Sequence[str] = ()
    secret_tokens: Sequence[str] = ()
    instance: str = ""
    """Base URL of the GitLab that we serve; empty: not compared."""

    def check(self, headers: Mapping[str, str], body: bytes, *, now: float) -> str:
        """Give the delivery's id, empty where it has none.

        Raises:
            Unauthentic: It is not to be acted on.
        """
        self._check_instance(headers)
        if self.signing_tokens:
            return self._check_signature(headers, body, now)
        presented = headers.get("x-gitlab-token", "").encode("utf-8", "replace")
        # Every token is compared, so that the time taken does not tell which one was nearly right.
        matches = [hmac.compare_digest(presented, token.encode()) for token in self.secret_tokens]
        if not any(matches):
            raise Unauthentic("token", "the token is missing or wrong")
        return headers.get("idempotency-key", "")

    def _check_instance(self, headers: Mapping[str, str]) -> None:
        instance = headers.get("x-gitlab-instance", "").rstrip("/")
        if self.instance and instance and instance != self.instance:
            raise Unauthentic("instance", "the delivery is from another GitLab than ABLEHAND_GITLAB_URL")

    def _check_signature(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        delivery, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not moment.isascii() or not moment.isdigit() or abs(now - int(moment[:12])) > TOLERANCE_SECONDS:
            raise Unauthentic("timestamp", "the timestamp is missing or not of the last five minutes")
        signed = b".".join((delivery.encode("utf-8", "replace"), moment.encode(), body))
        presented = [
            part.removeprefix(_VERSION).encode("utf-8", "replace")
            for part in headers.get("webhook-signature", "").split(" ")
            if part.startswith(_VERSION)
        ]
        expected = [_signature(token, signed) for token in self.signing_tokens]
        matches = [hmac.compare_digest(one, other) for one in presented for other in expected]
        if not any(matches):
            raise Unauthentic("signature", "the signature is missing or wrong")
        return delivery


def key_of(signing_token: str) -> bytes:
    """Give the key that a signing token stands for.

    Raises:
        ValueError: It is not ``whsec_`` and base64 of 32 bytes.
    """
    try:
        key = base64.b64decode(signing_token.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a signing token is whsec_ followed by base64") from error
    if not signing_token.startswith(_PREFIX) or len(key) != 32:  # noqa: PLR2004 - GitLab's own length
        raise ValueError("a signing token is whsec_ followed by base64 of 32 bytes")
    return key


def _signature(token: str, signed: bytes) -> bytes:
    return base64.b64encode(hmac.new(key_of(token), signed, hashlib.sha256).digest())
