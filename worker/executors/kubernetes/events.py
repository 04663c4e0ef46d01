"""What the events of a Job or Pod tell where its status is silent: a refused pod, a missing Secret. Pure.

Events are text that anybody with a right to events may write, so at worst a run is told the wrong cause; read seldom,
because every read is a call to the API.
"""

from __future__ import annotations

import re
from typing import Any, Final

from core.reasons import Reason
from worker.executors.kubernetes.prune import TEXT_LIMIT
from worker.executors.kubernetes.verdicts import Trouble

_QUOTA: Final = re.compile(r"(?:exceeded|failed|insufficient) quota")
_QUOTA_TOO_SMALL: Final = re.compile(r"used: (?:[^=,]+=0,)*[^=,]+=0, limited|failed quota")
"""Refused although nothing of it is in use, or because every container has to say what it needs."""
_ADMISSION: Final = re.compile(
    r"PodSecurity|admission webhook|ValidatingAdmissionPolicy|denied (?:the )?request|(?:max|min)imum \S+ usage per"
)
_MISSING: Final = re.compile(
    r"(?:secret|configmap|serviceaccount|persistentvolumeclaim)s? \"[^\"]*\" not found|references non-existent"
)
_POD_REFUSED: Final = "FailedCreate"
_CONTAINERS_REFUSED: Final = frozenset({
    "FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer",
})  # fmt: skip
_TIMES: Final = ("lastTimestamp", "eventTime", "firstTimestamp")


def read_trouble(events: object) -> Trouble | None:
    """Give what the youngest telling event says; None where none tells anything."""
    items = [item for item in events if isinstance(item, dict)] if isinstance(events, list) else []
    telling = [item for item in items if item.get("reason") in _CONTAINERS_REFUSED | {_POD_REFUSED}]
    if not telling:
        return None
    youngest = max(telling, key=_time)
    message = str(youngest.get("message") or "")[:TEXT_LIMIT].encode(errors="replace").decode()
    return _refused(message) if youngest.get("reason") == _POD_REFUSED else _unmade(message)


def _refused(message: str) -> Trouble:
    if _QUOTA.search(message):
        hopeless = bool(_QUOTA_TOO_SMALL.search(message))
        return Trouble(reason=Reason.QUOTA, detail=message, is_hopeless=hopeless)
    if _ADMISSION.search(message):
        return Trouble(reason=Reason.ADMISSION, detail=message, is_hopeless=True)
    return _unmade(message)


def _unmade(message: str) -> Trouble:
    return Trouble(reason=Reason.POD, detail=message, is_hopeless=bool(_MISSING.search(message)))


def _time(event: dict[str, Any]) -> str:
    """Give when *event* was seen last, comparable as text: the API writes all times in UTC and one format."""
    series = event.get("series")
    last = series.get("lastObservedTime") if isinstance(series, dict) else None
    return max((str(value) for value in (last, *(event.get(key) for key in _TIMES)) if value), default="")
