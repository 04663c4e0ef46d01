"""Where each page is."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from bot.pages.frame import Frame
from bot.pages.new_task import NewTask
from bot.pages.outcomes import OutcomePage
from bot.pages.table import TaskTable
from bot.pages.task import TaskPage
from bot.sign_in import SignIn


def routes(frame: Frame) -> list[BaseRoute]:
    """Give the routes of all pages; without sign-in, those of it are missing."""
    task, new = TaskPage(frame), NewTask(frame)
    shown: list[BaseRoute] = [
        Route("/", TaskTable(frame).show),
        Route("/tasks/new", new.show),
        Route("/tasks/new", new.start, methods=["POST"]),
        Route("/outcomes", OutcomePage(frame).show),
        Route("/tasks/{task_id:int}", task.show),
        Route("/tasks/{task_id:int}/summary", task.summary),
        Route("/tasks/{task_id:int}/cancel", task.cancel, methods=["POST"]),
        Route("/tasks/{task_id:int}/retry", task.retry, methods=["POST"]),
    ]
    if frame.desk.sessions is None:
        return shown
    sign_in = SignIn(frame.desk, frame.desk.sessions)
    return [
        *shown,
        Route("/sign-in", sign_in.begin),
        Route("/sign-in/callback", sign_in.end),
        Route("/sign-out", sign_in.sign_out, methods=["POST"]),
        Route("/signed-out", frame.signed_out),
    ]
