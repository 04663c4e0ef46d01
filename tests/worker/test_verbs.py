"""The verbs that speak of earlier tasks (plan and approve, retry, status, logs), and flags within their bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from core import links
from core.reasons import Reason
from core.task import Mode, Phase, Place, Task
from simulators.gitlab.access import DEVELOPER, REPORTER
from simulators.gitlab.state.merge_requests import Branches
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker.steps.launch import launch
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def said(desk: Desk, town: Town, text: str) -> Task:
    """Take a comment of alice's in."""
    return await taken_in(desk, comment_trigger(town.say(text)))


async def planned(desk: Desk, town: Town, document: str = "1. Add it.\n2. Test it.") -> Task:
    """Have a plan made."""
    task = await said(desk, town, "/agent plan --model opus --timeout 10m the migration")
    return await moved(desk, task, Phase.LAUNCHING, Phase.WORKING, Phase.COMPLETED, document=document, summary="S")


def chosen(desk: Desk, **settings: object) -> Desk:
    """Give the desk with other settings."""
    return replace(desk, settings=desk.settings.model_copy(update=settings))


async def test_a_plan_is_queued_as_one(desk: Desk, town: Town) -> None:
    """Its mode says that nothing may be changed."""
    task = await said(desk, town, "/agent plan the migration")

    assert (task.phase, task.mode, task.prompt) == (Phase.QUEUED, Mode.PLAN, "the migration")


async def test_an_approval_carries_the_plan_out(desk: Desk, town: Town) -> None:
    """With the prompt, the plan and the choices of before."""
    plan = await planned(desk, town)

    task = await said(desk, town, "/agent approve")

    assert (task.phase, task.mode, task.parent_id) == (Phase.QUEUED, Mode.CHANGE, plan.id)
    assert (task.model, task.timeout_seconds) == ("opus", 600)
    carry_out = "Carry out this plan, which you wrote for it and which was approved:"
    assert task.prompt == f"the migration\n\n{carry_out}\n\n1. Add it.\n2. Test it."


async def test_a_plan_without_a_document_is_its_summary(desk: Desk, town: Town) -> None:
    """What the agent said at its end."""
    plan = await planned(desk, town, document="")

    assert (await said(desk, town, f"/agent approve {plan.id}")).prompt.endswith("approved:\n\nS")


async def test_a_plan_is_carried_out_once(desk: Desk, town: Town) -> None:
    """A second approval names the task that does it, until that one has failed."""
    await planned(desk, town)
    first = await said(desk, town, "/agent approve")

    second = await said(desk, town, "/agent approve")
    assert (second.reason, second.detail.split(":")[0]) == (
        Reason.COMMAND,
        f"Task {first.id} is carrying that plan out",
    )
    await moved(desk, first, Phase.FAILED, reason="agent")
    assert (await said(desk, town, "/agent approve")).phase is Phase.QUEUED


async def test_only_developers_approve(desk: Desk, town: Town) -> None:
    """Who may not push may not have it pushed."""
    await planned(desk, town)
    carol = town.world.add_user("carol")
    town.world.add_member(town.project, carol, REPORTER)

    task = await taken_in(desk, comment_trigger(town.say("/agent approve", author=carol)))

    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.NOT_ALLOWED)


async def test_nothing_to_approve(desk: Desk, town: Town) -> None:
    """No plan, one that is being written, one that failed, a task that is none: each has its sentence."""
    assert (await said(desk, town, "/agent approve")).detail.startswith("There is no plan here to approve")
    change = await said(desk, town, "/agent do it as it should be")
    assert (await said(desk, town, f"/agent approve {change.id}")).detail.startswith(f"Task {change.id} is no plan")
    plan = await said(desk, town, "/agent plan the migration")
    assert "is not finished" in (await said(desk, town, "/agent approve")).detail
    await moved(desk, plan, Phase.FAILED, reason="agent")
    assert "came to no plan" in (await said(desk, town, "/agent approve")).detail


