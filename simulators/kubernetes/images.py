"""What an image name does in the simulated cluster: start a process, follow a script, or fail like a broken image.

Tests and benchmarks choose; the kubelet looks each container's image up, at each start anew, so that a test may change
what a name does. No image is ever fetched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Brokenness = Literal["ErrImagePull", "InvalidImageName", "CreateContainerError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image of local processes: this machine's /usr, and what *binds* lays over it, read-only."""

    binds: Mapping[str, Path] = field(default_factory=dict)
    """Path in the container to a file or directory of this machine."""
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    """The image's CMD: used where the container gives neither command nor args."""
    working_directory: str = "/"
    user: int = 0
    """The image's USER. Processes run as whoever runs the server; what is checked is runAsNonRoot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a container without a process does: *first* lines at once, then lines at a rate, then an end."""

    first: Sequence[str] = ()
    seconds: float = 0.0
    """How long it runs; infinity until it is ended."""
    lines_per_second: float = 0.0
    line: Callable[[int], str] = "line {}".format
    """Gives the text of one line from its number, counted from 0."""
    exit_code: int = 0
    message: str = ""
    """What it leaves in its termination message."""
    heeds_term: bool = True
    """Ends with 143 at SIGTERM; otherwise it takes a SIGKILL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """An image whose containers are coroutines in the server: thousands of them cost little."""

    script: Script = field(default_factory=Script)
    containers: Mapping[str, Script] = field(default_factory=dict)
    """A script for the container of that name, instead of the usual one."""

    def script_of(self, container: str) -> Script:
        """Return what the container of this name does."""
        return self.containers.get(container, self.script)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An image that never becomes a container. *message* replaces the usual words."""

    reason: Brokenness = "ErrImagePull"
    message: str = ""


Behaviour = Image | Scripted | Broken
Images = Mapping[str, Behaviour]


def trouble_with(name: str, found: Behaviour | None) -> tuple[str, str] | None:
    """Return the waiting reason and message that a container of this image gets, or None where it can start."""
    if found is None:
        return "ErrImagePull", _pull_error(name)
    if not isinstance(found, Broken):
        return None
    usual = {
        "ErrImagePull": _pull_error(name),
        "InvalidImageName": f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": '
        "invalid reference format",
        "CreateContainerError": f'failed to create containerd container: failed to prepare the image "{name}"',
    }
    return found.reason, found.message or usual[found.reason]


def _pull_error(name: str) -> str:
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{name}": '
        f'failed to resolve reference "{name}": {name}: not found'
    )
