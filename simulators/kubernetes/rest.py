"""Each request to the part that answers it, by its verb: an answer of one piece, or a stream."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from simulators.kubernetes.access import Access
from simulators.kubernetes.bodies import Asked, Reply
from simulators.kubernetes.discovery import AGGREGATED_TYPE, document, is_aggregated
from simulators.kubernetes.faults import Effect, Faults, WatchFault
from simulators.kubernetes.log_request import LogSource, log_options
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.openapi import openapi
from simulators.kubernetes.paths import RequestInfo
from simulators.kubernetes.reads import Reads
from simulators.kubernetes.refusals import Refusal, no_such_path
from simulators.kubernetes.watch import Watches
from simulators.kubernetes.writes import Writes

_HEALTH = ("/healthz", "/readyz", "/livez")


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on. `resource` is what it is about, as `pods/log`."""

    resource: str
    content_type: str
    chunks: AsyncIterator[bytes]


class Rest:
    """The whole API behind authentication and faults."""

    def __init__(self, objects: Objects, access: Access, faults: Faults, logs: LogSource) -> None:
        self.watches = Watches(objects)
        self._objects = objects
        self._logs = logs
        reads, writes = Reads(objects, faults), Writes(objects, access)
        self._reads = reads
        self._verbs: dict[str, Callable[[RequestInfo, Asked], Reply]] = {
            "get": reads.get,
            "list": reads.list,
            "create": writes.create,
            "update": writes.update,
            "patch": writes.patch,
            "delete": writes.delete,
            "deletecollection": writes.delete_collection,
        }

    def answer(self, info: RequestInfo, asked: Asked, effect: Effect | None) -> Reply | Stream:
        """Return the answer; may raise a Refusal. *effect* matters to a watch only."""
        if info.resource is None:
            return _beside_resources(info, asked)
        if info.verb == "watch":
            fault = effect if isinstance(effect, WatchFault) else None
            return Stream(info.plural, "application/json", self.watches.stream(self._reads.watch(info, asked), fault))
        if info.subresource == "log":
            return self._log(info, asked)
        verb = self._verbs.get(info.verb)
        # A review can only be created.
        if verb is None or (info.verb not in info.resource.verbs and not info.subresource):
            raise Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        return verb(info, asked)

    def _log(self, info: RequestInfo, asked: Asked) -> Stream:
        pod = self._objects.get("pods", info.namespace, info.name)
        options = log_options(pod, asked.query)
        return Stream("pods/log", "text/plain", self._logs.read(pod, options))


def _beside_resources(info: RequestInfo, asked: Asked) -> Reply:
    if info.path.startswith(_HEALTH):
        return Reply(200, b"ok", {"content-type": "text/plain; charset=utf-8"})
    found = openapi(info.path) or document(info.path, asked.accept)
    if found is None or info.verb != "get":
        raise no_such_path()
    content_type = AGGREGATED_TYPE if is_aggregated(found) else "application/json"
    return Reply(200, json.dumps(found).encode(), {"content-type": content_type})
