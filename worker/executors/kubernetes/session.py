"""How the asynchronous half reaches the cluster: the official client's configuration, on a session for thousands.

Called by `worker.executors.kubernetes.stream`. The library's own session allows a hundred connections and keeps none
of them alive; both are what its subclassing is for.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from core.errors import SettingsError

READ_BUFFER_BYTES: Final = 1 << 16
"""For each connection, where its reader is slower than the server: the library's two MiB are too much by thousands."""
KEEPALIVE: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
"""Seconds and tries, by the names of the socket options; a system may lack some of them."""


class _Connections(RESTClientObject):
    """The client's transport, but with as many connections as there are logs to follow, and all kept alive."""

    def _create_connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(limit=0, ssl=self.ssl_context, socket_factory=_kept_alive)


async def load_credentials(configuration: Configuration, kubeconfig: Path | None) -> None:
    """Fill in how to reach the cluster: *kubeconfig* where given, else as a pod of it, else by ``KUBECONFIG``.

    May be called again to renew a token.

    Raises:
        SettingsError: Neither leads anywhere.
    """
    try:
        await _load(configuration, kubeconfig)
    except (ConfigException, OSError, ValueError, TypeError, LookupError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())[:200]
        raise SettingsError(
            f"There is no cluster to follow: run inside one, or let KUBECONFIG name a file that leads to one ({words})."
        ) from error


def open_client(configuration: Configuration) -> ApiClient:
    """Make the client; to be called in the event loop that will use it."""
    configuration.retries = None
    configuration.client_session_kwargs = {"read_bufsize": READ_BUFFER_BYTES}
    client = ApiClient(configuration)
    client.rest_client = _Connections(configuration)
    client.user_agent = "ablehand"
    return client


async def _load(configuration: Configuration, kubeconfig: Path | None) -> None:
    load_file: Any = load_kube_config
    load_pod: Any = load_incluster_config
    if kubeconfig is not None:
        await load_file(str(kubeconfig), client_configuration=configuration, persist_config=False)
        return
    try:
        load_pod(client_configuration=configuration)
    except ConfigException:
        await load_file(client_configuration=configuration, persist_config=False)


def _kept_alive(address: tuple[Any, ...]) -> socket.socket:
    """Make a socket that finds out by itself that nobody is there any more."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
