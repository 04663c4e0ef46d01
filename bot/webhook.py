"""``POST /webhooks/gitlab``: read the body, check its signature, decode it, remember it, answer.

Nothing but Redis is touched in the request. GitLab counts every answer outside of 2xx as a failure of the hook and may
switch it off, so that what does not concern us is answered 200.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.acceptance import Acceptance
from bot.bell import Bell
from bot.events import Malformed, decode
from bot.identity import KnownIdentity
from bot.merge_request_news import read_news
from bot.signature import Unauthentic, Verifier
from bot.tally import Tally
from core.errors import StoreError
from core.outcomes import Outcomes
from core.task import Trigger

BODY_LIMIT_BYTES = 25 * 1024 * 1024
"""GitLab's own limit for a payload."""
_DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,128}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The endpoint with what it needs. The *tally* counts every answer."""

    verifier: Verifier
    acceptance: Acceptance
    bell: Bell
    identity: KnownIdentity
    outcomes: Outcomes
    tally: Tally
    ready_label: str

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer one delivery: 202 accepted, 200 ignored or known, 401, 400, 413 (by Starlette), 503."""
        body = await request.body()
        try:
            delivery = self.verifier.check(request.headers, body, now=time.time())
            trigger = decode(body, ready_label=self.ready_label, bot=await self.identity.get())
        except Unauthentic as refusal:
            log.warning("delivery refused", extra={"why": str(refusal)})
            return self._answer(f"refused {refusal.kind}", {"error": str(refusal)}, 401)
        except Malformed as error:
            log.warning("delivery malformed", extra={"fields": str(error)})
            return self._answer("refused malformed", {"error": f"not a GitLab webhook: {error}"}, 400)
        if trigger is None:
            await self._note_news(body)
            return self._answer("ignored none", {"ignored": True})
        return await self._accept(trigger, delivery if _DELIVERY_ID.fullmatch(delivery) else "")

    async def _accept(self, trigger: Trigger, delivery: str) -> JSONResponse:
        try:
            new, task_id = await self.acceptance.accept(trigger, delivery=delivery)
        except StoreError as error:
            log.error("delivery not stored", extra={"why": str(error)})  # noqa: TRY400 - the trace tells nothing more
            answer = {"error": "not stored, send it again"}
            return self._answer("refused store", answer, 503, {"Retry-After": "10"})
        if not new:
            return self._answer("duplicate none", {"known": task_id})
        self.bell.ring(task_id)
        log.debug("trigger accepted", extra={"task_id": task_id, "source": trigger.source})
        return self._answer("accepted none", {"accepted": task_id}, 202)

    async def _note_news(self, body: bytes) -> None:
        """Keep what has become of a merge request of ours."""
        news = read_news(body)
        if news is None:
            return
        try:
            await self.outcomes.record(news.project_id, news.iid, news.state, news.moment)
        except StoreError as error:
            log.info("news was not kept; the sweep will find it", extra={"why": str(error)})

    def _answer(
        self, counted: str, content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> JSONResponse:
        self.tally.count(f"webhook {counted}")
        return JSONResponse(content, status, headers)
