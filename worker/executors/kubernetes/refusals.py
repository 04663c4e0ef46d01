"""What a cluster's refusal means: the server's status and words become one error of ours, with a reason for people.

Pure. `worker.executors.kubernetes.connection` calls it with every answer that is no success. The server's words are cut
to a length; they are shown as code, never as text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from core.errors import ExecutorError, ExecutorUnavailable
from core.reasons import Reason

_TEXT_LIMIT: Final = 500
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_TOO_MANY: Final = 429
_QUOTA: Final = re.compile(r"exceeded quota:|failed quota:|insufficient quota")
_ADMISSION: Final = re.compile(
    r"admission webhook|ValidatingAdmissionPolicy|violates PodSecurity|denied (?:the )?request|"
    r"(?:maximum|minimum) .{1,80} per (?:Container|Pod|PersistentVolumeClaim) is"
)
_ENDING_NAMESPACE: Final = "because it is being terminated"


class NotFound(ExecutorError):
    """There is nothing of that name."""


class Conflict(ExecutorError):
    """Something of that name is there already, or it is not the one that was meant."""


class Invalid(ExecutorError):
    """The server finds the object itself wrong; the message holds its words."""


class NotAllowed(ExecutorError):
    """A right is missing, the namespace is, or our credentials are not accepted."""


class NamespaceMissing(NotAllowed):
    """There is no namespace for runs."""


class Throttled(ExecutorUnavailable):
    """The server did nothing and asks to come back after *seconds*."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message, Reason.CLUSTER)
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is no success. *retry_after* is the header's seconds, 0 where there is none."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float = 0.0


def refusal(asked: str, namespace: str, answer: Answer) -> ExecutorError:
    """Give the error for *answer*; *asked* is what was tried on what, for its message ("create jobs agent-7-a1")."""
    status, told = answer.status, _status_object(answer.body)
    words = " ".join(str(told.get("message") or "").split())[:_TEXT_LIMIT]
    seen = f"{asked} in namespace {namespace}: {status} {words}".strip()
    if status == _TOO_MANY:
        return Throttled(seen, answer.retry_after)
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return _denied(asked, namespace, status, words)
    if status == _NOT_FOUND:
        return _absent(seen, namespace, told)
    if status == _CONFLICT:
        return Conflict(seen)
    if 400 <= status < 500:  # noqa: PLR2004 - the client's errors, by the protocol
        # A webhook chooses its own status, 400 where it names none; a policy's is 422.
        denied = _ADMISSION.search(words)
        return ExecutorError(seen, Reason.ADMISSION) if denied else Invalid(seen)
    return ExecutorUnavailable(seen, Reason.CLUSTER)


def _denied(asked: str, namespace: str, status: int, words: str) -> ExecutorError:
    seen = f"{asked} in namespace {namespace}: {status} {words}".strip()
    if status == _UNAUTHORIZED:
        return NotAllowed(f"the cluster does not accept our credentials ({seen})", Reason.RIGHTS)
    if _QUOTA.search(words):
        return ExecutorError(seen, Reason.QUOTA)
    if _ENDING_NAMESPACE in words:
        return NotAllowed(f"the namespace {namespace} is being deleted ({seen})", Reason.RIGHTS)
    if _ADMISSION.search(words):
        return ExecutorError(seen, Reason.ADMISSION)
    missing = f"not allowed: {asked} in namespace {namespace}; `ablehand doctor` shows the missing right"
    return NotAllowed(f"{missing} ({words})" if words else missing, Reason.RIGHTS)


def _absent(seen: str, namespace: str, told: dict[str, Any]) -> ExecutorError:
    details = told.get("details")
    if isinstance(details, dict) and details.get("kind") == "namespaces":
        return NamespaceMissing(
            f"there is no namespace {namespace}: create it, or set ABLEHAND_NAMESPACE", Reason.RIGHTS
        )
    if told.get("kind") != "Status":
        # Without it, something else answered: a proxy, or a wrong address.
        return ExecutorUnavailable(f"{seen} (not a Kubernetes API's answer)", Reason.CLUSTER)
    return NotFound(seen)


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
