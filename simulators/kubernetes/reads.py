"""The verbs that read: get, list with its pages and versions, and what a watch is asked for."""

import base64
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from simulators.kubernetes.bodies import Asked, Reply
from simulators.kubernetes.changes import Entry
from simulators.kubernetes.faults import Faults
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.paths import RequestInfo
from simulators.kubernetes.refusals import Refusal, bad_request
from simulators.kubernetes.resources import RESOURCES
from simulators.kubernetes.selectors import select
from simulators.kubernetes.tables import is_wanted, table
from simulators.kubernetes.watch import WatchRequest

Object = dict[str, Any]
_JSON = {"content-type": "application/json"}
LONGEST_WATCH_SECONDS = 3600


class Reads:
    """Answers what does not change anything."""

    def __init__(self, objects: Objects, faults: Faults) -> None:
        self._objects = objects
        self._faults = faults

    def get(self, info: RequestInfo, asked: Asked) -> Reply:
        """Return one object, or its one row."""
        entry = self._objects.entry(info.plural, info.namespace, info.name)
        if is_wanted(asked.accept):
            meta = {"resourceVersion": str(entry.version)}
            return Reply(200, table(info.plural, [entry], meta), _JSON)
        return Reply(200, entry.raw, _JSON)

    def list(self, info: RequestInfo, asked: Asked) -> Reply:
        """Return the chosen objects, or one page of them as they were at the first page's version."""
        token = _read_continue(asked)
        version = token["rv"] if token else self._version(info.plural, asked)
        entries = self._chosen(info, asked, version)
        total = len(entries)
        meta: Object = {"resourceVersion": str(version)}
        if token:
            entries = [entry for entry in entries if _place(entry) > tuple(token["start"])]
        limit = _number(asked, "limit")
        if limit and len(entries) > limit:
            left = len(entries) - limit
            entries = entries[:limit]
            meta["continue"] = _write_continue(version, entries[-1])
            if total == len(self._objects.entries(info.plural, info.namespace or None, version=version)):
                meta["remainingItemCount"] = left
        if is_wanted(asked.accept):
            return Reply(200, table(info.plural, entries, meta), _JSON)
        return Reply(200, _list(info.plural, entries, meta), _JSON)

    def watch(self, info: RequestInfo, asked: Asked) -> WatchRequest:
        """Return what a watch is asked for."""
        query = asked.query
        since = _version_number(query.get("resourceVersion", ""))
        self._refuse_future(since)
        fields = query.get("fieldSelector", "")
        if info.name:
            fields = f"{fields},metadata.name={info.name}".lstrip(",")
        initial = query.get("sendInitialEvents") == "true"
        longest = random.uniform(0.5, 1) * LONGEST_WATCH_SECONDS  # noqa: S311 - no secret
        return WatchRequest(
            resource=info.plural,
            namespace=info.namespace or None,
            labels=query.get("labelSelector", ""),
            fields=fields,
            since=None if since == 0 or initial else since,
            timeout_seconds=_number(asked, "timeoutSeconds") or longest,
            bookmarks=query.get("allowWatchBookmarks") in ("true", "1"),
            initial_events_end=initial,
            encode=_row_encoder(info.plural) if is_wanted(asked.accept) else _raw,
        )

    def _version(self, resource: str, asked: Asked) -> int:
        wanted = asked.query.get("resourceVersion", "")
        number = _version_number(wanted)
        self._refuse_future(number)
        if wanted == "0":
            return self._faults.stale_lists.get(resource, self._objects.version)
        if asked.query.get("resourceVersionMatch") == "Exact":
            return number
        return self._objects.version

    def _refuse_future(self, version: int) -> None:
        if version > self._objects.version:
            causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
            message = f"Too large resource version: {version}, current: {self._objects.version}"
            raise Refusal(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})

    def _chosen(self, info: RequestInfo, asked: Asked, version: int) -> Sequence[Entry]:
        fields = asked.query.get("fieldSelector", "")
        chosen = select(info.plural, asked.query.get("labelSelector", ""), fields)
        entries = self._objects.entries(info.plural, info.namespace or None, version=version)
        return entries if chosen is None else [entry for entry in entries if chosen(entry.obj)]


def _list(resource: str, entries: Sequence[Entry], meta: Object) -> bytes:
    row = RESOURCES[resource]
    head = json.dumps({"kind": f"{row.kind}List", "apiVersion": row.api_version, "metadata": meta})
    return head[:-1].encode() + b',"items":[' + b",".join(entry.item for entry in entries) + b"]}\n"


def _raw(entry: Entry) -> bytes:
    return entry.raw


def _row_encoder(resource: str) -> Callable[[Entry], bytes]:
    return lambda entry: table(resource, [entry], {"resourceVersion": str(entry.version)})


def _version_number(text: str) -> int:
    if text in ("", "0"):
        return 0
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: invalid syntax') from None


def _number(asked: Asked, name: str) -> int:
    text = asked.query.get(name) or "0"
    if not text.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _place(entry: Entry) -> tuple[str, str]:
    return entry.obj["metadata"].get("namespace", ""), entry.obj["metadata"]["name"]


def _write_continue(version: int, last: Entry) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": version, "start": _place(last)}
    return base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")


def _read_continue(asked: Asked) -> Object:
    text = asked.query.get("continue", "")
    if not text:
        return {}
    if asked.query.get("resourceVersion") not in (None, "", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")
    try:
        token: Object = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return {"rv": int(token["rv"]), "start": list(token["start"])}
    except (ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid: illegal base64 data") from None
