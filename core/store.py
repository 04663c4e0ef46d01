"""The ledger: every task, its deadline, its slot, and what people have not been told yet, in Redis.

A task changes by one Lua compare-and-set only (`TaskStore.change`), and gets a slot by another (`TaskStore.admit`).
Every write may be sent twice: redis-py repeats a command after a timeout, so each carries an operation id. Times are
Redis's own. All errors of Redis come out as `StoreError`.

Used by every room: the bot accepts triggers and reads, the steps and the reconciler change.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from core import record
from core.crash import point
from core.errors import Fenced, StoreError
from core.item_tasks import ITEM_TASKS, ItemTasks, item_name
from core.limits import Limits, Usage
from core.reasons import UNLISTED_REASONS
from core.scripts import PREFIX, SCRIPTS
from core.task import Phase, Task, Trigger

DELIVERY_TTL_SECONDS: Final = 7 * 86_400
TRIGGER_TTL_SECONDS: Final = 60 * 86_400
THREAD_SECONDS: Final = 3600
READ_AT_ONCE: Final = 500
"""Tasks in one answer, so that no answer is large."""
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class TaskStore:
    """The ledger over one Redis connection pool. Not bound to an event loop until first used."""

    def __init__(
        self, redis: Redis, *, retention_seconds: int = 30 * 86_400, retry_seconds: float = 10, host: str = ""
    ) -> None:
        self.redis = redis
        self._retry = retry_seconds
        self._retention = retention_seconds
        self._host = host
        self._scripts = {name: redis.register_script(text) for name, text in SCRIPTS.items()}
        self.usage = Usage(self)
        self.items = ItemTasks(self)

    async def accept(self, trigger: Trigger, *, delivery: str = "", **fields: Any) -> tuple[bool, int]:
        """Remember *trigger* as a received task, once; answer whether it is new, and the task's id.

        *delivery* is the Idempotency-Key, empty for what the sweep found. The id is 0 where a known delivery's task is
        long gone. *fields* are the task's where GitLab can't be asked for them: the form's and the API's.
        """
        with point("store.accept"):
            [(new, task_id)] = await self.attempt(self._accept_all([(trigger, delivery)], fields))
        return bool(new), int(task_id)

    async def accept_all(self, told: Sequence[tuple[Trigger, str]]) -> list[tuple[bool, int]]:
        """Accept several triggers, each with its delivery's id, in one go; the answers in their order.

        Raises:
            StoreError: Redis did not take them all; what it took is known when it is told again.
        """
        with point("store.accept"):
            answers = await self.attempt(self._accept_all(told))
        return [(bool(new), int(task_id)) for new, task_id in answers]

    async def _accept_all(self, told: Sequence[tuple[Trigger, str]], fields: Mapping[str, Any] = _NONE) -> list[Any]:
        script = self._scripts["accept"]
        while True:
            pipeline = self.redis.pipeline(transaction=False)
            for trigger, delivery in told:
                pipeline.evalsha(script.sha, 1, PREFIX, *self._acceptance(trigger, delivery, fields))
            try:
                return await pipeline.execute()
            except NoScriptError:
                await self.redis.script_load(script.script)

    def _acceptance(self, trigger: Trigger, delivery: str, fields: Mapping[str, Any]) -> tuple[str | float, ...]:
        about = record.encode({"trigger": trigger})["trigger"]
        further = json.dumps(record.encode(fields)) if fields else ""
        return (
            delivery, trigger.key, self.unique_id(trigger), further, about,
            self._retry, DELIVERY_TTL_SECONDS, TRIGGER_TTL_SECONDS, trigger.project_id, item_name(trigger), ITEM_TASKS,
        )  # fmt: skip

    def unique_id(self, trigger: Trigger) -> str:
        """Name what *trigger* brings about: the same in every ledger of this GitLab."""
        digest = hashlib.sha256(f"{self._host}|{trigger.key}".encode()).digest()
        return base64.b32encode(digest)[:16].decode().lower()

    async def claim(self, key: str, task_id: int) -> int:
        """Bind a further semantic id to *task_id* unless a task has it already; answer the id of the task that has."""
        name = f"{PREFIX}:trigger:{key}"
        with point("store.claim"):
            await self.attempt(self.redis.set(name, task_id, nx=True, ex=TRIGGER_TTL_SECONDS))
        return int(await self.attempt(self.redis.get(name)) or task_id)

    async def claimed(self, key: str) -> int:
        """Give the id of the task that `claim` bound *key* to; 0 where there is none."""
        return int(await self.attempt(self.redis.get(f"{PREFIX}:trigger:{key}")) or 0)

    async def enter_thread(self, thread: str, task_id: int, *, limit: int) -> tuple[bool, bool, int]:
        """Count a task among the *limit* that *thread* may have in an hour; the same task as often as one likes.

        Answers whether it has a place; if not, whether it is the one to say so (once an hour), and in how many seconds
        there is a place again.
        """
        with point("store.enter_thread"):
            verdict, seconds = await self.run("thread", thread, task_id, limit, THREAD_SECONDS)
        return verdict == 0, verdict == 1, int(seconds)

    async def get(self, task_id: int) -> Task | None:
        """Read a task; None where there is none (any more)."""
        found = await self.attempt(self.redis.hgetall(f"{PREFIX}:task:{task_id}"))
        return record.decode(found) if found.get("phase") else None

    async def get_all(self, task_ids: Sequence[int]) -> dict[int, Task]:
        """Read several tasks in few round trips, by their ids; those that are gone are missing."""
        found: dict[int, Task] = {}
        for start in range(0, len(task_ids), READ_AT_ONCE):
            some = task_ids[start : start + READ_AT_ONCE]
            pipeline = self.redis.pipeline(transaction=False)
            for task_id in some:
                pipeline.hgetall(f"{PREFIX}:task:{task_id}")
            records = zip(some, await self.attempt(pipeline.execute()), strict=True)
            found |= {task_id: record.decode(item) for task_id, item in records if item.get("phase")}
        return found

    async def change(
        self,
        task: Task,
        to: Phase | None = None,
        *,
        deadline_seconds: float = 0,
        tell_after: float | None = 0,
        fence: int = 0,
        **fields: Any,
    ) -> Task | None:
        """Move *task* from the phase it was read in to *to* (None: stay there), with *fields*, all or nothing.

        *deadline_seconds* is when the reconciler looks again unless the task has moved on; *tell_after* when people
        are told of it (None: nothing to tell). Answers the changed task, or None where somebody was faster.

        Raises:
            Fenced: *fence* is older than the present leader's.
        """
        target = to or task.phase
        item = item_name(fields.get("trigger", task.trigger))
        leaves = fields.get("reason") in UNLISTED_REASONS
        with point(f"store.{target}" if to else "store.update"):
            done, _phase = await self.run(
                "change", task.id, task.phase, to or "", deadline_seconds, json.dumps(record.encode(fields)),
                "" if tell_after is None else tell_after, uuid.uuid4().hex, fence, self._retention, item, int(leaves),
                TRIGGER_TTL_SECONDS,
            )  # fmt: skip
        if done < 0:
            raise Fenced(f"task {task.id}: a younger leader than {fence} has written")
        return await self.get(task.id) if done else None

    async def admit(self, limits: Limits, *, deadline_seconds: float) -> Task | None:
        """Give the next queued task a slot and move it to launching; None where none may start now.

        One that comes back queued has no slot and has to be refused: it costs more than is left of today's money.
        """
        with point("store.launching"):
            task_id = await self.run(
                "admit", limits.all, limits.project, limits.person, deadline_seconds, uuid.uuid4().hex,
                limits.project_usd, limits.person_usd,
            )  # fmt: skip
        return await self.get(int(task_id)) if task_id else None

    async def told(self, task: Task) -> bool:
        """Note that people see *task* as it was read; False where it has changed since and must be told again."""
        with point("store.told"):
            return bool(await self.run("told", task.id, task.version))

    async def claim_write(self, task: Task, *, per_minute: int, pause_seconds: float = 0) -> float:
        """Count one write on GitLab and answer 0, or how many seconds to wait before asking again.

        *per_minute* is how many there may be in any minute, of all tasks together; who asks with more comes first.
        *pause_seconds* is the least time since this task's last write that had a pause too.
        """
        return float(await self.run("write", task.id, per_minute, pause_seconds, uuid.uuid4().hex))

    async def due(self, limit: int = 100) -> tuple[list[int], list[int]]:
        """List the tasks whose deadline has passed, and those of which people are to be told now."""
        overdue, untold = await self.run("due", limit)
        return [int(member) for member in overdue], [int(member) for member in untold]

    async def postpone(self, kind: str, task_id: int, seconds: float) -> None:
        """Look at an entry of "deadlines" or "outbox" again in *seconds*, if it is still there."""
        now = await self.now()
        await self.attempt(self.redis.zadd(f"{PREFIX}:{kind}", {str(task_id): now + seconds}, xx=True))

    async def put_off(self, task_id: int, seconds: float) -> bool:
        """Look at an overdue task again in *seconds*; False where it has got another deadline since it was listed."""
        entry = {str(task_id): await self.now() + seconds}
        return bool(await self.attempt(self.redis.zadd(f"{PREFIX}:deadlines", entry, xx=True, gt=True, ch=True)))

    async def drop(self, kind: str, task_id: int) -> None:
        """Forget an entry of "deadlines" or "outbox" whose task is gone or final."""
        await self.attempt(self.redis.zrem(f"{PREFIX}:{kind}", str(task_id)))

    async def slots_taken(self) -> int:
        """Count the runs that hold a slot."""
        return int(await self.attempt(self.redis.scard(f"{PREFIX}:slots")))

    async def live(self) -> list[int]:
        """List every task that is not final."""
        return [int(member) for member in await self.attempt(self.redis.zrange(f"{PREFIX}:deadlines", 0, -1))]

    async def queued(self) -> list[int]:
        """List the tasks that wait for a slot, the oldest first."""
        return [int(member) for member in await self.attempt(self.redis.zrange(f"{PREFIX}:queue", 0, -1))]

    async def latest(self, count: int = 50) -> list[Task]:
        """Read the youngest tasks, youngest first, without those that were no work."""
        members = await self.attempt(self.redis.zrevrange(f"{PREFIX}:tasks", 0, count - 1))
        tasks = await self.get_all([int(member) for member in members])
        return [task for task in tasks.values() if task.reason not in UNLISTED_REASONS]

    async def count_failure(self, task_id: int, step: str) -> int:
        """Count a failed try of a step on a task; answer how many there were in a row."""
        key = f"{PREFIX}:failures:{task_id}:{step}"
        count = await self.attempt(self.redis.incr(key))
        await self.attempt(self.redis.expire(key, 86_400))
        return int(count)

    async def forget_failures(self, task_id: int, step: str) -> None:
        """Start counting anew: the step got through."""
        await self.attempt(self.redis.delete(f"{PREFIX}:failures:{task_id}:{step}"))

    async def lead(self, holder: str, *, milliseconds: int, fence: int) -> int:
        """Take or keep the leader's lease; answer the fencing number, 0 while another leads."""
        return int(await self.run("lead", holder, milliseconds, fence))

    async def resign(self, holder: str) -> None:
        """Give the lease back, so that a standby need not wait for its end."""
        if await self.attempt(self.redis.get(f"{PREFIX}:lease")) == holder:
            await self.attempt(self.redis.delete(f"{PREFIX}:lease"))

    async def now(self) -> float:
        """Give Redis's time in Unix seconds."""
        seconds, microseconds = await self.attempt(self.redis.time())
        return float(seconds) + float(microseconds) / 1_000_000

    async def remember(self, name: str, value: str) -> None:
        """Keep one small value of a process's own (the sweep's last time)."""
        await self.attempt(self.redis.set(f"{PREFIX}:memory:{name}", value))

    async def recall(self, name: str) -> str:
        """Read what `remember` kept; empty where nothing was."""
        return await self.attempt(self.redis.get(f"{PREFIX}:memory:{name}")) or ""

    async def run(self, script: str, *arguments: str | float) -> Any:
        """Run one of our Lua scripts."""
        return await self.attempt(self._scripts[script](keys=[PREFIX], args=list(arguments)))

    async def attempt(self, command: Awaitable[Any]) -> Any:
        """Await one command of Redis's.

        Raises:
            StoreError: It did not take it.
        """
        try:
            return await command
        except (RedisError, OSError) as error:
            raise StoreError(f"Redis did not take it: {type(error).__name__}: {error}") from error
