"""What every step and the reconciler work with, put together in one place from the settings."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from redis.asyncio import Redis

from core.connections import open_queue_redis, open_store_redis
from core.counts import ErrorCounts
from core.doorbell import Doorbell
from core.gitlab import client
from core.gitlab.client import GitLab
from core.logbook import open_archive, open_log
from core.settings import Settings
from core.store import TaskStore
from core.task_log import TaskLog
from core.transcripts import TranscriptStore
from worker.executors.process import ProcessExecutor
from worker.executors.protocol import Executor
from worker.executors.run_plan import StepSetting
from worker.mcp_servers import read_servers

if TYPE_CHECKING:
    from core.log_archive import LogArchive
    from worker.executors.kubernetes.observer import Observer

CONNECTIONS = 50
LISTING_SECONDS = 1.0
"""How soon an ended run of a finished task is cleared away, and a vanished one noticed."""
CLUSTER_ERRORS = "cluster_errors"
REQUIRED = ("gitlab_url", "gitlab_token", "redis_url", "public_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The tools on the desk of a step."""

    settings: Settings
    redis: Redis
    store: TaskStore
    task_log: TaskLog
    doorbell: Doorbell
    gitlab: GitLab
    executor: Executor
    archive: LogArchive | None = None

    @property
    def transcripts(self) -> TranscriptStore:
        """What agents remember."""
        return TranscriptStore(self.redis, retention_seconds=self.settings.retention_days * 86_400)


def furnish(settings: Settings, executor: Executor, *, archives: bool = False) -> Desk:
    """Open everything; nothing is connected before its first use.

    *executor* is the process's one, from `choose_executor`: it holds no connection and survives a fork.
    *archives*: it is the one that brings logs to the archive; the others do without its client.
    """
    redis, queue = open_store_redis(settings, connections=CONNECTIONS), open_queue_redis(settings)
    archive = open_archive(settings) if archives else None
    return Desk(
        settings=settings,
        redis=redis,
        store=TaskStore(
            redis,
            retention_seconds=settings.retention_days * 86_400,
            retry_seconds=settings.retry_seconds,
            host=urlsplit(settings.gitlab_url).netloc,
        ),
        task_log=open_log(settings, redis, archive),
        doorbell=Doorbell(queue),
        gitlab=client.connect(settings, on_error=partial(ErrorCounts(queue).note, "gitlab_errors own")),
        executor=executor,
        archive=archive,
    )


def choose_executor(settings: Settings, *, observes: bool = False) -> Executor:
    """Check what steps and reconciler need, and give the executor that the settings name; once a process.

    *observes*: it will be asked for `Executor.observe` and `Executor.read_log` too.

    Raises:
        SettingsError: A needed setting is missing or asks for what there is not, or the sandbox that is required does
            not work here.
    """
    settings.require(*REQUIRED)
    read_servers(settings)
    if settings.agent == "command":
        settings.require("agent_command")
    if settings.executor == "kubernetes":
        return _cluster_executor(settings, _observer(settings) if observes else None)
    return _process_executor(settings)


def _observer(settings: Settings) -> Observer:
    # Imported before anything runs: it takes a second, in which a leader would lose its lease.
    from worker.executors.kubernetes.cluster_view import Pace
    from worker.executors.kubernetes.observer import Observer
    from worker.executors.kubernetes.stream import ApiStream
    from worker.executors.kubernetes.verdicts import Patience

    patience = Patience.within(settings.start_timeout_seconds)
    pace = Pace(listing=settings.retry_seconds)
    counts = ErrorCounts(open_queue_redis(settings))
    return Observer(
        lambda: ApiStream(settings.namespace, on_error=partial(counts.note_soon, CLUSTER_ERRORS)),
        installation=settings.installation,
        patience=patience,
        pace=pace,
    )


def _cluster_executor(settings: Settings, observer: Observer | None) -> Executor:
    # The client costs half a second and 15 MiB: only who needs it pays, and before the worker forks.
    from worker.executors.kubernetes.connection import Cluster, load_configuration
    from worker.executors.kubernetes.executor import KubernetesExecutor
    from worker.executors.kubernetes.manifest import Placement
    from worker.executors.kubernetes.template import load_template

    settings.require("namespace", "runtime_image")
    placement = Placement(
        namespace=settings.namespace,
        installation=settings.installation,
        runtime_image=settings.runtime_image,
        template=load_template(settings.pod_template, settings.agent_environment | settings.mcp_environment),
        start_timeout_seconds=settings.start_timeout_seconds,
        setup_cache_claim=settings.setup_cache_claim,
    )
    cluster = Cluster(
        namespace=settings.namespace,
        configuration=load_configuration(),
        on_error=partial(ErrorCounts(open_queue_redis(settings)).note, CLUSTER_ERRORS),
    )
    return KubernetesExecutor(cluster=cluster, placement=placement, observer=observer)


def _process_executor(settings: Settings) -> Executor:
    sandbox = {"auto": None, "required": True, "off": False}[settings.sandbox]
    # The embedded Redis lies there too: an agent that reached its socket could write tasks.
    hidden = (settings.state_dir.absolute(), *_archive_folder(settings))
    cache = settings.state_dir.absolute() / "setup-cache"
    setting = StepSetting(hidden=hidden, cache=cache, readable=(*settings.sandbox_readable, *_agent_files(settings)))
    return ProcessExecutor(
        directory=settings.state_dir / "runs", setting=setting, sandbox=sandbox, listing_seconds=LISTING_SECONDS
    )


def _archive_folder(settings: Settings) -> list[Path]:
    """Give the archive of logs, if it is a folder: other projects' logs are none of an agent's business."""
    if settings.log_folder is None:
        return []
    settings.log_folder.mkdir(parents=True, exist_ok=True)  # only what exists can be hidden
    return [settings.log_folder]


def _agent_files(settings: Settings) -> list[Path]:
    """List the files that the agent's command line names: the sandbox hides home directories, not the agent itself."""
    words = settings.agent_command if settings.agent == "command" else (settings.agent,)
    named = [Path(word) for word in words if Path(word).is_absolute() and Path(word).is_file()]
    program = shutil.which(words[0]) if words else None
    return named + (_program_files(Path(program)) if program else [])


def _program_files(program: Path) -> list[Path]:
    """List what a program needs of where it lies: itself, and from npm the packages around it and Node.js."""
    real = program.resolve()
    packages = [parent for parent in real.parents if parent.name == "node_modules"][-1:]
    node = shutil.which("node") if packages else None
    return [program, real, *packages, *([Path(node), Path(node).resolve()] if node else [])]
