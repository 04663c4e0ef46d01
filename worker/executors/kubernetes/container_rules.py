"""What an operator's pod template may say of our three containers: resources, variables, mounts, the pull policy.

Three things are held: no variable or mount of ours is taken over, what the agent can write no other step sees, and no
container goes without the limits that protect its node.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Step
from worker.executors.kubernetes import layout
from worker.executors.kubernetes.quantity import amount
from worker.executors.kubernetes.template_rules import TemplateProblem, flag_at, list_at, mapping_at, text_at

_KEYS: Final = ("name", "resources", "env", "volumeMounts", "imagePullPolicy")
_LISTS: Final[Mapping[str, tuple[Step, ...]]] = {
    "initContainers": (Step.PREPARE, Step.AGENT),
    "containers": (Step.PUBLISH,),
}
_SOURCES: Final = ("configMapKeyRef", "fieldRef", "resourceFieldRef")
_MOUNT_KEYS: Final = ("name", "mountPath", "readOnly", "subPath")
_PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS: Final = "ABLEHAND_"
_ALLOWED_OURS: Final = "ABLEHAND_TOOL_VARIABLES"
"""Which variables of the image's the agent's tools need: the runtime hands on no others."""
_OWN_VARIABLES: Final = frozenset({"HOME", "LANG", "PYTHONUNBUFFERED"})


def containers(
    spec: Mapping[str, Any], volumes: Mapping[str, Mapping[str, Any]], agent_variables: frozenset[str]
) -> dict[Step, dict[str, Any]]:
    """Give what the template says of each step, by step. *volumes*: all that it makes, by name."""
    found: dict[Step, dict[str, Any]] = {}
    for key in _LISTS:
        for number, container in enumerate(list_at(f"spec.{key}", spec.get(key) or [])):
            step = _step(key, f"spec.{key}[{number}]", container)
            if step in found:
                raise TemplateProblem(f"spec.{key} has {step} twice: put what it says together.")
            found[step] = _checked(f"spec.{key}[{step}]", step, container, agent_variables)
    _check_mounted_volumes(found, volumes)
    return found


def merged_resources(step: Step, given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Lay *given* over what the step has by default; a null takes a limit away."""
    whole = {kind: dict(defaults) | (given.get(kind) or {}) for kind, defaults in layout.RESOURCES[step].items()}
    return {
        kind: {name: value for name, value in values.items() if value is not None} for kind, values in whole.items()
    }


def _step(key: str, place: str, container: Mapping[str, Any]) -> Step:
    name = text_at(f"{place}.name", container.get("name"))
    if name in _LISTS[key]:
        return Step(name)
    for other, steps in _LISTS.items():
        if name in steps:
            raise TemplateProblem(f"{place}: {name} belongs into spec.{other}: move it there.")
    raise TemplateProblem(f"{place}: {name} is no container of a run, which are prepare, agent and publish: remove it.")


def _checked(place: str, step: Step, container: dict[str, Any], agent_variables: frozenset[str]) -> dict[str, Any]:
    mapping_at(place, container, _KEYS)
    taken = agent_variables if step is Step.AGENT else frozenset()
    for number, variable in enumerate(list_at(f"{place}.env", container.get("env") or [])):
        _check_variable(f"{place}.env[{number}]", variable, taken)
    for number, mount in enumerate(list_at(f"{place}.volumeMounts", container.get("volumeMounts") or [])):
        _check_mount(f"{place}.volumeMounts[{number}]", mount)
    _check_resources(f"{place}.resources", step, container.get("resources") or {})
    if container.get("imagePullPolicy", "Always") not in _PULL_POLICIES:
        raise TemplateProblem(f"{place}.imagePullPolicy has to be one of {', '.join(_PULL_POLICIES)}.")
    return {key: value for key, value in container.items() if value is not None}


