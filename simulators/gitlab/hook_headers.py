"""The headers of one hook delivery: names, tokens and the Standard Webhooks signature. Pure."""

import base64
import hmac
import uuid

from simulators.gitlab.records import Hook

VERSION = "19.0.0"
SIGNING_KEY_BYTES = 32


def delivery_headers(hook: Hook, event: str, instance: str, key: str, chain: str) -> dict[str, str]:
    """Return the headers but for the signature; *key* stays over resends, one call shares *chain*."""
    headers = dict(hook.custom_headers) | {
        "Content-Type": "application/json",
        "User-Agent": f"GitLab/{VERSION}",
        "Idempotency-Key": key,
        "X-Gitlab-Event": event,
        "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
        "X-Gitlab-Event-UUID": chain,
        "X-Gitlab-Instance": instance,
    }
    if hook.token:
        headers["X-Gitlab-Token"] = hook.token.replace("\r", "").replace("\n", "")
    return headers


def signature_headers(signing_token: str, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three `webhook-*` headers of GitLab 19.0, made anew for each sending."""
    signed = f"{key}.{timestamp}.".encode() + body
    digest = hmac.digest(_signing_key(signing_token), signed, "sha256")
    return {
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def is_signing_token(token: str) -> bool:
    """Tell whether a token is `whsec_` and base64 of exactly 32 bytes, as GitLab demands."""
    try:
        return token.startswith("whsec_") and len(_signing_key(token)) == SIGNING_KEY_BYTES
    except ValueError:
        return False


def _signing_key(token: str) -> bytes:
    return base64.b64decode(token.removeprefix("whsec_"), validate=True)
