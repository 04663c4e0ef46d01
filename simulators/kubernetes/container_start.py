"""Turn a container of a Pod into something that runs, or say why not; and what it left when it has ended."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from simulators.kubernetes.container_settings import (
    ConfigError,
    check_user,
    enclosure_of,
    environment_of,
    volume_mounts,
)
from simulators.kubernetes.containers import Exit, Mount, ProcessContainer
from simulators.kubernetes.images import Broken, Image, Scripted, trouble_with
from simulators.kubernetes.logs import ContainerLog
from simulators.kubernetes.node import NodeServices
from simulators.kubernetes.scripted import ScriptedContainer
from simulators.kubernetes.volumes import PodVolumes

Object = dict[str, Any]

MESSAGE_LIMIT_BYTES: Final = 4096
MESSAGES_LIMIT_BYTES: Final = 12 * 1024
"""Of all containers of a Pod together; each has its share."""
FALLBACK_LINES: Final = 80
FALLBACK_BYTES: Final = 2048
DEFAULT_MESSAGE_PATH: Final = "/dev/termination-log"


class RunningContainer(Protocol):
    """What a kubelet needs of a container, whether it is processes or a script."""

    async def ended(self) -> Exit:
        """Wait until nothing of it is alive."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""

    def resident_bytes(self) -> int:
        """Return what it holds in memory."""

    @property
    def first_process(self) -> int | None:
        """Its first process, where it has any."""


class NotStarted(Exception):
    """The container cannot be started now: the waiting *reason* and *message* that its status shows."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Launch:
    """All that starting a Pod's containers takes."""

    services: NodeServices
    pod: Object
    volumes: PodVolumes

    def start(self, container: Object, log: ContainerLog) -> RunningContainer:
        """Start the container; raise a NotStarted with the reason that a kubelet gives."""
        found = self.services.images.get(container["image"])
        if (trouble := trouble_with(container["image"], found)) is not None:
            raise NotStarted(*trouble)
        try:
            environment = environment_of(self.services.objects, self.pod, container)
            if isinstance(found, Image):
                check_user(self.pod, container, found)
        except ConfigError as error:
            raise NotStarted("CreateContainerConfigError", str(error)) from error
        if isinstance(found, Scripted):
            return ScriptedContainer(found.script_of(container["name"]), log)
        if found is None or isinstance(found, Broken):
            raise NotStarted("ErrImagePull", container["image"])
        try:
            return self._start_process(container, found, environment, log)
        except ConfigError as error:
            raise NotStarted("CreateContainerError", str(error)) from error

    def message(self, container: Object, log: ContainerLog, code: int) -> str:
        """Return the termination message that an ended container left."""
        found = self.services.images.get(container["image"])
        if isinstance(found, Scripted):
            left = found.script_of(container["name"]).message.encode()
        else:
            left = _last_bytes(self._message_file(container))
        if not left and code != 0 and container.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            left = log.tail(FALLBACK_LINES)[-FALLBACK_BYTES:]
        spec = self.pod["spec"]
        share = MESSAGES_LIMIT_BYTES // (len(spec["containers"]) + len(spec.get("initContainers") or []))
        return left[: min(MESSAGE_LIMIT_BYTES, share)].decode(errors="replace")

    def _start_process(
        self, container: Object, image: Image, environment: dict[str, str], log: ContainerLog
    ) -> ProcessContainer:
        enclosure = enclosure_of(self.pod, container, image, environment)
        file = self._message_file(container)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        file.chmod(0o666)
        target = container.get("terminationMessagePath") or DEFAULT_MESSAGE_PATH
        mounts = [
            *enclosure.mounts,
            *volume_mounts(container, self.volumes, self.pod),
            Mount(source=file, target=target),
        ]
        return ProcessContainer(enclosure.with_mounts(mounts), log)

    def _message_file(self, container: Object) -> Path:
        return self.services.pod_directory(self.pod) / "messages" / str(container["name"])


def _last_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - MESSAGE_LIMIT_BYTES))
            return opened.read(MESSAGE_LIMIT_BYTES)
    except FileNotFoundError:
        return b""
