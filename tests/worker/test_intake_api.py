"""What form and API ask for: nothing on GitLab to read it from, but the same rules for who asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.reasons import Reason
from core.task import Phase, Place, Source, Task, Trigger
from core.task_list import TaskList, Wanted
from simulators.gitlab.access import REPORTER
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import bells, comment_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker.steps.finish import finish
from worker.steps.intake import intake
from worker.steps.launch import launch
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def asked(desk: Desk, town: Town, **fields: Any) -> Task:
    """Accept what Alice asked the bot for, and let intake judge it."""
    trigger = Trigger(
        source=Source.API, place=Place.NOWHERE, project_id=town.project.id, iid=0, event_id=0, happened_at="unique"
    )
    told: dict[str, Any] = {
        "prompt": "Add a /health endpoint", "requester_id": town.alice.id, "requester_username": "alice",
        "requester_name": "Alice Doe", **fields,
    }  # fmt: skip
    _, task_id = await desk.store.accept(trigger, **told)
    await intake(desk, await now(desk, task_id))
    return await now(desk, task_id)


async def test_what_was_asked_by_form_is_queued(desk: Desk, town: Town) -> None:
    """With the project as GitLab has it now; nothing is written anywhere."""
    task = await asked(desk, town, model="opus")

    fields = ("phase", "prompt", "repository", "branch", "visibility", "title", "requester_username", "agent", "model")
    assert {name: getattr(task, name) for name in fields} == {
        "phase": Phase.QUEUED, "prompt": "Add a /health endpoint", "repository": "shop/web", "branch": "main",
        "visibility": "private", "title": "", "requester_username": "alice", "agent": "command", "model": "opus",
    }  # fmt: skip
    assert sorted(await bells(desk.redis)) == ["launch 1", "report 1"]
    assert town.bodies() == []


async def test_who_asks_by_form_has_to_be_a_developer(desk: Desk, town: Town) -> None:
    """The bot's user is asked once more: the page's own check may be five minutes old."""
    town.world.add_member(town.project, town.alice, REPORTER)

    task = await asked(desk, town)

    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.NOT_ALLOWED)
    assert town.bodies() == []


async def test_a_branch_that_is_gone_is_refused(desk: Desk, town: Town) -> None:
    """With its name."""
    task = await asked(desk, town, branch="gone")

    assert (task.reason, task.detail) == (Reason.BRANCH, "gone")


async def test_it_is_worked_on_to_its_merge_request(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """The agent is told the request and nothing else; the merge request says that it was asked on the web page."""
    task = await asked(desk, town)
    await launch(desk, task)
    await report(desk, await now(desk, task))
    order = executor.launched[0].order
    branch = order.push_branch
    commit = town.world.commit_files(town.project, files={"health": "ok"}, branch=branch, author=town.bot)
    pushed = await moved(desk, task, Phase.FINISHING, commit=commit, result_branch=branch)

    await finish(desk, pushed)
    done = await now(desk, task)
    await report(desk, done)

    assert branch == f"agent/task-{task.unique_id[:8]}"
    assert order.prompt.endswith("The request:\n\nAdd a /health endpoint")
    assert order.context == {}
    [request] = town.world.merge_requests(town.project)
    assert (done.phase, request.title) == (Phase.COMPLETED, "Add a /health endpoint")
    assert "Asked for by @alice in the web page" in request.description
    assert "Closes" not in request.description
    assert town.bodies() == []
    assert (await desk.store.due())[1] == []


async def errand(desk: Desk, verb: str, task: Task) -> Task:
    """Accept what Alice asks the bot to have done to *task*, and let intake do it."""
    trigger = replace(task.trigger, source=Source.API, event_id=0, happened_at=f"{verb} {task.id}")
    told: dict[str, Any] = {
        "requester_id": task.requester_id, "requester_username": "alice", "verb": verb, "parent_id": task.id,
    }  # fmt: skip
    _, task_id = await desk.store.accept(trigger, **told)
    await intake(desk, await now(desk, task_id))
    return await now(desk, task_id)


async def test_a_cancel_ends_a_task_wherever_it_is(desk: Desk, town: Town) -> None:
    """One that waits, and one that nobody has taken in yet; the errand itself is in no list."""
    waiting = await asked(desk, town)
    fresh = await now(desk, (await desk.store.accept(replace(waiting.trigger, happened_at="another")))[1])
    fresh = replace(fresh, requester_id=town.alice.id)

    done = [await errand(desk, "cancel", task) for task in (waiting, fresh)]

    assert [(await now(desk, task)).phase for task in (waiting, fresh)] == [Phase.CANCELLED, Phase.CANCELLED]
    assert (await now(desk, waiting)).cancelled_by == "alice"
    assert {task.phase for task in done} == {Phase.REJECTED}
    listed = await TaskList(desk.redis).page(Wanted())
    assert [task.id for task in listed.tasks] == [fresh.id, waiting.id]


async def test_who_lost_their_role_cancels_nothing(desk: Desk, town: Town) -> None:
    """The page's own check may be five minutes old."""
    task = await asked(desk, town)
    town.world.add_member(town.project, town.alice, REPORTER)

    refused = await errand(desk, "cancel", task)

    assert (refused.reason, (await now(desk, task)).phase) == (Reason.NOT_ALLOWED, Phase.QUEUED)


async def test_a_retry_does_the_same_again(desk: Desk, town: Town) -> None:
    """As a task of its own that names the first."""
    first = await asked(desk, town, model="opus")
    await moved(desk, first, Phase.FAILED, reason=Reason.TIMEOUT.value)

    again = await errand(desk, "retry", first)

    assert (again.phase, again.prompt, again.model, again.parent_id) == (Phase.QUEUED, first.prompt, "opus", first.id)
    assert again.unique_id != first.unique_id


async def test_a_retry_of_an_issues_task_is_on_that_issue(desk: Desk, town: Town) -> None:
    """Where the first was asked people see the second."""
    first = await taken_in(desk, comment_trigger(town.say("/agent add it")))
    await moved(desk, first, Phase.FAILED, reason=Reason.TIMEOUT.value)

    again = await errand(desk, "retry", first)
    await report(desk, again)

    assert (again.phase, again.prompt, again.title) == (Phase.QUEUED, "add it", "A health check")
    assert len(town.bodies()) == 1
