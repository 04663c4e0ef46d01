"""A push token for each task: made at launch, gone at the end, however it ends; and what is done where none may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core.errors import ExecutorUnavailable, GitLabUnavailable
from core.reasons import Reason
from core.settings import Settings
from core.task import Phase, Task
from simulators.gitlab.access import DEVELOPER
from simulators.gitlab.records import Token
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker.steps.launch import launch
from worker.steps.report import report
from worker.task_tokens import sweep_tokens
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(town: Town, redis_url: str) -> Settings:
    """Give settings with a token for pushing."""
    return town.settings(redis_url, git_write_token="configured")


def tokens(town: Town) -> list[Token]:
    """List the project's tokens, the oldest first, revoked ones too."""
    return [token for token in town.world.tokens.values() if token.project_id == town.project.id]


def working(town: Town) -> list[str]:
    """List the names of those that still work."""
    return [token.name for token in tokens(town) if not token.revoked]


async def launched(desk: Desk, town: Town) -> Task:
    """Ask for something and launch it."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    await launch(desk, task)
    return await now(desk, task)


async def everything(desk: Desk) -> str:
    """Give what the ledger holds, as text; a bell holds a task's number alone."""
    held: list[object] = []
    for key in await desk.redis.keys("{ablehand}*"):
        readers: dict[str, Callable[[Any], Any]] = {
            "hash": desk.redis.hgetall,
            "set": desk.redis.smembers,
            "string": desk.redis.get,
            "stream": desk.redis.xrange,
        }
        reader = readers.get(str(await desk.redis.type(key)))
        held.append(await reader(key) if reader else await desk.redis.zrange(key, 0, -1))
    return str(held)


def allowing(desk: Desk, mode: str) -> Desk:
    """Give a desk with that much of tokens."""
    return replace(desk, settings=desk.settings.model_copy(update={"task_tokens": mode}))


async def test_a_run_pushes_with_a_token_of_its_own(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """It can push to its project as a Developer, and nothing else; Redis never holds it."""
    task = await launched(desk, town)

    (token,) = tokens(town)
    assert executor.launched[0].write_token == token.value
    assert (token.name, token.scopes, token.access_level) == (
        f"ablehand task {task.id}, attempt 1", frozenset({"write_repository"}), DEVELOPER,
    )  # fmt: skip
    assert token.expires_at < "2099"
    assert token.value not in await everything(desk)
    assert "/agent do it" not in await everything(desk)
    assert "do it" in await everything(desk)


@pytest.mark.parametrize("end", [Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED])
async def test_it_is_revoked_when_the_task_ends(desk: Desk, town: Town, end: Phase) -> None:
    """However it ends; once."""
    task = await launched(desk, town)
    await report(desk, task)
    assert len(working(town)) == 1

    await moved(desk, task, end)
    for _ in range(2):
        await report(desk, task)

    assert working(town) == []
    assert (await now(desk, task)).token_project_id == 0
    assert town.count("DELETE", f"/access_tokens/{tokens(town)[0].id}") == 1


async def test_a_gitlab_that_is_away_is_waited_for(desk: Desk, town: Town) -> None:
    """The task stays in the outbox until its token is revoked."""
    task = await moved(desk, await launched(desk, town), Phase.FAILED, reason=Reason.AGENT)
    town.server.faults.answer("DELETE", "/access_tokens/", status=502)

    with pytest.raises(GitLabUnavailable):
        await report(desk, task)
    assert len(town.bodies()) == 2  # people are told all the same
    await report(desk, task)

    assert working(town) == []
    assert len(town.bodies()) == 2


async def test_a_second_launch_leaves_the_first_token_alone(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """We died right behind the launch: the run that goes on has it. At the end both go."""
    town.server.faults.clear()
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    await launch(desk, task)
    again = replace(await now(desk, task), phase=Phase.LAUNCHING)
    await desk.redis.hset(f"{{ablehand}}:task:{task.id}", "phase", "launching")
    await launch(desk, again)

    first, second = executor.launched
    assert first.write_token != second.write_token
    assert [token.revoked for token in tokens(town)] == [False, False]
    await moved(desk, task, Phase.STARTING, Phase.FAILED, reason=Reason.AGENT)
    await report(desk, task)
    assert working(town) == []


async def test_a_launch_that_did_not_get_through_leaves_no_token(
    desk: Desk, town: Town, executor: HandExecutor
) -> None:
    """However often it is tried, for a cluster that is away all day: no run has it."""
    executor.refusal = ExecutorUnavailable("the cluster does not answer", Reason.CLUSTER)
    executor.gone.add("agent-1-a1")
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))

    for _ in range(3):
        with pytest.raises(ExecutorUnavailable):
            await launch(desk, await now(desk, task))

    assert len(tokens(town)) == 3
    assert len(working(town)) == 1


