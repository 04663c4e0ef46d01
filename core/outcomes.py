"""What became of the tasks and of our merge requests: kept by day and project in sums, longer than the tasks are.

A task counts for the day on which it ended, and so does what it cost; a merge request for the day on which we opened
it, and moves there from opened to merged or closed, whenever that happens. Days are UTC's. Written by the scripts
(`core/lua/counts.lua`, `core/lua/merge_request.lua`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import StoreError
from core.limits import DAY_SECONDS
from core.scripts import PREFIX, SCRIPTS
from core.task import FINAL_PHASES

MERGE_REQUEST_STATES: Final = ("merged", "opened", "closed")
"""As GitLab calls them; *locked* lasts for as long as a merge takes, and is nothing to keep."""
STEP: Final = 1.1
"""From one class of times to the next, as the scripts have it: a median is known to within five per cent."""
_AFTER: Final = "after:"
_FAILED: Final = "failed:"


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted, of one project or day or of all. Names are as the scripts write them."""

    numbers: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def count(self, what: str) -> int:
        """Give how many tasks ended as a final phase, or how many merge requests are in a state now."""
        return round(self.numbers.get(what, 0))

    @property
    def tasks(self) -> int:
        """How many tasks ended."""
        return sum(self.count(phase) for phase in FINAL_PHASES)

    @property
    def merge_requests(self) -> int:
        """How many merge requests were opened."""
        return sum(self.count(state) for state in MERGE_REQUEST_STATES)

    @property
    def usd(self) -> float:
        """What it all cost."""
        return self.numbers.get("usd", 0.0)

    @property
    def usd_per_merged(self) -> float | None:
        """What one merged request cost, with all that led to none; None where nothing was merged."""
        return self.usd / self.count("merged") if self.count("merged") else None

    @property
    def median_seconds(self) -> float | None:
        """From the request to its merge request, the median; None where none was opened."""
        times = sorted(self._times())
        return STEP ** (times[(len(times) - 1) // 2] + 0.5) if times else None

    @property
    def failures(self) -> list[tuple[str, int]]:
        """Why tasks failed, and how many each, the most frequent first."""
        found = {name.removeprefix(_FAILED): self.count(name) for name in self.numbers if name.startswith(_FAILED)}
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))

    def _times(self) -> Iterable[int]:
        for name, number in self.numbers.items():
            if name.startswith(_AFTER):
                yield from [int(name.removeprefix(_AFTER))] * round(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of things in some days: in all, day by day (the oldest first), and by the projects' ids."""

    total: Sums
    days: dict[date, Sums]
    projects: dict[int, Sums]


class Outcomes:
    """The sums of one ledger."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._record = redis.register_script(SCRIPTS["merge_request"])

    async def record(self, project_id: int, iid: int, state: str, moment: str) -> bool:
        """Note that GitLab shows a merge request in *state* since *moment*; answer whether that is news of one of ours.

        May be told twice, late and in any order; of merge requests that are not ours, nothing is kept.
        """
        seen = seconds_of(moment)
        if state not in MERGE_REQUEST_STATES or not seen:
            return False
        return bool(await _tried(self._record(keys=[PREFIX], args=[project_id, iid, state, seen])))

    async def report(self, days: int, projects: frozenset[int] | None) -> Report:
        """Sum up today and the days before it, *days* in all, of the given *projects*; None: of all."""
        today = int((await _tried(self._redis.time()))[0]) // DAY_SECONDS
        wanted = None if projects is None else frozenset(map(str, projects))
        by_day: dict[date, Sums] = {}
        by_project: defaultdict[str, Sums] = defaultdict(Sums)
        for number in range(today - days + 1, today + 1):
            # A day at a time, so that others get their turn: of hundreds of projects it is some thousand figures.
            record = await _tried(self._redis.hgetall(f"{PREFIX}:outcomes:{number}"))
            by_day[_day(number)] = _add(record, by_project, wanted)
        total = Sums()
        for sums in by_day.values():
            for what, amount in sums.numbers.items():
                total.numbers[what] += amount
        return Report(total=total, days=by_day, projects={int(name): sums for name, sums in by_project.items()})

    async def paths(self) -> dict[int, str]:
        """Give the full path of every project that something was asked for in, as it was then."""
        found = await _tried(self._redis.hgetall(f"{PREFIX}:paths"))
        return {int(project): str(path) for project, path in found.items()}


def seconds_of(moment: str) -> float:
    """Read a time as GitLab's API or its hooks spell it; 0 where it is none."""
    try:
        read = datetime.fromisoformat(moment.replace(" UTC", "+00:00"))
    except ValueError:
        return 0.0
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _add(record: Mapping[str, str], by_project: defaultdict[str, Sums], wanted: frozenset[str] | None) -> Sums:
    """Add a day's figures to the projects'; give the day's own sums."""
    day = Sums()
    for name, number in record.items():
        project, _, what = name.partition(" ")
        if wanted is None or project in wanted:
            amount = float(number)
            day.numbers[what] += amount
            by_project[project].numbers[what] += amount
    return day


def _day(number: int) -> date:
    return datetime.fromtimestamp(number * DAY_SECONDS, UTC).date()


async def _tried(command: Awaitable[Any]) -> Any:
    try:
        return await command
    except (RedisError, OSError) as error:
        raise StoreError(f"Redis did not sum up: {type(error).__name__}: {error}") from error
