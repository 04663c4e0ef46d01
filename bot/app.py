"""Puts the bot together: routes, what opens and closes with the process, and the answers to what goes wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot import problems
from bot.acceptance import Acceptance
from bot.api import routes as api
from bot.api.routes import problem_of
from bot.desk import Desk, furnish
from bot.doors import check_exposure
from bot.identity import KnownIdentity
from bot.metrics import serving_metrics
from bot.pages.frame import Frame, SignInFirst
from bot.pages.routes import routes
from bot.problems import Problem
from bot.sessions import LONGEST_SECONDS
from bot.signature import Verifier, key_of
from bot.webhook import BODY_LIMIT_BYTES, Webhook
from core.errors import GitLabError, SettingsError, StoreError
from core.settings import Settings

log = logging.getLogger(__name__)


def build(settings: Settings) -> Starlette:
    """Give the ASGI application.

    Raises:
        SettingsError: An open receiver or open pages are not started, nor a sign-in that is half set up.
    """
    verifier = make_verifier(settings)
    check_exposure(settings)
    desk = furnish(settings)
    frame = Frame(desk)
    webhook = _webhook(desk, verifier)

    async def ready(_request: Request) -> Response:
        """Tell whether Redis answers."""
        await desk.store.now()
        return PlainTextResponse("ready\n")

    async def unavailable(request: Request, error: Exception) -> Response:
        """Tell people by a page, and GitLab and probes by a status."""
        if "text/html" in request.headers.get("accept", ""):
            return await frame.problem(request, error)
        return problems.as_json(problem_of(error))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        """Serve the metrics beside the pages; at the end, ring what is left and close what was opened."""
        async with serving_metrics(settings, desk.redis):
            yield
        await desk.close()

    return Starlette(
        routes=[
            Route("/webhooks/gitlab", webhook.__call__, methods=["POST"]),
            Route("/healthz", _alive),
            Route("/readyz", ready),
            Mount(api.PREFIX, api.application(desk)),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
            *routes(frame),
        ],
        middleware=_sessions(settings),
        exception_handlers={
            StoreError: unavailable,
            SignInFirst: frame.sign_in_first,
            Problem: frame.problem,
            GitLabError: frame.problem,
            HTTPException: frame.problem,
        },
        lifespan=lifespan,
        max_body_size=BODY_LIMIT_BYTES,
    )


def _webhook(desk: Desk, verifier: Verifier) -> Webhook:
    return Webhook(
        verifier=verifier,
        acceptance=Acceptance(desk.store),
        bell=desk.bell,
        identity=KnownIdentity(desk.store),
        outcomes=desk.outcomes,
        tally=desk.tally,
        ready_label=f"{desk.settings.label_prefix}-ready",
    )


def _sessions(settings: Settings) -> list[Middleware]:
    if not settings.oidc_client_id:
        return []
    is_https = settings.public_url.startswith("https:")
    return [
        Middleware(
            SessionMiddleware,
            secret_key=settings.session_secret.get_secret_value(),
            # The prefix has browsers refuse the name to any other host, and to plain HTTP.
            session_cookie="__Host-ablehand" if is_https else "ablehand",
            max_age=LONGEST_SECONDS,
            same_site="lax",
            https_only=is_https,
        )
    ]


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