async def test_a_new_attempt_ends_the_old_ones_token(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Whatever is left of a lost run can push no more."""
    task = await launched(desk, town)
    await moved(desk, task, Phase.QUEUED, attempt=2)

    await launch(desk, await now(desk, task))

    assert working(town) == [f"ablehand task {task.id}, attempt 2"]
    assert executor.launched[1].write_token == tokens(town)[1].value


async def test_the_sweep_revokes_what_was_left(desk: Desk, town: Town) -> None:
    """Of tasks that ended or are gone; not of those that work, nor what others made."""
    ended, gone, works = [await launched(desk, town) for _ in range(3)]
    await moved(desk, ended, Phase.FAILED, reason=Reason.AGENT)
    assert await sweep_tokens(desk) == 0  # its report may be under way
    await desk.redis.hset(f"{{ablehand}}:task:{ended.id}", "ended_at", "1")
    await desk.redis.delete(f"{{ablehand}}:task:{gone.id}")
    for name in ("deploy", "other task 1, attempt 1", f"ablehand task {ended.id}, attempt x"):
        town.world.add_project_token(town.project, name, ["write_repository"], DEVELOPER)
    town.world.add_project_token(town.project, f"ablehand task {ended.id}, attempt 9", ["api"], DEVELOPER)

    assert await sweep_tokens(desk) == 2
    assert await sweep_tokens(desk) == 0

    assert f"ablehand task {works.id}, attempt 1" in working(town)
    assert len(working(town)) == 5


async def test_the_sweep_asks_only_where_there_may_be_some(desk: Desk, town: Town) -> None:
    """A project without tokens of ours is not asked again."""
    await report(desk, await moved(desk, await launched(desk, town), Phase.FAILED, reason=Reason.AGENT))
    await sweep_tokens(desk)
    asked = town.count("GET", "/access_tokens")

    await sweep_tokens(desk)
    await sweep_tokens(desk)

    assert town.count("GET", "/access_tokens") <= asked + 1


async def test_where_the_bot_may_make_none_the_configured_token_pushes(
    desk: Desk, town: Town, executor: HandExecutor
) -> None:
    """GitLab is not asked for each task again."""
    town.world.add_member(town.project, town.bot, DEVELOPER)

    for _ in range(2):
        await launched(desk, town)

    assert [request.write_token for request in executor.launched] == ["configured", "configured"]
    assert town.count("POST", "/access_tokens") == 1


async def test_where_one_is_required_there_is_no_run_without(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """People are told what is missing."""
    town.world.add_member(town.project, town.bot, DEVELOPER)

    task = await launched(allowing(desk, "required"), town)

    assert (task.phase, task.reason) == (Phase.REJECTED, Reason.CREDENTIALS)
    assert task.detail == "no token can be made for this project: create_token: 403 403 Forbidden"
    assert executor.launched == []


async def test_they_can_be_switched_off(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Then GitLab is not asked at all."""
    await launched(allowing(desk, "off"), town)

    assert executor.launched[0].write_token == "configured"
    assert town.count("POST", "/access_tokens") == 0


async def test_a_lost_answer_leaves_no_token_for_long(desk: Desk, town: Town) -> None:
    """Made, but nobody was told: it goes with the task."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    town.server.faults.drop_answer("POST", "/access_tokens$")
    with pytest.raises(GitLabUnavailable):
        await launch(desk, task)
    await launch(desk, await now(desk, task))
    assert len(working(town)) == 2

    await moved(desk, task, Phase.COMPLETED)
    await report(desk, task)

    assert working(town) == []
