"""Puts the bot together: routes, what opens and closes with the process, and the answers to what goes wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.acceptance import Acceptance
from bot.bell import Bell
from bot.identity import KnownIdentity
from bot.live_log import LiveLog
from bot.pages import Pages
from bot.signature import Verifier, key_of
from bot.webhook import BODY_LIMIT_BYTES, Webhook
from core.connections import open_queue_redis, open_store_redis
from core.doorbell import Doorbell
from core.errors import SettingsError, StoreError
from core.settings import Settings
from core.store import TaskStore
from core.task_log import TaskLog

log = logging.getLogger(__name__)


def build(settings: Settings) -> Starlette:
    """Give the ASGI application.

    Raises:
        SettingsError: No webhook secret, or one that is malformed: an open receiver is not started.
    """
    verifier = make_verifier(settings)
    redis, queue = open_store_redis(settings), open_queue_redis(settings)
    store = TaskStore(redis, retry_seconds=settings.retry_seconds, host=urlsplit(settings.gitlab_url).netloc)
    task_log = TaskLog(redis)
    bell, pages = Bell(Doorbell(queue)), Pages(store, task_log)

    async def ready(_request: Request) -> Response:
        """Tell whether Redis answers."""
        await store.now()
        return PlainTextResponse("ready\n")

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        """Ring what is left and close what was opened."""
        yield
        await bell.close()
        await redis.aclose()
        queue.close()

    return Starlette(
        routes=[
            Route(
                "/webhooks/gitlab",
                Webhook(
                    verifier,
                    Acceptance(store),
                    bell,
                    KnownIdentity(store),
                    ready_label=f"{settings.label_prefix}-ready",
                ).__call__,
                methods=["POST"],
            ),
            Route("/healthz", _alive),
            Route("/readyz", ready),
            Route("/", pages.home),
            Route("/tasks/{task_id:int}", pages.task),
            Route("/tasks/{task_id:int}/log", LiveLog(store, task_log).__call__),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        exception_handlers={StoreError: _unavailable},
        lifespan=lifespan,
        max_body_size=BODY_LIMIT_BYTES,
    )


def serve(settings: Settings) -> None:
    """Run the bot until it is told to stop."""
    settings.require("redis_url", "gitlab_url")
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        server_header=False,
    )


def make_verifier(settings: Settings) -> Verifier:
    """Give what tells GitLab's deliveries from others.

    Raises:
        SettingsError: No key is set, or one is malformed.
    """
    signing = settings.active_webhook_keys("webhook_signing_token")
    secret = settings.active_webhook_keys("webhook_secret")
    if not signing and not secret:
        raise SettingsError("Set ABLEHAND_WEBHOOK_SIGNING_TOKEN (or ABLEHAND_WEBHOOK_SECRET for GitLab before 19.0).")
    try:
        for token in signing:
            key_of(token)
    except ValueError as error:
        raise SettingsError(f"ABLEHAND_WEBHOOK_SIGNING_TOKEN: {error}.") from None
    return Verifier(signing_tokens=signing, secret_tokens=secret, instance=settings.gitlab_url)


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def _unavailable(_request: Request, error: Exception) -> Response:
    log.warning("Redis is not there", extra={"why": str(error)})
    return JSONResponse({"error": "Redis is not there"}, 503, {"Retry-After": "10"})
