"""Addresses of our own pages, as comments and replies carry them."""

from __future__ import annotations

from core.settings import Settings
from core.task import Task


def task_page(settings: Settings, task: Task) -> str:
    """Give the address of the task's page; the key in it is what opens the page."""
    return f"{settings.public_url}/tasks/{task.id}?key={task.page_key}"


def webhook(settings: Settings) -> str:
    """Give the address that GitLab's hook must have."""
    return f"{settings.public_url}/webhooks/gitlab"
