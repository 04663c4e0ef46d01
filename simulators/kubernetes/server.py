"""The simulated Kubernetes API as a server on loopback, in a thread of its own: the name that demos and tests know."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
import uvloop
import yaml

from simulators.kubernetes.access import PREFIX, Access
from simulators.kubernetes.admission import ApiAdmission
from simulators.kubernetes.clock import Delays
from simulators.kubernetes.edge import CuttableProtocol, Edge, RecordedCall
from simulators.kubernetes.faults import Faults
from simulators.kubernetes.images import Behaviour
from simulators.kubernetes.machinery import Machinery
from simulators.kubernetes.nodes import Node
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.quotas import keep_quotas
from simulators.kubernetes.rest import Rest
from simulators.kubernetes.world import World

START_SECONDS = 20
STOP_SECONDS = 30
BACKLOG = 4096
"""Thousands of log follows may be opened at once."""


class KubernetesServer:
    """A cluster at `url`, from `start` to `stop` or for a `with` block. What its Pods write lies in *directory*.

    It begins with the namespaces `default` and `kube-system` and with *nodes*. *images* says what an image name does;
    the same mapping is `images`, and may be changed at any time.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        images: Mapping[str, Behaviour] | None = None,
        nodes: Sequence[Node] = (Node(),),
        delays: Delays | None = None,
    ) -> None:
        self.directory = directory
        self.images: dict[str, Behaviour] = dict(images or {})
        self.faults = Faults()
        self.calls: list[RecordedCall] = []
        objects = Objects(ApiAdmission())
        self.access = Access(objects)
        machinery = Machinery(objects, directory, self.images, nodes=nodes, delays=delays)
        self.rest = Rest(objects, self.access, self.faults, machinery)
        self._edge = Edge(self.rest, self.access, self.faults, self.calls)
        self._socket = _listen(port)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(_config(self._edge))
        self._loop = uvloop.new_event_loop()
        self.world = World(objects, machinery, self._loop)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="kubernetes", daemon=True)
        self.faults.on_open_watches = lambda resource, fault: self.world.call(self.rest.watches.fail, resource, fault)
        self.faults.on_open_streams = lambda resource: self.world.call(self._edge.cut_streams, resource)

    def start(self) -> None:
        """Serve until `stop`; when this returns, the machinery works."""
        self._thread.start()
        self._started.wait(START_SECONDS)
        if self._failure is not None:
            raise self._failure
        for name in ("default", "kube-system"):
            self.world.add_namespace(name)

    def stop(self) -> None:
        """End the server and every container. Raises what broke it meanwhile."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()
        for failure in (self._failure, *self._edge.failures):
            if failure is not None:
                raise failure

    def kubeconfig(self, service_account: str | None = None) -> Path:
        """Return a kubeconfig file: of the admin, or of the ServiceAccount "namespace/name", whose Roles then count."""
        namespace, _, name = (service_account or "default/").partition("/")
        token = self.access.token_of(namespace, name) if service_account else self.access.admin_token
        path = self.directory / f"kubeconfig{f'-{namespace}-{name}' if service_account else ''}.yaml"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "simulated", "cluster": {"server": f"{self.url}{PREFIX}{token}"}}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [
                {"name": "simulated", "context": {"cluster": "simulated", "user": "user", "namespace": namespace}}
            ],
            "current-context": "simulated",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def set_reachable(self, *, reachable: bool) -> None:
        """Break every connection and close each new one unanswered, or be well again."""
        self.faults.down = not reachable
        if not reachable:
            self.world.call(self._break_connections)

    def open_streams(self, resource: str) -> int:
        """Count the open watches (`pods`) or followed logs (`pods/log`), of all with `*`."""
        return self.world.call(self._edge.open_streams, resource)

    def _break_connections(self) -> None:
        for connection in list(self._server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as failure:  # noqa: BLE001 - handed to whoever stops the server
            self._failure = failure
        finally:
            self._started.set()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        machinery = self.world.machinery
        await machinery.start()
        quotas = asyncio.create_task(keep_quotas(self.world.objects))
        self._started.set()
        try:
            await self._server.serve([self._socket])
        finally:
            quotas.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await quotas
            await machinery.end()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _config(edge: Edge) -> uvicorn.Config:
    return uvicorn.Config(
        edge,
        http=CuttableProtocol,
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=1,
    )


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the socket names its protocol; with it each answer costs 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(BACKLOG)
    return listening
