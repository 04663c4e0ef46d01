"""The operator's pod template: a YAML file that every run's pod is built on, read once when a process starts.

It has the shape of a pod: ``metadata`` (labels, annotations) and ``spec``; what it says of our containers stands under
their names (prepare, agent, publish). It chooses where runs go and what they get; what keeps them apart and harmless is
not for it to change (`worker.executors.kubernetes.template_rules`). What it may not say is refused, never left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from core.errors import SettingsError
from runtime.contract import Step
from worker.executors.kubernetes import container_rules, layout, template_rules
from worker.executors.kubernetes.template_rules import TemplateProblem, mapping_at

SETTING: Final = "ABLEHAND_POD_TEMPLATE"
_LIMIT_BYTES: Final = 100_000
_SPECIAL: Final = frozenset({"tolerations", "volumes", "initContainers", "containers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PodTemplate:
    """A pod template that was found right, taken apart for `worker.executors.kubernetes.manifest`."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the pod's spec, taken as they are."""
    tolerations: tuple[Mapping[str, Any], ...] = ()
    volumes: tuple[Mapping[str, Any], ...] = ()
    """Besides ours."""
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name of one of our volumes to what its emptyDir is made with instead."""
    containers: Mapping[Step, Mapping[str, Any]] = field(default_factory=dict)
    """resources, env, volumeMounts and imagePullPolicy of our containers."""


def load_template(path: Path | None, agent_variables: Collection[str] = ()) -> PodTemplate:
    """Read the file that the setting names; no path: an empty template.

    Raises:
        SettingsError: It can't be read or asks for what it may not; one sentence, with the field and the mend.
    """
    if path is None:
        return PodTemplate()
    try:
        text = path.read_bytes()[: _LIMIT_BYTES + 1].decode()
    except OSError as error:
        raise SettingsError(f"{SETTING}: {path} can't be read ({error.strerror}): check its path and mode.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{SETTING}: {path} is no text file: it has to be YAML in UTF-8.") from error
    return parse_template(text, agent_variables)


def parse_template(text: str, agent_variables: Collection[str] = ()) -> PodTemplate:
    """Read a template's text. *agent_variables*: names that the agent gets from our settings, so not from here.

    Raises:
        SettingsError: As `load_template`.
    """
    if len(text.encode()) > _LIMIT_BYTES:
        raise SettingsError(f"{SETTING}: it is longer than {_LIMIT_BYTES // 1000} kB: a pod template is short.")
    try:
        value = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problem = " ".join(str(error).split())[:300]
        raise SettingsError(f"{SETTING}: it is no YAML ({problem}): mend that place.") from error
    try:
        return _template({} if value is None else value, frozenset(agent_variables))
    except TemplateProblem as problem:
        raise SettingsError(f"{SETTING}: {problem}") from None


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: the first would be left out without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.YAMLError(f"{key.value} stands twice, line {key.start_mark.line + 1}")
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep=deep)


def _template(value: object, agent_variables: frozenset[str]) -> PodTemplate:
    whole = mapping_at("the file", value, ("metadata", "spec"))
    metadata = mapping_at("metadata", whole.get("metadata") or {}, ("labels", "annotations"))
    spec = template_rules.pod_fields(whole.get("spec") or {})
    volumes = template_rules.volumes(spec.get("volumes") or [])
    return PodTemplate(
        labels=template_rules.free_names("metadata.labels", metadata.get("labels") or {}),
        annotations=template_rules.free_names("metadata.annotations", metadata.get("annotations") or {}),
        pod={name: item for name, item in spec.items() if name not in _SPECIAL},
        tolerations=tuple(spec.get("tolerations") or ()),
        volumes=tuple(volume for name, volume in volumes.items() if name not in layout.OWN_VOLUMES),
        sizes={name: volume["emptyDir"] for name, volume in volumes.items() if name in layout.OWN_VOLUMES},
        containers=container_rules.containers(spec, volumes, agent_variables),
    )
