"""The rules for Jobs, beyond the schema: counts, the Pod template, the Pod failure policy, what may change. Pure."""

from collections.abc import Iterator
from typing import Any

from simulators.kubernetes.metadata_rules import check_annotations, check_labels
from simulators.kubernetes.pod_rules import check_pod_spec
from simulators.kubernetes.problems import IMMUTABLE, barred, duplicate, required, unsupported, wrong
from simulators.kubernetes.refusals import Cause

Object = dict[str, Any]

_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
_FIXED = ("completions", "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy")
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_POLICY = "spec.podFailurePolicy.rules"
MOST_RULES = 20
MOST_EXIT_CODES = 255


def check_job(job: Object) -> Iterator[Cause]:
    """Yield what is wrong with a Job's spec."""
    spec = job["spec"]
    for name in _COUNTS:
        if spec.get(name) is not None and spec[name] < 0:
            yield wrong(f"spec.{name}", spec[name], "must be greater than or equal to 0")
    template = spec["template"]
    meta, pod = template.get("metadata") or {}, template["spec"]
    yield from check_labels("spec.template.labels", meta.get("labels"))
    yield from check_annotations("spec.template.annotations", meta.get("annotations"))
    yield from check_pod_spec("spec.template.spec", pod)
    yield from _check_restarts(spec, pod)
    replacement = spec.get("podReplacementPolicy")
    choices = ("Failed",) if spec.get("podFailurePolicy") else ("Failed", "TerminatingOrFailed")
    if replacement is not None and replacement not in choices:
        yield unsupported("spec.podReplacementPolicy", replacement, choices)
    mode = spec.get("completionMode", "NonIndexed")
    if mode not in ("NonIndexed", "Indexed"):
        yield unsupported("spec.completionMode", mode, ("NonIndexed", "Indexed"))
    if spec.get("podFailurePolicy"):
        yield from _check_policy(spec["podFailurePolicy"], pod)


def check_job_change(new: Object, old: Object) -> Iterator[Cause]:
    """Yield what may not be changed in a Job that exists; a suspended one that never ran may be placed elsewhere."""
    for name in _FIXED:
        if new["spec"].get(name) != old["spec"].get(name):
            yield wrong(f"spec.{name}", new["spec"].get(name), IMMUTABLE)
    before, after = old["spec"]["template"], new["spec"]["template"]
    if old["spec"].get("suspend") and not old.get("status", {}).get("startTime"):
        before, after = _fixed_part(before), _fixed_part(after)
    if before != after:
        # The real one prints its whole Go struct here.
        yield wrong("spec.template", after, IMMUTABLE)


def _fixed_part(template: Object) -> Object:
    placing = ("nodeSelector", "affinity", "tolerations", "schedulingGates")
    return {"spec": {key: value for key, value in template["spec"].items() if key not in placing}}


def _check_restarts(spec: Object, pod: Object) -> Iterator[Cause]:
    policy = pod.get("restartPolicy", "Always")
    if policy not in ("OnFailure", "Never"):
        yield unsupported("spec.template.spec.restartPolicy", policy, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") and policy != "Never":
        why = 'only "Never" is supported when podFailurePolicy is specified'
        yield wrong("spec.template.spec.restartPolicy", policy, why)


def _check_policy(policy: Object, pod: Object) -> Iterator[Cause]:
    names = {one["name"] for kind in ("initContainers", "containers") for one in pod.get(kind) or []}
    if len(policy["rules"]) > MOST_RULES:
        yield barred(_POLICY, f"must have at most {MOST_RULES} items")
    for index, rule in enumerate(policy["rules"]):
        yield from _check_rule(f"{_POLICY}[{index}]", rule, names)


def _check_rule(place: str, rule: Object, names: set[str]) -> Iterator[Cause]:
    if rule["action"] not in _ACTIONS:
        yield unsupported(f"{place}.action", rule["action"], _ACTIONS)
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
    if codes and conditions:
        yield wrong(place, rule, "specifying both OnExitCodes and OnPodConditions is not supported")
    if not codes and not conditions:
        yield wrong(place, rule, "specifying one of OnExitCodes and OnPodConditions is required")
    if codes:
        yield from _check_codes(f"{place}.onExitCodes", codes, names)
    for number, condition in enumerate(conditions or []):
        if condition["status"] not in _STATUSES:
            yield unsupported(f"{place}.onPodConditions[{number}].status", condition["status"], _STATUSES)


def _check_codes(place: str, codes: Object, names: set[str]) -> Iterator[Cause]:
    if codes["operator"] not in _OPERATORS:
        yield unsupported(f"{place}.operator", codes["operator"], _OPERATORS)
    if codes.get("containerName") is not None and codes["containerName"] not in names:
        why = "must be one of the container or initContainer names in the pod template"
        yield wrong(f"{place}.containerName", codes["containerName"], why)
    values = codes.get("values") or []
    if not values:
        yield required(f"{place}.values", "at least one value is required")
    if len(values) > MOST_EXIT_CODES:
        yield barred(f"{place}.values", f"must have at most {MOST_EXIT_CODES} items")
    if codes["operator"] == "In" and 0 in values:
        yield wrong(f"{place}.values[{values.index(0)}]", 0, "must not be 0 for the In operator")
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield duplicate(f"{place}.values[{values.index(value, values.index(value) + 1)}]", str(value))
    if values != sorted(values):
        yield wrong(f"{place}.values", values, "must be ordered")
