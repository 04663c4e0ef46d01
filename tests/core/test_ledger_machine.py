"""The ledger against a model of it: whatever is asked, started, ended and tried again, in whatever order.

No limit is ever passed, what is reserved is what the runs may spend, and nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from core.limits import Limits
from core.store import TaskStore
from core.task import HOLDS_SLOT, Phase, Source, Task, Trigger

LIMITS = Limits(all=5, project=3, person=4, project_usd=15, person_usd=20)
PROJECTS, PEOPLE = (5, 6), (1, 2)
NEXT = {
    Phase.LAUNCHING: Phase.STARTING,
    Phase.STARTING: Phase.PREPARING,
    Phase.PREPARING: Phase.WORKING,
    Phase.WORKING: Phase.FINISHING,
}
CENTS = 100
T = TypeVar("T")


@dataclass
class Known:
    """What the model knows of a task. Money in cents, as sums of floats are not exact."""

    project: int
    person: int
    budget: int
    phase: Phase = Phase.QUEUED
    worked: bool = False

    @property
    def runs(self) -> bool:
        """Whether it holds a slot."""
        return self.phase in HOLDS_SLOT


class LedgerMachine(RuleBasedStateMachine):
    """Plays people, the launch step and the reconciler."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.Runner()
        self._redis = Redis.from_url(self.url, decode_responses=True)
        self._do(self._redis.flushall())
        self.store = TaskStore(self._redis, host="gitlab.example")
        self.tasks: dict[int, Known] = {}
        self.spent: dict[tuple[str, int], int] = {}

    def teardown(self) -> None:
        """Close the connection."""
        self._do(self._redis.aclose())
        self._loop.close()

    @rule(
        project=st.sampled_from(PROJECTS),
        person=st.sampled_from(PEOPLE),
        budget=st.sampled_from([0, 100, 400, 700, 900]),
    )
    def ask(self, project: int, person: int, budget: int) -> None:
        """Ask for a task, which is taken in."""
        trigger = Trigger(source=Source.COMMENT, project_id=project, iid=1, event_id=len(self.tasks) + 1)
        _, task_id = self._do(self.store.accept(trigger))
        fields: dict[str, Any] = {"requester_id": person, "budget_usd": budget / CENTS}
        assert self._do(self.store.change(self._read(task_id), Phase.QUEUED, deadline_seconds=60, **fields))
        self.tasks[task_id] = Known(project, person, budget)

    @rule()
    def admit(self) -> None:
        """Give a slot: to one that may have it, and to none only where none may."""
        task = self._do(self.store.admit(LIMITS, deadline_seconds=60))
        if task is None:
            assert not [task_id for task_id in self.tasks if self._may_start(task_id)]
        elif task.phase is Phase.QUEUED:
            known = self.tasks[task.id]
            assert any(self.spent.get(owner, 0) + known.budget > most for owner, most in _money(known))
            self._end(task.id, Phase.REJECTED, {"reason": "limit"}, 0)
        else:
            assert self._has_room(self.tasks[task.id])
            self.tasks[task.id].phase = task.phase

    @precondition(lambda self: any(known.phase in NEXT for known in self.tasks.values()))
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """Let a run get further."""
        task_id = data.draw(st.sampled_from([key for key, known in self.tasks.items() if known.phase in NEXT]))
        known = self.tasks[task_id]
        known.phase = NEXT[known.phase]
        known.worked = known.worked or known.phase is Phase.WORKING
        assert self._do(self.store.change(self._read(task_id), known.phase, deadline_seconds=60))

    @precondition(lambda self: any(not known.phase.is_final for known in self.tasks.values()))
    @rule(data=st.data(), phase=st.sampled_from([Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED]))
    def end(self, data: st.DataObject, phase: Phase) -> None:
        """End a task, its cost told or not, or cancel it wherever it is."""
        live = [key for key, known in self.tasks.items() if not known.phase.is_final]
        task_id = data.draw(st.sampled_from(live))
        known = self.tasks[task_id]
        cost = data.draw(st.none() | st.integers(0, known.budget))
        fields = {} if cost is None else {"cost_usd": cost / CENTS, "cost_told": True}
        unknown = known.budget if known.worked else 0
        self._end(task_id, phase, fields, (unknown if cost is None else cost) if known.runs else 0)

    @precondition(lambda self: any(known.phase is Phase.FINISHING for known in self.tasks.values()))
    @rule(data=st.data())
    def try_again(self, data: st.DataObject) -> None:
        """Queue again what the cluster lost, at a cost that nobody knows."""
        lost = [key for key, known in self.tasks.items() if known.phase is Phase.FINISHING]
        task_id = data.draw(st.sampled_from(lost))
        known = self.tasks[task_id]
        self._charge(known, known.budget)
        known.phase, known.worked = Phase.QUEUED, False
        assert self._do(self.store.change(self._read(task_id), Phase.QUEUED, deadline_seconds=60))

    @invariant()
    def no_limit_is_passed(self) -> None:
        """Hold runs and money within their limits, by the ledger's own account."""
        assert self._do(self.store.slots_taken()) <= LIMITS.all
        for project in PROJECTS:
            used = self._do(self.store.usage.of_project(project))
            assert used.runs <= LIMITS.project
            assert used.spent_usd + used.reserved_usd <= LIMITS.project_usd + 0.001
            assert self._told(used) == self._expected("project", project)
        for person in PEOPLE:
            used = self._do(self.store.usage.of_person(person))
            assert used.runs <= LIMITS.person
            assert used.spent_usd + used.reserved_usd <= LIMITS.person_usd + 0.001
            assert self._told(used) == self._expected("person", person)

    @invariant()
    def nothing_is_lost(self) -> None:
        """Find every task where the model has it, with a deadline until it is final."""
        found = self._do(self.store.get_all(list(self.tasks)))
        assert {key: task.phase for key, task in found.items()} == {key: it.phase for key, it in self.tasks.items()}
        live = {key for key, known in self.tasks.items() if not known.phase.is_final}
        assert set(self._do(self.store.live())) == live
        waiting = {key for key, known in self.tasks.items() if known.phase is Phase.QUEUED}
        assert set(self._do(self.store.queued())) == waiting

    def _do(self, what: Awaitable[T]) -> T:
        async def wait() -> T:
            return await what

        return self._loop.run(wait())

    def _read(self, task_id: int) -> Task:
        task = self._do(self.store.get(task_id))
        assert task is not None
        return task

    def _end(self, task_id: int, phase: Phase, fields: dict[str, Any], cost: int) -> None:
        assert self._do(self.store.change(self._read(task_id), phase, **fields))
        known = self.tasks[task_id]
        self._charge(known, cost)
        known.phase = phase

    def _charge(self, known: Known, cost: int) -> None:
        for owner, _ in _money(known):
            self.spent[owner] = self.spent.get(owner, 0) + cost

    def _has_room(self, known: Known) -> bool:
        runs = [other for other in self.tasks.values() if other.runs]
        return (
            len(runs) < LIMITS.all
            and sum(other.project == known.project for other in runs) < LIMITS.project
            and sum(other.person == known.person for other in runs) < LIMITS.person
            and all(self.spent.get(who, 0) + self._reserved(who) + known.budget <= most for who, most in _money(known))
        )

    def _may_start(self, task_id: int) -> bool:
        """Whether it waits for nothing: nor behind one that waits for the same money."""
        known = self.tasks[task_id]
        if known.phase is not Phase.QUEUED or not self._has_room(known):
            return False
        others = [it for other, it in self.tasks.items() if other < task_id and it.phase is Phase.QUEUED]
        return not any(self._waits_for_money(other, known) for other in others)

    def _waits_for_money(self, other: Known, known: Known) -> bool:
        shared = {owner for owner, _ in _money(known)}
        return any(
            owner in shared and self.spent.get(owner, 0) + self._reserved(owner) + other.budget > most
            for owner, most in _money(other)
        )

    def _reserved(self, owner: tuple[str, int]) -> int:
        who, number = owner
        return sum(it.budget for it in self.tasks.values() if it.runs and getattr(it, who) == number)

    def _expected(self, who: str, number: int) -> tuple[int, int, int]:
        runs = sum(it.runs and getattr(it, who) == number for it in self.tasks.values())
        return runs, self.spent.get((who, number), 0), self._reserved((who, number))

    @staticmethod
    def _told(used: Any) -> tuple[int, int, int]:
        return used.runs, round(used.spent_usd * CENTS), round(used.reserved_usd * CENTS)


def _money(known: Known) -> list[tuple[tuple[str, int], int]]:
    return [
        (("project", known.project), round(LIMITS.project_usd * CENTS)),
        (("person", known.person), round(LIMITS.person_usd * CENTS)),
    ]


def test_the_ledger_keeps_its_promises(redis_url: str) -> None:
    """In whatever order tasks are asked for, started, ended, cancelled and tried again."""
    LedgerMachine.url = redis_url
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