async def test_a_retry_is_a_new_task_with_the_old_words(desk: Desk, town: Town) -> None:
    """Its choices are the old ones but for the flags of the retry."""
    old = await said(desk, town, "/agent --model opus --draft add it\n\n- here")
    await moved(desk, old, Phase.FAILED, reason="agent")

    task = await said(desk, town, "/agent retry --timeout 5m")

    assert (task.phase, task.parent_id, task.prompt) == (Phase.QUEUED, old.id, "add it\n\n- here")
    assert (task.model, task.draft, task.timeout_seconds, task.branch) == ("opus", True, 300, "main")
    assert task.unique_id != old.unique_id


async def test_nothing_to_retry(desk: Desk, town: Town) -> None:
    """Nothing yet, one that goes on, one that worked: but that one is done again by its number."""
    assert (await said(desk, town, "/agent retry")).detail.startswith("There is nothing here to do again")
    task = await said(desk, town, "/agent do it as it should be")
    assert "has not ended" in (await said(desk, town, "/agent retry")).detail
    await moved(desk, task, Phase.LAUNCHING, Phase.WORKING, Phase.COMPLETED)
    assert "did work" in (await said(desk, town, "/agent retry")).detail
    assert (await said(desk, town, f"/agent retry {task.id}")).phase is Phase.QUEUED


async def test_a_review_is_done_again(desk: Desk, town: Town) -> None:
    """It has no words of its own; the retry is a review too."""
    town.world.commit_files(town.project, files={"a.txt": "a"}, branch="feature")
    branches: Branches = {"source_branch": "feature", "target_branch": "main"}
    item = town.world.add_merge_request(town.project, author=town.alice, title="x", branches=branches)

    async def say(text: str) -> Task:
        """Comment on the merge request; give the task that came of it."""
        note = town.world.comment(item, author=town.alice, body=text)
        return await taken_in(desk, replace(comment_trigger(note), place=Place.MERGE_REQUEST))

    first = await say("/agent review")
    assert (first.phase, first.mode) == (Phase.QUEUED, Mode.REVIEW)
    await moved(desk, first, Phase.FAILED, reason="agent")

    again = await say("/agent retry")

    assert (again.phase, again.mode, again.parent_id) == (Phase.QUEUED, Mode.REVIEW, first.id)


@pytest.mark.parametrize("verb", ["approve", "retry", "status", "logs"])
async def test_another_items_task_is_spoken_of_there(desk: Desk, town: Town, verb: str) -> None:
    """Its readers may be others; a number that there is not is not there."""
    other = town.world.add_issue(town.project, author=town.alice, title="Another", description="")
    note = town.world.comment(other, author=town.alice, body="/agent do it as it should be")
    task = await taken_in(desk, comment_trigger(note))

    asked = await said(desk, town, f"/agent {verb} {task.id}")
    assert asked.detail == f"Task {task.id} was asked on issue #{other.iid}: ask for it there."
    assert (await said(desk, town, f"/agent {verb} 999")).detail.startswith("There is no task 999 in this project")


async def test_an_internal_task_is_not_shown_to_all(desk: Desk, town: Town) -> None:
    """Asked by an internal comment, its link is given in internal comments alone."""
    town.world.add_member(town.project, town.alice, DEVELOPER)
    await taken_in(desk, comment_trigger(town.say("/agent do it as it should be", internal=True)))

    assert (await said(desk, town, "/agent logs")).detail.startswith("There is no log here")
    inside = await taken_in(desk, comment_trigger(town.say("/agent logs", internal=True)))
    assert inside.answer.startswith("Here is the [log of task 1](")


async def test_logs_are_linked(desk: Desk, town: Town) -> None:
    """The reply holds the very address of the task's page."""
    task = await said(desk, town, "/agent do it as it should be")

    await report(desk, await said(desk, town, "/agent logs"))

    assert f"@alice Here is the [log of task {task.id}]({links.task_page(desk.settings, task)})." in town.bodies()[0]


