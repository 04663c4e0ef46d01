"""What a client asks of a container's log, and what must hold before a byte of it is sent. `logs` has the bytes."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from simulators.kubernetes.refusals import bad_request

Object = dict[str, Any]
_STATUSES = ("initContainerStatuses", "containerStatuses")


@dataclass(frozen=True, slots=True)
class LogOptions:
    """One read of a log. None for `since`, `tail_lines` or `limit_bytes` is no limit; `since` has an offset."""

    container: str
    follow: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail_lines: int | None = None
    limit_bytes: int | None = None


class LogSource(Protocol):
    """Where the bytes of logs come from."""

    def read(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield the log's bytes; with `follow` until the container has ended and all is read. May raise a Refusal."""


def log_options(pod: Object, query: Mapping[str, str]) -> LogOptions:
    """Return what *query* asks of *pod*; refuse with 400 what the real API refuses before it opens a log."""
    container = _container(pod, query.get("container", ""))
    if query.get("previous") in ("true", "1"):
        raise bad_request(f'previous terminated container "{container}" in pod "{pod["metadata"]["name"]}" not found')
    _refuse_unreadable(pod, container)
    return LogOptions(
        container,
        follow=query.get("follow") in ("true", "1"),
        timestamps=query.get("timestamps") in ("true", "1"),
        since=_since(query),
        tail_lines=_whole(query, "tailLines"),
        limit_bytes=_whole(query, "limitBytes"),
    )


def _container(pod: Object, asked: str) -> str:
    name, spec = pod["metadata"]["name"], pod["spec"]
    init = [container["name"] for container in spec.get("initContainers") or []]
    main = [container["name"] for container in spec["containers"]]
    if asked and asked not in init + main:
        raise bad_request(f"container {asked} is not valid for pod {name}")
    if asked:
        return asked
    if len(main) > 1:
        choices = f"choose one of: [{' '.join(main)}]"
        if init:
            choices += f" or one of the init containers: [{' '.join(init)}]"
        raise bad_request(f"a container name must be specified for pod {name}, {choices}")
    return str(main[0])


def _refuse_unreadable(pod: Object, container: str) -> None:
    status = pod.get("status", {})
    for found in (one for key in _STATUSES for one in status.get(key) or [] if one["name"] == container):
        state, name = found.get("state", {}), pod["metadata"]["name"]
        if "terminated" in state and "containerID" not in state["terminated"]:
            raise bad_request(f'container "{container}" in pod "{name}" is terminated')
        waiting = state.get("waiting")
        if waiting is None:
            return
        reason = waiting.get("reason", "")
        why = {
            "ErrImagePull": "trying and failing to pull image",
            "ImagePullBackOff": "trying and failing to pull image",
        }.get(reason, f"waiting to start: {reason}")
        raise bad_request(f'container "{container}" in pod "{name}" is {why}')
    if not status.get("initContainerStatuses") and not status.get("containerStatuses"):
        name = pod["metadata"]["name"]
        if not pod["spec"].get("nodeName"):
            raise bad_request(f"pod {name} does not have a host assigned")
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating')


def _since(query: Mapping[str, str]) -> datetime | None:
    if "sinceTime" in query and "sinceSeconds" in query:
        raise bad_request("at most one of sinceTime or sinceSeconds may be specified")
    if "sinceSeconds" in query:
        return datetime.now(UTC) - timedelta(seconds=_whole(query, "sinceSeconds") or 0)
    if "sinceTime" not in query:
        return None
    try:
        return datetime.fromisoformat(query["sinceTime"]).replace(microsecond=0)
    except ValueError:
        raise bad_request(f'parsing time "{query["sinceTime"]}" as "2006-01-02T15:04:05Z07:00"') from None


def _whole(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    try:
        return int(query[name])
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{query[name]}": invalid syntax') from None
