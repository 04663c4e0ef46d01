"""What pages and API work with, put together in one place from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bot.answers import Answers
from bot.asking import Asking
from bot.bell import Bell
from bot.changes import Changes
from bot.doors import Doors
from bot.gitlab_view import GitLabView
from bot.log_channels import LogChannels
from bot.rate_limit import RateLimit
from bot.sessions import Sessions
from bot.tally import Tally
from bot.tokens import Tokens
from bot.visibility import Visibility
from core.connections import open_queue_redis, open_store_redis
from core.doorbell import Doorbell
from core.logbook import open_archive, open_log
from core.outcomes import Outcomes
from core.settings import Settings
from core.store import TaskStore
from core.task_list import TaskList
from core.task_log import TaskLog

CONNECTIONS: Final = 50
"""To Redis. Hundreds of viewers may come in one moment: they wait for one another, and none is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The tools of one bot."""

    settings: Settings
    redis: AsyncRedis
    queue: Redis
    store: TaskStore
    tasks: TaskList
    task_log: TaskLog
    channels: LogChannels
    changes: Changes
    bell: Bell
    gitlab: GitLabView
    visibility: Visibility
    doors: Doors
    sessions: Sessions | None
    limit: RateLimit
    asking: Asking
    outcomes: Outcomes
    tally: Tally

    async def close(self) -> None:
        """Ring what is left, and close what was opened."""
        await self.bell.close()
        await self.changes.close()
        await self.channels.close()
        await self.gitlab.close()
        await self.tally.close()
        await self.redis.aclose()
        self.queue.close()


def furnish(settings: Settings) -> Desk:
    """Open everything; nothing is connected before its first use."""
    redis, queue = open_store_redis(settings, connections=CONNECTIONS), open_queue_redis(settings)
    store = TaskStore(redis, retry_seconds=settings.retry_seconds, host=urlsplit(settings.gitlab_url).netloc)
    tally = Tally(redis)
    gitlab = GitLabView(
        settings.gitlab_url, timeout_seconds=settings.gitlab_timeout_seconds, on_error=tally.note_viewer
    )
    answers, limit, bell = (
        Answers(redis),
        RateLimit(redis, calls=settings.api_requests_per_minute),
        Bell(Doorbell(queue)),
    )
    visibility = Visibility(gitlab, answers)
    task_log = open_log(settings, redis, open_archive(settings))
    sessions = Sessions(redis, settings.session_secret.get_secret_value()) if settings.oidc_client_id else None
    return Desk(
        settings=settings,
        redis=redis,
        queue=queue,
        store=store,
        tasks=TaskList(redis),
        task_log=task_log,
        channels=LogChannels(task_log, store),
        changes=Changes(redis),
        bell=bell,
        gitlab=gitlab,
        visibility=visibility,
        doors=Doors(
            public_url=settings.public_url,
            tokens=Tokens(gitlab, answers, limit),
            sessions=sessions,
            closed=settings.pages_closed,
        ),
        sessions=sessions,
        limit=limit,
        asking=Asking(store, bell, gitlab, visibility, settings),
        outcomes=Outcomes(redis),
        tally=tally,
    )
