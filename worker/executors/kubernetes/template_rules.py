"""What an operator's pod template may say of the pod: a list of what is allowed; all else is refused with a sentence.

Only what keeps runs apart and harmless, and what would be left out in silence, is judged here; whether a value makes
sense to the cluster is for the cluster to say (`ablehand doctor` asks it with a dry run).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from worker.executors.kubernetes import labels, layout

VOLUME_KINDS: Final = ("configMap", "emptyDir", "persistentVolumeClaim", "csi")
_RESERVED_PREFIXES: Final = (labels.PREFIX, "batch.kubernetes.io/")
_RESERVED_NAMES: Final = frozenset({*labels.KIND, "job-name", "controller-uid"})
_EMPTY_KEYS: Final = ("sizeLimit", "medium")
_WHY: Final[Mapping[str, str]] = {
    "hostNetwork": "an agent must not share its node's network",
    "hostPID": "an agent must not see its node's processes",
    "hostIPC": "an agent must not share its node's memory",
    "shareProcessNamespace": "the agent would see the tokens of the other steps",
    "automountServiceAccountToken": "an agent gets no token for the cluster",
    "securityContext": "every run is locked down in the same way",
    "ephemeralContainers": "a run has three containers",
    "restartPolicy": "a run's steps are never run twice",
    "activeDeadlineSeconds": "it follows from ABLEHAND_AGENT_TIMEOUT_SECONDS",
    "terminationGracePeriodSeconds": "a cancel has to be done within 30 s",
    "nodeName": "the scheduler must see that there is room; use nodeSelector",
}


class TemplateProblem(Exception):
    """The template says what it may not; the message is a sentence with the field and the mend."""


def mapping_at(place: str, value: object, allowed: Collection[str] | None = None) -> dict[str, Any]:
    """Give *value* if it is a mapping with names as keys, only *allowed* ones where given."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise TemplateProblem(f"{place} has to be a mapping of names to values.")
    for key in value if allowed is not None else ():
        if key not in (allowed or ()):
            raise TemplateProblem(_unknown(place, key, allowed or ()))
    return value


def list_at(place: str, value: object) -> list[dict[str, Any]]:
    """Give *value* if it is a list of mappings."""
    if not isinstance(value, list):
        raise TemplateProblem(f"{place} has to be a list.")
    return [mapping_at(f"{place}[{number}]", item) for number, item in enumerate(value)]


def text_at(place: str, value: object) -> str:
    """Give *value* if it is a text with something in it."""
    if not isinstance(value, str) or not value:
        raise TemplateProblem(f"{place} has to be a text: write it in quotation marks.")
    return value


def texts_at(place: str, value: object) -> dict[str, str]:
    """Give *value* if it is a mapping of names to texts."""
    for name, text in mapping_at(place, value).items():
        if not isinstance(text, str):
            raise TemplateProblem(f"{place}.{name} has to be a text: write it in quotation marks.")
    return dict(mapping_at(place, value))


def flag_at(place: str, value: object) -> bool:
    """Give *value* if it is true or false."""
    if not isinstance(value, bool):
        raise TemplateProblem(f"{place} has to be true or false.")
    return value


def free_names(place: str, value: object) -> dict[str, str]:
    """Give labels or annotations that are none of those which we or the Job controller set."""
    given = texts_at(place, value)
    for name in given:
        if name in _RESERVED_NAMES or name.startswith(_RESERVED_PREFIXES):
            raise TemplateProblem(f"{place}.{name} is how runs are found again: take another name.")
    return given


def pod_fields(value: object) -> dict[str, Any]:
    """Give the spec if it has only fields that a template may set, each of its own shape."""
    spec = mapping_at("spec", value, _POD_FIELDS)
    for name, item in spec.items():
        _POD_FIELDS[name](f"spec.{name}", item)
    if spec.get("dnsPolicy") == "ClusterFirstWithHostNet":
        raise TemplateProblem("spec.dnsPolicy ClusterFirstWithHostNet is for the node's network: use ClusterFirst.")
    return spec


def volumes(value: object) -> dict[str, dict[str, Any]]:
    """Give the template's volumes by name; one of our emptyDirs may be among them, to be made with another size."""
    found: dict[str, dict[str, Any]] = {}
    for number, volume in enumerate(list_at("spec.volumes", value)):
        name = text_at(f"spec.volumes[{number}].name", volume.get("name"))
        _check_volume(f"spec.volumes[{name}]", volume)
        if name in found:
            raise TemplateProblem(f"spec.volumes has {name} twice: name each of them otherwise.")
        found[name] = volume
    return found


def _check_volume(place: str, volume: Mapping[str, Any]) -> None:
    kinds = [key for key in volume if key != "name"]
    if len(kinds) != 1 or kinds[0] not in VOLUME_KINDS:
        shown = ", ".join(kinds) or "nothing"
        raise TemplateProblem(f"{place} is {shown}: an agent may have one of {', '.join(VOLUME_KINDS)}.")
    source = mapping_at(f"{place}.{kinds[0]}", volume[kinds[0]])
    if volume["name"] == layout.ORDER_VOLUME:
        raise TemplateProblem(f"{place} is a name of Ablehand's own: take another.")
    if volume["name"] in layout.SIZES and kinds != ["emptyDir"]:
        raise TemplateProblem(f"{place} is Ablehand's own and stays an emptyDir: give only its sizeLimit.")
    if kinds == ["emptyDir"]:
        mapping_at(f"{place}.emptyDir", source, _EMPTY_KEYS)


def _unknown(place: str, key: str, allowed: Collection[str]) -> str:
    where = key if place == "the file" else f"{place}.{key}"
    if key in _WHY:
        return f"{where} can't be set, for {_WHY[key]}: remove it."
    near = difflib.get_close_matches(key, allowed, n=1)
    mend = f"write {near[0]}" if near else f"remove it; there may be {', '.join(sorted(allowed))}"
    return f"{where} can't be set: {mend}."


_POD_FIELDS: Final[Mapping[str, Callable[[str, object], object]]] = {
    "affinity": mapping_at,
    "containers": list_at,
    "dnsConfig": mapping_at,
    "dnsPolicy": text_at,
    "hostAliases": list_at,
    "hostUsers": flag_at,
    "imagePullSecrets": list_at,
    "initContainers": list_at,
    "nodeSelector": texts_at,
    "priorityClassName": text_at,
    "runtimeClassName": text_at,
    "schedulerName": text_at,
    "serviceAccountName": text_at,
    "tolerations": list_at,
    "topologySpreadConstraints": list_at,
    "volumes": list_at,
}
