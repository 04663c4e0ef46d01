"""``POST /webhooks/gitlab``: read the body, check its signature, decode it, remember it, answer.

Nothing but Redis is touched in the request. GitLab counts every answer outside of 2xx as a failure of the hook and may
switch it off, so that what does not concern us is answered 200.
"""

from __future__ import annotations

import logging
import re
import time

from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.acceptance import Acceptance
from bot.bell import Bell
from bot.events import Malformed, decode
from bot.identity import KnownIdentity
from bot.signature import Unauthentic, Verifier
from core.errors import StoreError

BODY_LIMIT_BYTES = 25 * 1024 * 1024
"""GitLab's own limit for a payload."""
_DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,128}")

log = logging.getLogger(__name__)


class Webhook:
    """The endpoint with what it needs."""

    def __init__(
        self, verifier: Verifier, acceptance: Acceptance, bell: Bell, identity: KnownIdentity, *, ready_label: str
    ) -> None:
        self._verifier = verifier
        self._identity = identity
        self._acceptance = acceptance
        self._bell = bell
        self._ready_label = ready_label

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer one delivery: 202 accepted, 200 ignored or known, 401, 400, 413 (by Starlette), 503."""
        body = await request.body()
        try:
            delivery = self._verifier.check(request.headers, body, now=time.time())
            trigger = decode(body, ready_label=self._ready_label, bot=await self._identity.get())
        except Unauthentic as refusal:
            log.warning("delivery refused", extra={"why": str(refusal)})
            return JSONResponse({"error": str(refusal)}, 401)
        except Malformed as error:
            log.warning("delivery malformed", extra={"fields": str(error)})
            return JSONResponse({"error": f"not a GitLab webhook: {error}"}, 400)
        if trigger is None:
            return JSONResponse({"ignored": True})
        try:
            new, task_id = await self._acceptance.accept(
                trigger, delivery=delivery if _DELIVERY_ID.fullmatch(delivery) else ""
            )
        except StoreError as error:
            log.error("delivery not stored", extra={"why": str(error)})  # noqa: TRY400 - the trace tells nothing more
            return JSONResponse({"error": "not stored, send it again"}, 503, {"Retry-After": "10"})
        if not new:
            return JSONResponse({"known": task_id})
        self._bell.ring(task_id)
        log.debug("trigger accepted", extra={"task_id": task_id, "source": trigger.source})
        return JSONResponse({"accepted": task_id}, 202)
