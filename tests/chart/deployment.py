"""What a process of the release finds: its environment and its files, taken from the manifests as a kubelet does."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from core.settings import Settings, load
from tests.chart.rendering import Manifest, named, pods


def environment(manifests: list[Manifest], component: str) -> dict[str, str]:
    """Give the environment of a component's container; a reference to a Secret that there is not is left out."""
    container = pods(manifests)[component]["spec"]["containers"][0]
    maps = named(manifests, "ConfigMap")
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]["data"] if "configMapRef" in source else {}
    for variable in container.get("env", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        values = _secret(manifests, reference["name"], reference["key"]) if reference else [variable["value"]]
        found.update((variable["name"], value) for value in values)
    return found


def secret_files(manifests: list[Manifest], component: str) -> dict[str, str]:
    """Give the files of a component's folder of secrets, by name."""
    (volume,) = [item for item in pods(manifests)[component]["spec"]["volumes"] if item["name"] == "secrets"]
    return {
        item["path"]: value
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
        for value in _secret(manifests, source["secret"]["name"], item["key"])
    }


def settings(manifests: list[Manifest], component: str, folder: Path) -> Settings:
    """Load the settings as a component would. Its environment must be this process's; *folder* takes its secrets."""
    for name, value in secret_files(manifests, component).items():
        (folder / name).write_text(value)
    return load()


def secrets(manifests: list[Manifest]) -> set[str]:
    """Give every value of the release's own Secrets."""
    values = [value for item in named(manifests, "Secret").values() for value in item["data"].values()]
    return {base64.b64decode(value).decode() for value in values}


def _secret(manifests: list[Manifest], name: str, key: str) -> Iterator[str]:
    data = named(manifests, "Secret").get(name, {"data": {}})["data"]
    if key in data:
        yield base64.b64decode(data[key]).decode()
