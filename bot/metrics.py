"""``/metrics`` on a port of its own: what Redis holds at that moment, in Prometheus' words. Nothing is kept in between.

Every bot tells the same, for all look at one Redis. Who may come here is for the network to say: people come by another
port (docs/decisions/0034-metrics-have-a-port-of-their-own.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.metrics_families import families
from core.errors import StoreError
from core.measure import Measure, Measured
from core.settings import Settings

log = logging.getLogger(__name__)


class LedgerCollector(Collector):
    """What was measured, for one scrape; None where Redis did not answer."""

    def __init__(self, measured: Measured | None) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        yield from families(self._measured)


def application(redis: Redis) -> Starlette:
    """Give the ASGI application that answers ``/metrics`` and nothing else."""
    measure = Measure(redis)

    async def metrics(request: Request) -> Response:
        """Answer a scrape; without Redis with ``ablehand_up 0`` alone, so that the reason is told apart from ours."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(LedgerCollector(await _measured(measure)))
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=content_type)

    return Starlette(routes=[Route("/metrics", metrics)])


@contextlib.asynccontextmanager
async def serving_metrics(settings: Settings, redis: Redis) -> AsyncIterator[None]:
    """Listen while the context is entered, if a port is set."""
    if not settings.metrics_port:
        yield
        return
    config = uvicorn.Config(
        application(redis),
        host=settings.host,
        port=settings.metrics_port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Beside(config)
    serving = asyncio.create_task(server.serve(sockets=[config.bind_socket()]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Beside(uvicorn.Server):
    """A server in another one's process: signals are the other one's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


async def _measured(measure: Measure) -> Measured | None:
    try:
        return await measure.take()
    except StoreError as error:
        log.warning("Redis is not there", extra={"why": str(error)})
        return None