def _check_variable(place: str, variable: Mapping[str, Any], taken: frozenset[str]) -> None:
    mapping_at(place, dict(variable), ("name", "value", "valueFrom"))
    name = text_at(f"{place}.name", variable.get("name"))
    if not _VARIABLE.fullmatch(name):
        raise TemplateProblem(f"{place}.name is no variable's name: take letters, digits and _.")
    if name in _OWN_VARIABLES or (name.startswith(_OURS) and name != _ALLOWED_OURS):
        raise TemplateProblem(f"{place}: {name} is set by Ablehand: remove it.")
    if name in taken:
        raise TemplateProblem(f"{place}: {name} comes from ABLEHAND_AGENT_VARIABLES already: remove one of the two.")
    if "valueFrom" not in variable:
        if not isinstance(variable.get("value", ""), str):
            raise TemplateProblem(f"{place}.value of {name} has to be a text: write it in quotation marks.")
        return
    source = mapping_at(f"{place}.valueFrom", variable["valueFrom"])
    if "secretKeyRef" in source:
        raise TemplateProblem(
            f"{place}: {name} is a secret: name it in ABLEHAND_AGENT_VARIABLES of the worker instead."
        )
    mapping_at(f"{place}.valueFrom", source, _SOURCES)


def _check_mount(place: str, mount: Mapping[str, Any]) -> None:
    mapping_at(place, dict(mount), _MOUNT_KEYS)
    name = text_at(f"{place}.name", mount.get("name"))
    if name in layout.OWN_VOLUMES:
        raise TemplateProblem(f"{place}: {name} is mounted where it belongs: remove it.")
    flag_at(f"{place}.readOnly", mount.get("readOnly", False))
    path = text_at(f"{place}.mountPath", mount.get("mountPath"))
    if path.startswith("//") or not path.startswith("/") or path != posixpath.normpath(path) or ":" in path:
        raise TemplateProblem(f"{place}.mountPath has to be an absolute path without .. and : in it.")
    for ours in layout.OWN_PATHS:
        if posixpath.commonpath((path, ours)) in {path, ours}:
            raise TemplateProblem(f"{place}.mountPath {path} would cover {ours}: take another path.")


def _check_resources(place: str, step: Step, given: object) -> None:
    asked = mapping_at(place, given, ("requests", "limits"))
    for kind, values in asked.items():
        for name, value in mapping_at(f"{place}.{kind}", values or {}).items():
            _check_amount(f"{place}.{kind}.{name}", value, removable=(kind, name) == ("limits", "cpu"))
    merged = merged_resources(step, asked)
    for name, request in merged["requests"].items():
        limit = merged["limits"].get(name)
        if limit is not None and amount(request) > amount(limit):
            raise TemplateProblem(f"{place}.requests.{name} ({request}) is more than its limit ({limit}): set both.")


def _check_amount(place: str, value: object, *, removable: bool) -> None:
    if value is None:
        if not removable:
            raise TemplateProblem(f"{place} can't be taken away, the node has to be protected: give an amount.")
        return
    try:
        is_wrong = isinstance(value, bool) or amount(value) < 0
    except ValueError:
        is_wrong = True
    if is_wrong:
        raise TemplateProblem(f"{place} is no amount: write one like 500m or 2Gi.")


def _check_mounted_volumes(found: Mapping[Step, Mapping[str, Any]], volumes: Mapping[str, Mapping[str, Any]]) -> None:
    """Hold that a volume is there, and that what the agent writes reaches no step that holds a token."""
    mounts = [(step, mount) for step, container in found.items() for mount in container.get("volumeMounts") or []]
    for step, mount in mounts:
        if mount["name"] not in volumes:
            raise TemplateProblem(f"{step} mounts {mount['name']}, which spec.volumes does not have: add it there.")
    written = {
        _place(volumes[mount["name"]])
        for step, mount in mounts
        if step is Step.AGENT and not mount.get("readOnly") and "configMap" not in volumes[mount["name"]]
    }
    for step, mount in mounts:
        if step is not Step.AGENT and _place(volumes[mount["name"]]) in written:
            raise TemplateProblem(
                f"{step} mounts {mount['name']}, which the agent can write: mount it readOnly in agent, "
                "or in agent alone."
            )


def _place(volume: Mapping[str, Any]) -> str:
    """Name where the volume's files are: two volumes of one claim are one place."""
    claim = volume.get("persistentVolumeClaim")
    return f"claim {claim.get('claimName')}" if claim else f"volume {volume['name']}"
