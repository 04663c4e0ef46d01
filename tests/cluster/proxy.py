"""The way from the suite to a Service of the cluster: the API server's own proxy, by way of ``kubectl proxy``.

So nothing has to be exposed, and whatever KUBECONFIG says of credentials is kubectl's matter. A program that sends a
header which the API server keeps for itself goes by ``kubectl port-forward``.
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests import programs
from tests.cluster.cluster import Cluster

ANSWER_SECONDS = 20


class CallFailed(OSError):
    """The Service answered with an error, or did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A ``kubectl proxy`` that runs."""

    url: str

    def call(self, method: str, service: str, path: str, *, body: Any = None, token: str = "") -> Any:
        """Call a Service (``NAMESPACE/NAME:PORT``); give the answer, decoded where it is JSON.

        Raises:
            CallFailed: An answer other than 2xx, or none.
        """
        namespace, _, name = service.partition("/")
        address = f"{self.url}/api/v1/namespaces/{namespace}/services/{name}/proxy{path}"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=content, method=method)  # noqa: S310 - our own proxy
        request.add_header("Content-Type", "application/json")
        if token:
            # The API server keeps Authorization for itself.
            request.add_header("PRIVATE-TOKEN", token)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - our own proxy
                text = answer.read().decode()
                return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text
        except urllib.error.HTTPError as error:
            raise CallFailed(f"{method} {path}: {error.code} {error.read()[:300].decode(errors='replace')}") from error


@contextmanager
def open_proxy(cluster: Cluster) -> Iterator[Proxy]:
    """Run a proxy on a free port of loopback until the context ends."""
    with _running(cluster, "proxy", "--address", "127.0.0.1", "--port", "0") as line:
        yield Proxy(url="http://" + line.rpartition(" on ")[2].strip())


@contextmanager
def forwarded(cluster: Cluster, namespace: str, service: str, port: int) -> Iterator[str]:
    """Forward a free port of loopback to a Service's until the context ends; give its address."""
    arguments = ("--address", "127.0.0.1", "--namespace", namespace, f"service/{service}", f":{port}")
    with _running(cluster, "port-forward", *arguments) as line:
        yield "http://" + line.partition(" from ")[2].partition(" ")[0]


@contextmanager
def _running(cluster: Cluster, *arguments: str) -> Iterator[str]:
    """Run kubectl until the context ends; give its first line, which says where it listens."""
    command = (str(programs.kubectl()), *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=cluster.environment, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if "127.0.0.1:" not in line:
                raise AssertionError(f"kubectl {arguments[0]} did not start: {line}")
            yield line
        finally:
            process.terminate()
