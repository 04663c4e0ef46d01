"""The names on a run's Job, Pod and Secret: the launching half writes them, the watching half reads them.

Labels are what a list or watch selects by, annotations what people read. Neither holds a prompt
or a secret. Objects are anybody's who may write in the namespace, so what is read from them is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from worker.executors.protocol import RunRequest

PREFIX: Final = "ablehand/"
"""Of every label and annotation that is ours alone; an operator's pod template may not set one."""
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
APPLICATION: Final = "app.kubernetes.io/name"
TASK: Final = "ablehand/task"
RUN: Final = "ablehand/run"
"""The task's unique id: a Job of the right name with another one belongs to another installation."""
ATTEMPT: Final = "ablehand/attempt"
PROJECT: Final = "ablehand/project"
SPEC_HASH: Final = "ablehand/spec-hash"
"""Annotation of the Job: a digest of its own manifest, to see whether two launches ordered the same."""
KIND: Final = {MANAGED_BY: "ablehand", APPLICATION: "ablehand-run"}
INSTALLATION: Final = "ablehand/installation"
"""Runs of another one are neither seen nor touched, whatever task their name names."""

_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")
_NOTE_KEY: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_NOTE_LIMIT: Final = 1024


def selector(installation: str) -> str:
    """Give the label selector of everything that belongs to an installation's runs, for lists and watches."""
    return ",".join(f"{name}={value}" for name, value in {**KIND, INSTALLATION: installation}.items())


def run_labels(request: RunRequest) -> dict[str, str]:
    """Give the labels of a run's objects; a value that is no label value is left out."""
    values = {
        **KIND,
        TASK: str(request.task_id),
        INSTALLATION: request.installation,
        RUN: request.unique_id,
        ATTEMPT: str(request.attempt),
        PROJECT: str(request.project_id),
    }
    return {name: value for name, value in values.items() if _LABEL_VALUE.fullmatch(value)}


def run_annotations(request: RunRequest) -> dict[str, str]:
    """Give `RunRequest.notes` as annotations, each cut to a length; a key that is none is left out."""
    return {
        PREFIX + key: value.encode(errors="replace").decode()[:_NOTE_LIMIT]
        for key, value in request.notes.items()
        if _NOTE_KEY.fullmatch(key) and PREFIX + key != SPEC_HASH
    }


def task_id(labels: Mapping[str, object]) -> int | None:
    """Read which task an object belongs to; None where its labels are not ours or do not parse."""
    if any(labels.get(name) != value for name, value in KIND.items()):
        return None
    value = labels.get(TASK)
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None
