"""Opens the logs and their archive as the settings say, for bot and reconciler alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.asyncio import Redis

from core.settings import Settings
from core.task_log import TaskLog

if TYPE_CHECKING:
    from core.log_archive import LogArchive


def open_archive(settings: Settings) -> LogArchive | None:
    """Give the archive; None where none is set up.

    Raises:
        SettingsError: The address, or what belongs to it, is wrong.
    """
    if not settings.log_archive:
        return None
    # Its client takes 15 MiB: only who has an archive pays.
    from core.log_archive import LogArchive

    return LogArchive(settings.log_archive)


def open_log(settings: Settings, redis: Redis, archive: LogArchive | None) -> TaskLog:
    """Give the logs of all tasks."""
    return TaskLog(
        redis,
        lines=settings.log_lines,
        size_bytes=settings.log_bytes,
        keep_seconds=settings.log_seconds,
        archive=archive,
    )
