"""The connection to the cluster: the official client's configuration and transport, raw JSON, errors of ours.

The typed models are left out: they cost a second and 90 MiB a process, and fail on what a newer server adds. One
`Cluster` serves all threads of a process and is built before a fork: what holds a socket is opened by who uses it.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import config
from kubernetes.client import ApiClient, ApiException, Configuration
from urllib3.exceptions import HTTPError

from core.errors import ExecutorError, ExecutorUnavailable, SettingsError
from core.reasons import Reason
from worker.executors.kubernetes.refusals import Answer, NotFound, Throttled, refusal

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 20.0
TRIES: Final = 3
"""Of a call that the server refuses to look at for now (429): it did nothing, so saying it again is safe."""
LONGEST_PAUSE_SECONDS: Final = 10.0
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_MERGE_PATCH: Final = "application/merge-patch+json"
_NO_CLUSTER: Final = (
    "There is no cluster to run agents on: run inside one, or let KUBECONFIG name a file that leads to one"
)

Object = dict[str, Any]
"""One object of the API, or a list of them, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object in the agents' namespace."""

    group: str
    """Empty: the core group. Its version is v1 for all that we use."""
    plural: str

    def collection(self, namespace: str) -> str:
        """Give the path of all objects of the kind."""
        root = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        return f"{root}/namespaces/{namespace}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """Give the path of one object.

        Raises:
            NotFound: No object can have that name: an empty one, or "..", would lead to the whole collection.
        """
        if not _NAME.fullmatch(name):
            raise NotFound(f"{self.plural}: {name[:80]!r} is no object's name")
        return f"{self.collection(namespace)}/{name}"


JOBS: Final = Resource("batch", "jobs")
SECRETS: Final = Resource("", "secrets")


def load_configuration(kubeconfig: Path | None = None) -> Configuration:
    """Read how to reach the cluster: *kubeconfig* where given, else as a pod of it, else by ``KUBECONFIG``.

    Raises:
        SettingsError: Neither leads anywhere; nothing has been connected yet.
    """
    configuration = Configuration()
    try:
        _load(configuration, kubeconfig)
    except (config.ConfigException, OSError, ValueError, TypeError, LookupError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())[:200]
        raise SettingsError(f"{_NO_CLUSTER} ({words}).") from error
    # urllib3 would try thrice, POST too, and multiply every timeout.
    configuration.retries = False
    return configuration


@dataclass(kw_only=True)
class Cluster:
    """Calls in one namespace, each bounded in time. Every method raises `ExecutorError` or a class below it."""

    namespace: str
    configuration: Configuration = field(repr=False)
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    on_error: Callable[[ExecutorError], None] = lambda _error: None
    """Told of every answer that is an error, also of those that are tried again."""
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _client: ApiClient | None = field(default=None, init=False, repr=False)
    _opened_by: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a namespace that is none: it is part of every path."""
        if not _NAME.fullmatch(self.namespace):
            raise SettingsError("ABLEHAND_NAMESPACE is no namespace's name: take a-z, 0-9 and -, at most 63.")

    def create(self, resource: Resource, body: Object, *, dry_run: bool = False) -> Object:
        """POST *body*; after `ExecutorUnavailable` it may be there or not. *dry_run*: the server only judges it."""
        asked = f"create {resource.plural} {body['metadata']['name']}"
        query = {"dryRun": "All"} if dry_run else {}
        return self.call(asked, "POST", resource.collection(self.namespace), body=body, query=query)

    def read(self, resource: Resource, name: str) -> Object:
        """GET one object."""
        return self.call(f"get {resource.plural} {name}", "GET", resource.path(self.namespace, name))

    def list(self, resource: Resource) -> Object:
        """GET all objects of a kind, in one answer."""
        return self.call(f"list {resource.plural}", "GET", resource.collection(self.namespace))

    def patch(self, resource: Resource, name: str, changes: Object) -> Object:
        """Merge *changes* into the object; a ``metadata.uid`` in them makes sure that it is the one that is meant."""
        path = resource.path(self.namespace, name)
        return self.call(f"patch {resource.plural} {name}", "PATCH", path, body=changes)

    def delete(self, resource: Resource, name: str, *, uid: str = "", foreground: bool = False) -> Object:
        """DELETE one object, only the one of *uid* where given; *foreground*: it stays until what it owns is gone."""
        body: Object = {"propagationPolicy": "Foreground" if foreground else "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        return self.call(f"delete {resource.plural} {name}", "DELETE", resource.path(self.namespace, name), body=body)

    def call(
        self, asked: str, method: str, path: str, *, body: Object | None = None, query: Mapping[str, str] | None = None
    ) -> Object:
        """Make any call; *asked* says it in the words that an error begins with."""
        for _ in range(TRIES - 1):
            try:
                return self._call_once(asked, method, path, body, query)
            except Throttled as throttled:
                time.sleep(min(max(throttled.seconds, 0.1), LONGEST_PAUSE_SECONDS))
        return self._call_once(asked, method, path, body, query)

    def _call_once(
        self, asked: str, method: str, path: str, body: Object | None, query: Mapping[str, str] | None
    ) -> Object:
        try:
            return self._answer(asked, method, path, body, query)
        except ExecutorError as error:
            self.on_error(error)
            raise

    def _answer(
        self, asked: str, method: str, path: str, body: Object | None, query: Mapping[str, str] | None
    ) -> Object:
        try:
            status, text, retry_after = self._send(method, path, body, query)
        except (HTTPError, ApiException, OSError) as error:
            # Also a cut answer: whether the server did it is not known.
            words = f"{asked} in namespace {self.namespace}: {type(error).__name__}"
            raise ExecutorUnavailable(f"the cluster does not answer ({words})", Reason.CLUSTER) from error
        if not 200 <= status < 300:  # noqa: PLR2004 - success, by the protocol
            answer = Answer(status=status, body=text, retry_after=retry_after)
            raise refusal(asked, self.namespace, answer)
        return _decoded(asked, text)

    def _send(
        self, method: str, path: str, body: Object | None, query: Mapping[str, str] | None
    ) -> tuple[int, bytes, float]:
        client = self._open()
        content_type = _MERGE_PATCH if method == "PATCH" else "application/json"
        serialized = client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer: Any = client.call_api(*serialized, _request_timeout=(self.connect_seconds, self.read_seconds))
        after = answer.getheader("Retry-After") or "0"
        return answer.status, answer.read() or b"", float(after) if after.isdecimal() else 0.0

    def _open(self) -> ApiClient:
        with self._lock:
            if self._client is None or self._opened_by != os.getpid():
                self._client, self._opened_by = ApiClient(self.configuration), os.getpid()
                self._client.user_agent = "ablehand"
            return self._client


def _load(configuration: Configuration, kubeconfig: Path | None) -> None:
    load_file: Callable[..., None] = config.load_kube_config
    load_pod: Callable[..., None] = config.load_incluster_config
    if kubeconfig is not None:
        load_file(str(kubeconfig), client_configuration=configuration)
        return
    try:
        load_pod(client_configuration=configuration)
    except config.ConfigException:
        load_file(client_configuration=configuration)


def _decoded(asked: str, text: bytes) -> Object:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ExecutorUnavailable(f"{asked}: the answer is no JSON object", Reason.CLUSTER)
    return value
