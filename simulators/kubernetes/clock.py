"""The times of the simulated cluster: how long its machinery takes, and how it writes a moment."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(slots=True, kw_only=True)
class Delays:
    """How long things take, in seconds; a real cluster's are in the comments. May be changed at any time."""

    schedule: float = 0.0
    pull: float = 0.0
    """Before a container's first start, as if its image had to come from somewhere."""
    start: float = 0.0
    """Between two containers of a Pod; a real one takes about a second."""
    retry: float = 0.05
    """First wait before a mount, a container's configuration or a Job's refused Pod is tried again; it doubles."""
    retry_most: float = 1.0
    pull_back_off: float = 0.3
    """From ErrImagePull to ImagePullBackOff and on to the next try; a real one waits 10 s, then longer."""
    job_sync: float = 0.0
    """Before a Job's controller looks at a change; about a second in a real one."""
    job_back_off: float = 0.1
    """Before a failed Pod is replaced; it doubles. 10 s in a real one."""
    housekeeping: float = 0.2
    """Between two looks at memory and volumes; a real one looks at volumes each 10 s."""
    toleration_seconds: float | None = None
    """Overrides how long Pods tolerate a lost node; None: what they say, 300 s by default."""


def moment() -> str:
    """Return this second as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(text: str) -> float:
    """Return how long ago a moment was that the API wrote."""
    return (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()
