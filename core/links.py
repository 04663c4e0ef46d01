"""Addresses of our own pages, as comments and replies carry them."""

from __future__ import annotations

from core.settings import Settings
from core.task import Task


def task_page(settings: Settings, task: Task) -> str:
    """Give the address of the task's page; whoever may see the task signs in to see it."""
    return f"{settings.public_url}/tasks/{task.id}"


def webhook(settings: Settings) -> str:
    """Give the address that GitLab's hook must have."""
    return f"{settings.public_url}/webhooks/gitlab"
