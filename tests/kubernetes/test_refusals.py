"""What a cluster's refusals become: the words are those of real API servers."""

from __future__ import annotations

import json

import pytest

from core.errors import ExecutorError, ExecutorUnavailable
from worker.executors.kubernetes.refusals import (
    Answer,
    Conflict,
    Invalid,
    NamespaceMissing,
    NotAllowed,
    NotFound,
    Throttled,
    refusal,
)

ASKED = "create jobs agent-7-a1"


NO_RIGHT = (
    'jobs.batch is forbidden: User "system:serviceaccount:ablehand:worker" cannot create resource "jobs" in API group '
    '"batch" in the namespace "agents"'
)
QUOTA = (
    'jobs.batch "agent-7-a1" is forbidden: exceeded quota: few, requested: count/jobs.batch=1, used: '
    "count/jobs.batch=0, limited: count/jobs.batch=0"
)
ENDING = (
    'jobs.batch "agent-7-a1" is forbidden: unable to create new content in namespace agents because it is being '
    "terminated"
)
WEBHOOK = 'admission webhook "check.example.com" denied the request: no jobs on Fridays'
POLICY = "jobs.batch \"a\" is forbidden: ValidatingAdmissionPolicy 'safe' with binding 'safe' denied request: failed"
INVALID = 'Job.batch "agent-7-a1" is invalid: spec.template.spec.priority: Invalid value'
SEEN = "create jobs agent-7-a1 in namespace agents: "
MISSING = "not allowed: create jobs agent-7-a1 in namespace agents; `ablehand doctor` shows the missing right"
NAMESPACE = "there is no namespace agents: create it, or set ABLEHAND_NAMESPACE"


def status(code: int, message: str, kind: str = "") -> Answer:
    """Give a server's refusal."""
    details = {"details": {"kind": kind}} if kind else {}
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code} | details
    return Answer(status=code, body=json.dumps(body).encode())


CASES: dict[str, tuple[Answer, type[ExecutorError], str, str]] = {
    "no-right": (status(403, NO_RIGHT), NotAllowed, "rights", f"{MISSING} ({NO_RIGHT})"),
    "bare-403": (Answer(status=403, body=b"<html>"), NotAllowed, "rights", MISSING),
    "credentials": (
        status(401, "Unauthorized"), NotAllowed, "rights",
        f"the cluster does not accept our credentials ({SEEN}401 Unauthorized)",
    ),
    "quota": (status(403, QUOTA), ExecutorError, "quota", f"{SEEN}403 {QUOTA}"),
    "namespace-ending": (
        status(403, ENDING), NotAllowed, "rights", f"the namespace agents is being deleted ({SEEN}403 {ENDING})"
    ),
    "namespace-missing": (
        status(404, 'namespaces "agents" not found', "namespaces"), NamespaceMissing, "rights", NAMESPACE
    ),
    "webhook": (status(400, WEBHOOK), ExecutorError, "admission", f"{SEEN}400 {WEBHOOK}"),
    "webhook-403": (status(403, WEBHOOK), ExecutorError, "admission", f"{SEEN}403 {WEBHOOK}"),
    "policy": (status(422, POLICY), ExecutorError, "admission", f"{SEEN}422 {POLICY}"),
    "invalid": (status(422, INVALID), Invalid, "infrastructure", f"{SEEN}422 {INVALID}"),
    "not-found": (status(404, "no such job", "jobs"), NotFound, "infrastructure", f"{SEEN}404 no such job"),
    "taken": (status(409, "already exists"), Conflict, "infrastructure", f"{SEEN}409 already exists"),
    "busy": (status(429, "too many requests"), Throttled, "cluster", f"{SEEN}429 too many requests"),
    "broken": (status(500, "etcdserver: timeout"), ExecutorUnavailable, "cluster", f"{SEEN}500 etcdserver: timeout"),
    "proxy": (Answer(status=502, body=b"<html>"), ExecutorUnavailable, "cluster", f"{SEEN}502"),
    "not-kubernetes": (
        Answer(status=404, body=b"<html>"), ExecutorUnavailable, "cluster", f"{SEEN}404 (not a Kubernetes API's answer)"
    ),
    "redirect": (Answer(status=302, body=b""), ExecutorUnavailable, "cluster", f"{SEEN}302"),
    "nested": (Answer(status=500, body=b"[" * 100_000), ExecutorUnavailable, "cluster", f"{SEEN}500"),
    "number": (Answer(status=422, body=b'{"message": 7}'), Invalid, "infrastructure", f"{SEEN}422 7"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "reason", "message"), CASES.values(), ids=CASES.keys())
def test_each_refusal_has_its_kind_reason_and_words(
    answer: Answer, kind: type[ExecutorError], reason: str, message: str
) -> None:
    """The same words are what people see behind the reason's sentence."""
    error = refusal(ASKED, "agents", answer)

    assert (type(error), error.reason, str(error)) == (kind, reason, message)


def test_long_words_are_cut_to_one_line() -> None:
    """A webhook may answer with pages."""
    error = refusal(ASKED, "agents", status(500, "line\n" * 10_000))

    assert len(str(error)) < 700
    assert "\n" not in str(error)
