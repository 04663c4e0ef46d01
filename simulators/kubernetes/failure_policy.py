"""What a Job's podFailurePolicy makes of a failed Pod. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first rule that matched: its action (FailJob, Ignore, Count) and the words for it."""

    action: str
    message: str


def judge(policy: Object | None, pod: Object) -> Verdict | None:
    """Return what the first matching rule says of *pod*; None where none matches."""
    for index, rule in enumerate((policy or {}).get("rules") or []):
        seen = _by_exit_code(rule.get("onExitCodes"), pod) or _by_condition(rule.get("onPodConditions"), pod)
        if seen:
            return Verdict(rule["action"], f"{seen} matching {rule['action']} rule at index {index}")
    return None


def _by_exit_code(rule: Object | None, pod: Object) -> str:
    if rule is None:
        return ""
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    for container, code in _failures(pod):
        if rule.get("containerName") not in (None, container):
            continue
        if (code in rule["values"]) is (rule["operator"] == "In"):
            return f"Container {container} for pod {name} failed with exit code {code}"
    return ""


def _failures(pod: Object) -> Iterator[tuple[str, int]]:
    """Yield name and exit code of each container that ended badly; a code of 0 matches no rule, not even NotIn."""
    status = pod.get("status", {})
    for one in (*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])):
        code = one.get("state", {}).get("terminated", {}).get("exitCode", 0)
        if code:
            yield one["name"], code


def _by_condition(rules: list[Object] | None, pod: Object) -> str:
    conditions = pod.get("status", {}).get("conditions") or []
    for rule in rules or []:
        for condition in conditions:
            if condition["type"] == rule["type"] and condition["status"] == rule.get("status", "True"):
                name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
                return f"Pod {name} has condition {condition['type']}"
    return ""
