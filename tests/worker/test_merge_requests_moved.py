"""What became of merge requests without a hook to tell it."""

from __future__ import annotations

import pytest

from core.outcomes import Outcomes
from core.task import Phase
from simulators.gitlab.records import MergeRequest
from simulators.gitlab.state.merge_requests import Branches
from tests.worker.ledger import comment_trigger, moved, taken_in
from tests.worker.town import Town
from worker.reconciler.merge_requests import follow_merge_requests
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


async def opened(desk: Desk, town: Town) -> MergeRequest:
    """Play a task to a merge request."""
    town.world.commit_files(town.project, files={"health": "ok"}, branch="agent/1-abc")
    branches: Branches = {"source_branch": "agent/1-abc", "target_branch": "main"}
    request = town.world.add_merge_request(town.project, author=town.bot, title="A health check", branches=branches)
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
    await moved(desk, task, Phase.LAUNCHING, Phase.FINISHING, Phase.COMPLETED, merge_request_iid=request.iid)
    return request


async def state(desk: Desk) -> dict[str, int]:
    """Count the merge requests by what became of them."""
    total = (await Outcomes(desk.redis).report(7, None)).total
    return {name: total.count(name) for name in ("opened", "merged", "closed") if total.count(name)}


async def test_what_no_hook_told_is_found(desk: Desk, town: Town) -> None:
    """Merged by a person while our hook was off; looking again changes nothing."""
    request = await opened(desk, town)
    assert (await follow_merge_requests(desk), await state(desk)) == (0, {"opened": 1})

    town.world.merge(request, town.alice, squash=False, remove_source_branch=True)

    assert [await follow_merge_requests(desk) for _ in range(2)] == [1, 0]
    assert await state(desk) == {"merged": 1}


async def test_others_are_left_alone(desk: Desk, town: Town) -> None:
    """A merge request that the bot opened for no task, and what people open."""
    request = await opened(desk, town)
    await desk.redis.delete(f"{{ablehand}}:merge-request:{town.project.id}:{request.iid}")
    town.world.change_item(request, town.alice, state_event="close")

    assert await follow_merge_requests(desk) == 0
