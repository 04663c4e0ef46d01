"""What one container of a Pod is started with: its environment, command line and mounts, as the kubelet makes them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from simulators.kubernetes.containers import Enclosure, Mount
from simulators.kubernetes.images import Image
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.volumes import PodVolumes, secret_bytes

Object = dict[str, Any]

USUAL_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_REFERENCE: Final = re.compile(r"\$\$|\$\(([^)]*)\)")


class ConfigError(Exception):
    """The container cannot be configured now; its words are those of a CreateContainerConfigError."""


def environment_of(objects: Objects, pod: Object, container: Object) -> dict[str, str]:
    """Return the variables that envFrom and env give; raise a ConfigError where one refers to nothing."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= {source.get("prefix", "") + key: value for key, value in _all_keys(objects, pod, source).items()}
    for variable in container.get("env", []):
        if "valueFrom" in variable:
            value = _referenced(objects, pod, variable["valueFrom"])
            if value is not None:
                found[variable["name"]] = value
        else:
            found[variable["name"]] = _expand(variable.get("value", ""), found)
    return found


def check_user(pod: Object, container: Object, image: Image) -> None:
    """Raise a ConfigError where runAsNonRoot forbids the user that the container would have."""
    own, meta = {**pod["spec"].get("securityContext", {}), **container.get("securityContext", {})}, pod["metadata"]
    if not own.get("runAsNonRoot") or own.get("runAsUser", image.user) != 0:
        return
    what = "container's runAsUser breaks non-root policy"
    if "runAsUser" not in own:
        what = "container has runAsNonRoot and image will run as root"
    where = f'"{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]}'
    raise ConfigError(f"{what} (pod: {where})")


def enclosure_of(pod: Object, container: Object, image: Image, environment: Mapping[str, str]) -> Enclosure:
    """Return how the container is enclosed, without the Pod's volumes."""
    hostname = pod["spec"].get("hostname") or pod["metadata"]["name"]
    usual = {"PATH": USUAL_PATH, "HOSTNAME": hostname, "HOME": "/"}
    return Enclosure(
        hostname=hostname,
        command=_command(container, image, environment),
        working_directory=container.get("workingDir") or image.working_directory,
        environment=usual | dict(image.environment) | dict(environment),
        mounts=[Mount(source=source, target=target, read_only=True) for target, source in image.binds.items()],
        read_only_root=bool(container.get("securityContext", {}).get("readOnlyRootFilesystem")),
    )


def volume_mounts(container: Object, volumes: PodVolumes, pod: Object) -> Iterator[Mount]:
    """Yield the container's volumeMounts; Secrets and ConfigMaps are read-only whatever the mount says."""
    writable = {volume["name"] for volume in pod["spec"].get("volumes", []) if "emptyDir" in volume}
    for mount in container.get("volumeMounts", []):
        source = _inside(volumes.path(mount["name"]), mount.get("subPath", ""))
        read_only = mount["name"] not in writable or bool(mount.get("readOnly"))
        yield Mount(source=source, target=mount["mountPath"], read_only=read_only)


def _all_keys(objects: Objects, pod: Object, source: Object) -> Mapping[str, str]:
    kind, resource, reference = (
        ("secret", "secrets", source["secretRef"])
        if "secretRef" in source
        else ("configmap", "configmaps", source["configMapRef"])
    )
    found = objects.find(resource, pod["metadata"]["namespace"], reference["name"])
    if found is None:
        if reference.get("optional"):
            return {}
        raise ConfigError(f'{kind} "{reference["name"]}" not found')
    return _texts(found)


def _referenced(objects: Objects, pod: Object, source: Object) -> str | None:
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"])
    for key, resource, kind in (("secretKeyRef", "secrets", "Secret"), ("configMapKeyRef", "configmaps", "ConfigMap")):
        if key in source:
            return _key(objects, pod, source[key], (resource, kind))
    raise ConfigError(f"this simulated node does not know {', '.join(source)}")


def _key(objects: Objects, pod: Object, reference: Object, what: tuple[str, str]) -> str | None:
    resource, kind = what
    namespace, name = pod["metadata"]["namespace"], reference["name"]
    found = objects.find(resource, namespace, name)
    if found is not None and reference["key"] in (texts := _texts(found)):
        return texts[reference["key"]]
    if reference.get("optional"):
        return None
    if found is None:
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    raise ConfigError(f"couldn't find key {reference['key']} in {kind} {namespace}/{name}")


def _texts(obj: Object) -> dict[str, str]:
    if obj["kind"] == "Secret":
        return {key: value.decode(errors="surrogateescape") for key, value in secret_bytes(obj).items()}
    return dict(obj.get("data", {}))


def _field(pod: Object, path: str) -> str:
    fields = {
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"]["namespace"],
        "metadata.uid": pod["metadata"]["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": pod.get("status", {}).get("podIP", ""),
        "status.hostIP": pod.get("status", {}).get("hostIP", ""),
    }
    if path not in fields:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return str(fields[path])


def _command(container: Object, image: Image, environment: Mapping[str, str]) -> Sequence[str]:
    """As an image's ENTRYPOINT and CMD: `command` replaces both, `args` the second."""
    if container.get("command"):
        line = [*container["command"], *container.get("args", [])]
    else:
        line = [*image.entrypoint, *(container.get("args") or image.command)]
    if not line:
        raise ConfigError("no command specified")
    return [_expand(part, environment) for part in line]


def _expand(text: str, known: Mapping[str, str]) -> str:
    """Replace $(NAME) by what is known; `$$` is a dollar, and what is unknown stays as it is."""

    def replacement(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else known.get(found[1], found[0])

    return _REFERENCE.sub(replacement, text)


def _inside(volume: Path, sub_path: str) -> Path:
    if not sub_path:
        return volume
    place = (volume / sub_path).resolve()
    # What an earlier container left as a link must not lead out of its volume.
    if not place.is_relative_to(volume.resolve()):
        raise ConfigError(f'failed to prepare subPath for volumeMount: subpath "{sub_path}" not within volume path')
    if not place.exists():
        place.mkdir(parents=True)
    return place
