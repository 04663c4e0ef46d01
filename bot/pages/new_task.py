"""The form that starts a task. What goes wrong is said at its field, and all that was typed stays."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.api.routes import problem_of
from bot.doors import CSRF_FIELD
from bot.pages.draft import Draft, draft_like, read_draft, sentences
from bot.pages.frame import SEE_OTHER, Frame, SignInFirst
from bot.problems import Problem
from bot.viewer import How, Viewer, digest
from bot.wishes import BODY_LIMIT_BYTES, Wish
from core.errors import GitLabError, StoreError

ONCE: Final = "once"
"""The field that tells one form from the next: sent twice, it starts one task."""
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


class NewTask:
    """At ``/tasks/new``."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._desk = frame.desk

    async def show(self, request: Request) -> Response:
        """Show the form: with what the address says, or like the task that ``like`` names."""
        viewer = _person(await self._frame.viewer(request))
        like = request.query_params.get("like", "")
        if _NUMBER.fullmatch(like):
            return self._form(viewer, draft_like(await self._frame.task(viewer, int(like))))
        return self._form(viewer, read_draft(request.query_params))

    async def start(self, request: Request) -> Response:
        """Start the task and lead to its page, or show the form again."""
        viewer = _person(await self._viewer(request))
        if int(request.headers.get("content-length") or BODY_LIMIT_BYTES + 1) > BODY_LIMIT_BYTES:
            raise Problem(413, f"A form may have {BODY_LIMIT_BYTES:,} bytes. Nothing was started.")
        async with request.form(max_fields=10, max_files=0) as form:
            draft, once, token = read_draft(form), str(form.get(ONCE, "")), str(form.get(CSRF_FIELD, ""))
        try:
            self._desk.doors.check_origin(request, viewer, token)
            return await self._started(viewer, draft.wish(), once)
        except ValidationError as error:
            return self._form(viewer, draft, sentences(error), status=400)
        except (Problem, GitLabError, StoreError) as error:
            problem = problem_of(error)
            field = problem.field if problem.field in asdict(draft) else ""
            return self._form(viewer, draft, {field: problem.detail}, status=problem.status)

    async def _started(self, viewer: Viewer, wish: Wish, once: str) -> Response:
        await self._desk.limit.take_call(str(viewer.user_id), writes=True)
        # The text is part of the key: who goes back and asks for something else means another task.
        key = digest(f"{once} {wish.model_dump_json()}")
        _, task = await self._desk.asking.ask(viewer, wish, idempotency_key=key)
        return RedirectResponse(f"/tasks/{task.id}", SEE_OTHER)

    async def _viewer(self, request: Request) -> Viewer:
        try:
            return await self._frame.viewer(request)
        except SignInFirst:
            # The session is over. The form's script has kept what was typed, and puts it back.
            raise SignInFirst("/tasks/new?kept=1") from None

    def _form(
        self, viewer: Viewer, draft: Draft, errors: Mapping[str, str] | None = None, *, status: int = 200
    ) -> Response:
        return self._frame.show(
            "new_task.html", viewer, status=status, draft=draft, errors=errors or {}, once=secrets.token_hex(16),
            agents=self._desk.asking.agents, models=self._desk.asking.models,
        )  # fmt: skip


def _person(viewer: Viewer) -> Viewer:
    if viewer.how is How.OPEN:
        raise Problem(403, "Nobody signs in here, so nobody can start a task from here. A comment on GitLab does.")
    return viewer
