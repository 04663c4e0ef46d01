"""Which rights worker and reconciler need in the agents' namespace: the chart's Roles and `ablehand doctor` follow it.

A test records every call that the code makes, and compares.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Right(NamedTuple):
    """One verb on one resource, as a Role spells it; *group* is empty for the core group."""

    group: str
    resource: str
    subresource: str
    verb: str

    def __str__(self) -> str:
        """Say it in words: ``create jobs.batch``, ``get pods/log``."""
        whole = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{self.verb} {whole}.{self.group}" if self.group else f"{self.verb} {whole}"


def _rights(group: str, resource: str, *verbs: str, subresource: str = "") -> frozenset[Right]:
    return frozenset(Right(group, resource, subresource, verb) for verb in verbs)


WORKER: Final[frozenset[Right]] = _rights("batch", "jobs", "create", "get", "patch", "delete") | _rights(
    "", "secrets", "create", "delete"
)
"""Launches and cancels. Secrets are never read back: who may create pods could, but need not by this."""
RECONCILER: Final[frozenset[Right]] = (
    _rights("batch", "jobs", "get", "list", "watch", "delete")
    | _rights("", "pods", "get", "list", "watch")
    | _rights("", "pods", "get", subresource="log")
    | _rights("", "events", "list")
)
"""Follows, ends and removes runs; events tell why a pod does not come up."""
