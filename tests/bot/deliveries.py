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


def merge_request_note(text: str = "/agent do it", **changes: Any) -> dict[str, Any]:
    """Give the body of a comment on a line of a diff."""
    position = {"base_sha": "a" * 40, "new_path": "a.py", "old_path": "a.py", "new_line": None, "old_line": 3,
                "position_type": "text", "line_range": None}  # fmt: skip
    attributes = {"noteable_type": "MergeRequest", "type": "DiffNote", "discussion_id": "c3d97", "position": position}
    body = note(text, **(attributes | changes))
    del body["issue"]
    return body | {
        "project_id": 5,
        "merge_request": {"id": 7, "iid": 3, "source_project_id": 6, "target_project_id": 5},
    }


def changed(
    kind: str = "issue", *, changes: object = None, action: str | None = "update", **top: Any
) -> dict[str, Any]:
    """Give the body of a change to number 17, with *top* beside the usual keys."""
    return {
        "object_kind": kind,
        "event_type": kind,
        "user": {"id": 1, "username": "alice", "email": "[REDACTED]"},
        "project": {"id": 5, "path_with_namespace": "shop/web"},
        "object_attributes": {"id": 92, "iid": 17, "action": action, "updated_at": "2026-11-22T11:00:00Z"},
        "changes": {} if changes is None else changes,
        **top,
    }


def person(user_id: int, **more: Any) -> dict[str, Any]:
    """Give somebody as lists and changes show them."""
    return {"id": user_id, "name": "N", "username": f"u{user_id}", "avatar_url": None, "email": "[REDACTED]", **more}


def pipeline(*, request: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Give the body of a failed pipeline of a branch of ours; *changes* go into its ``object_attributes``."""
    attributes = {"id": 31, "iid": 3, "ref": "agent/17-abc", "tag": False, "sha": "b" * 40, "source": "push",
                  "status": "failed", "detailed_status": "failed", "finished_at": "2026-11-22 11:00:00 UTC",
                  "variables": [{"key": "A", "value": "secret"}]}  # fmt: skip
    return {
        "object_kind": "pipeline",
        "object_attributes": attributes | changes,
        "merge_request": request,
        "user": None,
        "project": {"id": 5},
        "source_pipeline": None,
        "builds": [{"id": 380, "stage": "test", "status": "failed", "failure_reason": "script_failure"}],
    }
