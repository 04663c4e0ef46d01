"""What a kubelet works with: the store, the images, the times, and where its Pods' files and logs are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulators.kubernetes.clock import Delays
from simulators.kubernetes.events import KUBELET, Recorder
from simulators.kubernetes.images import Behaviour
from simulators.kubernetes.logs import ContainerLog
from simulators.kubernetes.objects import Objects

Object = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class NodeServices:
    """One set for all Pods of a cluster."""

    objects: Objects
    images: Mapping[str, Behaviour]
    """Looked up at each start, so that what a name does may be changed."""
    delays: Delays
    directory: Path
    recorder: Recorder = field(init=False)
    logs: dict[str, dict[str, ContainerLog]] = field(default_factory=dict)
    """By Pod uid, then container name; the log of its last start."""

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.objects, KUBELET)

    def pod_directory(self, pod: Object) -> Path:
        """Return where the Pod's volumes and termination messages lie."""
        return self.directory / "pods" / str(pod["metadata"]["uid"])
