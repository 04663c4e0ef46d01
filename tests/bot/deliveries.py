"""Webhook deliveries as GitLab sends them, made here; signed on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

KEY = b"0123456789abcdef0123456789abcdef"
SIGNING_TOKEN = "whsec_" + base64.b64encode(KEY).decode()


def note(text: str = "/agent do it", **changes: Any) -> dict[str, Any]:
    """Give a note hook's body; *changes* go into its ``object_attributes``."""
    attributes = {"id": 1244, "note": text, "noteable_type": "Issue", "action": "create", "system": False, **changes}
    return {
        "object_kind": "note",
        "user": {"id": 1, "username": "alice"},
        "project": {"id": 5, "path_with_namespace": "shop/web"},
        "object_attributes": attributes,
        "issue": {"id": 92, "iid": 17, "title": "A title", "labels": []},
    }


def issue(*, before: tuple[str, ...] | None, now: tuple[str, ...], action: str = "update") -> dict[str, Any]:
    """Give an issue hook's body; *before* None leaves ``changes.labels`` out."""
    changes = {} if before is None else {"labels": {"previous": _labels(before), "current": _labels(now)}}
    return {
        "object_kind": "issue",
        "project": {"id": 5},
        "object_attributes": {"iid": 17, "action": action, "updated_at": "2026-11-22 11:00:00 UTC"},
        "labels": _labels(now),
        "changes": changes,
    }


def encoded(body: object) -> bytes:
    """Give a body's bytes."""
    return json.dumps(body).encode()


def signed(
    body: bytes, *, delivery: str = "d-1", key: bytes = KEY, age: float = 0, now: float | None = None
) -> dict[str, str]:
    """Give the headers of a signed delivery that is *age* seconds old at *now*, by default the present."""
    moment = str(int((time.time() if now is None else now) - age))
    digest = hmac.new(key, b".".join((delivery.encode(), moment.encode(), body)), hashlib.sha256).digest()
    return {
        "webhook-id": delivery,
        "webhook-timestamp": moment,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        "idempotency-key": delivery,
    }


def _labels(titles: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"id": number, "title": title} for number, title in enumerate(titles)]