async def test_the_status_has_tasks_queue_limits_and_money(desk: Desk, town: Town) -> None:
    """A table of what was asked here, why it waits, and what of each limit is used."""
    desk = chosen(
        desk, max_runs=1, max_tasks_per_hour=5, budget_usd=2.0, budget_usd_per_day_project=20.0, max_runs_per_person=1
    )
    first = await said(desk, town, "/agent do one thing as it should be")
    await launch(desk, first)
    await moved(desk, first, Phase.WORKING, Phase.COMPLETED, cost_usd=1.25, cost_told=True)
    second = await said(desk, town, "/agent do another thing as it should be")
    await launch(desk, second)
    third = await said(desk, town, "/agent plan --budget 1 a third thing")

    task = await said(desk, town, "/agent status")
    await report(desk, task)

    page = {item.id: links.task_page(desk.settings, item) for item in (first, second, third)}
    lines = task.answer.replace("\u2060", "").splitlines()
    assert f"| [3]({page[3]}) | plan | alice | waits, 1st in the queue: 1 run goes on in all, the limit here |" in lines
    assert any(line.startswith(f"| [2]({page[2]}) | change | alice | starting · for ") for line in lines)
    assert any(line.startswith(f"| [1]({page[1]}) | change | alice | completed") for line in lines)
    assert lines[lines.index("Limits:") + 2 :] == [
        "- runs at once in all: 1 of 1",
        "- runs at once for you: 1 of 1",
        "- tasks an hour for you: 3 of 5",
        "- spent today (UTC) in this project: $1.25 of $20.00, $2.00 reserved by runs",
        "- spent today (UTC) by you: $1.25",
        "- a task: at most $2.00 and 1 h",
    ]
    assert "waits, 1st in the queue" in town.bodies()[0]


async def test_a_status_of_nothing(desk: Desk, town: Town) -> None:
    """Nothing was asked for: the limits are said all the same."""
    assert (await said(desk, town, "/agent status")).answer.startswith("Nothing was asked for here yet.\n\nLimits:")


@dataclass(frozen=True, slots=True)
class Wish:
    """A flag that asks for more than there is, and the words of the refusal."""

    flag: str
    reason: Reason
    words: str


WISHES = {
    "agent": Wish("--agent codex", Reason.LIMIT, "the agent `codex` can't be chosen here, only `command`."),
    "image": Wish("--image evil:1", Reason.LIMIT, "the image `evil:1` may not be run here, only `good/*`."),
    "budget": Wish("--budget 6", Reason.LIMIT, "a task may cost at most $5.00 here: give a smaller `--budget`."),
    "timeout": Wish("--timeout 61m", Reason.LIMIT, "a task may take at most 1 h here: give a shorter `--timeout`."),
    "branch": Wish("--branch nowhere", Reason.BRANCH, "nowhere"),
    "target": Wish("--target nowhere", Reason.BRANCH, "nowhere"),
}


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
async def test_flags_are_bounded(desk: Desk, town: Town, wish: Wish) -> None:
    """Nothing is started, and the refusal says what may be asked for."""
    desk = chosen(desk, allowed_images=("good/*",), budget_usd=5.0)

    task = await said(desk, town, f"/agent {wish.flag} do it as it should be")

    assert (task.phase, task.reason) == (Phase.REJECTED, wish.reason)
    assert task.detail.endswith(wish.words)


async def test_flags_within_their_bounds_reach_the_run(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Each is in the order that the executor gets, or waits in the task for the merge request."""
    town.project.repository.set_branch("next", town.project.repository.branch_sha("main") or "")
    desk = chosen(desk, allowed_images=("good/*",), budget_usd=5.0, allowed_agents=("claude",))

    task = await said(
        desk, town, "/agent --image good/go:1 --budget 4 --timeout 30m --draft --agent claude --target next do it so"
    )
    await launch(desk, task)

    (request,) = executor.launched
    order = request.order
    assert (request.image, order.budget_usd, order.agent_timeout_seconds, order.agent) == (
        "good/go:1",
        4.0,
        1800,
        "claude",
    )
    after = await now(desk, task)
    assert (after.branch, after.target_branch, after.draft) == ("main", "next", True)
