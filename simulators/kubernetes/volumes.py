"""A Pod's volumes as directories of this machine: emptyDirs, Secrets and ConfigMaps written out as files.

The kubelet makes them before the first container starts, and deletes them with the Pod.
"""

import base64
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from simulators.kubernetes.objects import Objects
from simulators.kubernetes.quantities import parse_quantity

Object = dict[str, Any]

DEFAULT_MODE: Final = 0o644


class VolumeTrouble(Exception):
    """A volume cannot be made now; its words are a FailedMount event's. The kubelet tries again."""


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    content: bytes
    mode: int


class PodVolumes:
    """The volumes of one Pod, below *directory*, which is theirs alone."""

    def __init__(self, objects: Objects, pod: Object, directory: Path) -> None:
        self._objects = objects
        self._namespace: str = pod["metadata"]["namespace"]
        self._volumes: list[Object] = pod["spec"].get("volumes", [])
        self._directory = directory

    def path(self, name: str) -> Path:
        """Return where the volume of this name lies."""
        return self._directory / name

    def make(self, *, on_disk: bool = True) -> None:
        """Make all of them; raise a VolumeTrouble at the first whose Secret, ConfigMap or key is missing.

        Where nothing runs that could look at them, they need not be *on_disk*.
        """
        for volume in self._volumes:
            try:
                files = self._files(volume)
            except VolumeTrouble as trouble:
                raise VolumeTrouble(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {trouble}') from trouble
            if on_disk:
                self._write(volume["name"], files)

    def remove(self) -> None:
        """Delete all that is in them."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def limits(self) -> Iterator[tuple[str, Path, str, Decimal]]:
        """Yield name, directory, sizeLimit and its bytes of each emptyDir that has a limit."""
        for volume in self._volumes:
            limit = volume.get("emptyDir", {}).get("sizeLimit")
            if limit is not None:
                yield volume["name"], self.path(volume["name"]), str(limit), parse_quantity(str(limit))

    def _files(self, volume: Object) -> list[_File] | None:
        """Return what lies in a Secret's or ConfigMap's volume; None for an emptyDir."""
        if "emptyDir" in volume:
            return None
        if "secret" in volume:
            return _chosen(volume["secret"], self._secret(volume["secret"]))
        if "configMap" in volume:
            return _chosen(volume["configMap"], self._config_map(volume["configMap"]))
        kind = next((key for key in volume if key != "name"), "nothing")
        raise VolumeTrouble(f"this simulated node has no volumes of kind {kind}")

    def _write(self, name: str, files: list[_File] | None) -> None:
        place = self.path(name)
        place.mkdir(parents=True, exist_ok=True)
        if files is None:
            # As a real emptyDir: whoever the container runs as may write.
            place.chmod(0o777)
        for file in files or ():
            target = place / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.touch(mode=0o600)
            target.write_bytes(file.content)
            target.chmod(file.mode)

    def _secret(self, source: Object) -> dict[str, bytes] | None:
        secret = self._objects.find("secrets", self._namespace, source["secretName"])
        if secret is not None:
            return secret_bytes(secret)
        if source.get("optional"):
            return None
        raise VolumeTrouble(f'secret "{source["secretName"]}" not found')

    def _config_map(self, source: Object) -> dict[str, bytes] | None:
        found = self._objects.find("configmaps", self._namespace, source["name"])
        if found is not None:
            return {key: value.encode() for key, value in found.get("data", {}).items()}
        if source.get("optional"):
            return None
        raise VolumeTrouble(f'configmap "{source["name"]}" not found')


def secret_bytes(secret: Object) -> dict[str, bytes]:
    """Return what a Secret holds, decoded."""
    return {key: base64.b64decode(value) for key, value in secret.get("data", {}).items()}


def _chosen(source: Object, content: dict[str, bytes] | None) -> list[_File]:
    content = content or {}
    usual_mode, optional = source.get("defaultMode", DEFAULT_MODE), source.get("optional", False)
    kind = "secret" if "secretName" in source else "config"
    chosen = []
    for item in source.get("items") or [{"key": key, "path": key} for key in content]:
        if item["key"] in content:
            chosen.append(_File(item["path"], content[item["key"]], item.get("mode", usual_mode)))
        elif not optional:
            raise VolumeTrouble(f"references non-existent {kind} key: {item['key']}")
    return chosen
