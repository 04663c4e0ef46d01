"""Whether one run fits into the quotas of the agents' namespace, by the pod's own requests and limits. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from operate.finding import Finding
from worker.executors.kubernetes.quantity import amount

_COUNTED: Final = {"pods", "count/pods", "count/jobs.batch", "secrets", "count/secrets"}
"""What a run takes one of."""
_SHORT: Final = {"cpu", "memory", "ephemeral-storage"}
"""A quota may write ``cpu`` for ``requests.cpu``."""


def examine_quotas(quotas: Sequence[Mapping[str, Any]], pod: Mapping[str, Any]) -> Iterator[Finding]:
    """Give a finding for each quota of the namespace; *pod* is a run's pod spec."""
    needs = pod_needs(pod)
    for quota in quotas:
        name = quota.get("metadata", {}).get("name", "")
        spec = quota.get("spec") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            yield Finding(f"quota {name} is for some pods only and was not checked")
            continue
        short = [_lack(resource, hard, needs) for resource, hard in (spec.get("hard") or {}).items()]
        problems = [problem for problem in short if problem]
        mend = f"Raise it, or have the pod template ask for less: {'; '.join(problems)}." if problems else ""
        yield Finding(f"one run fits into the quota {name}", mend)


def pod_needs(pod: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """Give what a pod counts for: its largest init container, or its containers together; None: it names no limit."""
    needs: dict[str, Decimal | None] = {}
    for kind in ("requests", "limits"):
        groups = [[container] for container in pod["initContainers"]] + [pod["containers"]]
        names = {name for group in groups for one in group for name in one["resources"][kind]} | _SHORT
        for name in names:
            needs[f"{kind}.{name}"] = _largest(groups, kind, name)
    return needs


def _largest(groups: list[list[Any]], kind: str, name: str) -> Decimal | None:
    """Take the largest of the groups' sums; None where a container says nothing: it is then refused or unbounded."""
    sums = []
    for group in groups:
        given = [one["resources"][kind].get(name) for one in group]
        if None in given and name in _SHORT:
            return None
        sums.append(sum((amount(value) for value in given if value is not None), Decimal(0)))
    return max(sums)


def _lack(resource: str, hard: object, needs: Mapping[str, Decimal | None]) -> str:
    if resource in _COUNTED:
        return "" if amount(hard) >= 1 else f"{resource} is {hard}, and a run needs 1"
    name = f"requests.{resource}" if resource in _SHORT else resource
    if name not in needs:
        return ""
    needed = needs[name]
    if needed is None:
        return f"{resource} is bounded, and the pod template takes the run's own limit away"
    return "" if amount(hard) >= needed else f"{resource} is {hard}, and a run needs {_shown(needed)}"


def _shown(number: Decimal) -> str:
    for suffix, unit in (("Gi", 1 << 30), ("Mi", 1 << 20)):
        if number >= unit and number % unit == 0:
            return f"{int(number) // unit}{suffix}"
    return f"{number.normalize():f}"
