"""What a task on a merge request remembers: from the run's log, past the page's readers, to the next order."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from core.redaction import Redactor
from core.task import Mode, Phase, Place, Task
from core.transcripts import Kept
from runtime.contract import Event, Order, Step, encode_event
from runtime.parts import PACKED_LIMIT_BYTES, Transcript, encode_parts, pack, unpack
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, moved, now, taken_in
from tests.worker.test_follow_logs import SECRET, follow, lines, shipped
from tests.worker.town import Town
from worker.context.earlier import find_earlier
from worker.reconciler.transcripts import redacted
from worker.steps.launch import launch
from worker.steps.memory import ORDER_LIMIT_BYTES, with_memory
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
NOISE = random.Random(7).randbytes(40_000).hex()  # noqa: S311 - what does not compress


def printed(content: str) -> list[str]:
    """Give the lines that the agent step prints of a session."""
    return list(encode_parts(Transcript(session="s-1", name="s-1.jsonl", packed=pack(content.encode()))))


@pytest.fixture
async def task(desk: Desk, town: Town) -> Task:
    """Give a task whose agent works."""
    task = await taken_in(desk, comment_trigger(town.say("/agent do it as it should be")))
    await launch(desk, task)
    return await moved(desk, task, Phase.PREPARING, Phase.WORKING)


async def completed(desk: Desk, task: Task, iid: int = 12) -> None:
    """Let the task end with a merge request."""
    await desk.transcripts.assign(task.trigger.project_id, iid, task.id)
    await moved(desk, task, Phase.PUBLISHING, Phase.FINISHING, Phase.COMPLETED, summary="I **did** it. /merge")


def follow_up(task: Task, iid: int = 12, **changes: Any) -> Task:
    """Give the next task, on a merge request."""
    trigger = replace(task.trigger, place=Place.MERGE_REQUEST, iid=iid)
    return replace(task, id=task.id + 1, trigger=trigger, merge_request_iid=iid, **changes)


async def ordered(desk: Desk, executor: HandExecutor, task: Task) -> Order:
    """Give what *task* would run with."""
    return (await with_memory(desk, task, executor.launched[0])).order


async def test_a_session_goes_from_the_log_to_the_next_order(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Redacted, and no line of it is shown to anybody."""
    content = "\n".join([json.dumps({"text": f"key {SECRET}", "noise": NOISE}), "no json " + SECRET, ""])
    executor.logs = {Step.AGENT: lines("before", *printed(content), "after")}
    executor.ended.set()

    await follow(desk, task)
    await completed(desk, task)

    order = await ordered(desk, executor, follow_up(task))
    assert [text for _, text in await shipped(desk, task)] == ["before", "after"]
    assert (order.resume_session, order.transcript_name) == ("s-1", "s-1.jsonl")
    assert unpack(order.transcript).decode() == content.replace(SECRET, "[redacted]")
    assert await find_earlier(desk.store, desk.transcripts, follow_up(task)) == [await now(desk, task)]


async def test_a_follower_gone_between_the_lines_loses_nothing(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Its successor begins behind the last line that was shown."""
    first, *rest = printed(NOISE)
    executor.logs = {Step.AGENT: lines(encode_event(Event(kind="began", mark="agent")), first)}
    executor.ended.set()
    await follow(desk, task)
    executor.logs = {Step.AGENT: lines(encode_event(Event(kind="began", mark="agent")), first, *rest)}

    await follow(desk, task)
    await completed(desk, task)

    assert unpack((await ordered(desk, executor, follow_up(task))).transcript).decode() == NOISE


async def test_a_transcript_of_another_step_is_text(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """Only the agent's step has one."""
    executor.logs = {Step.PREPARE: lines(*printed("x"))}
    executor.ended.set()

    await follow(desk, task)
    await completed(desk, task)

    assert (await ordered(desk, executor, follow_up(task))).transcript == ""
    assert len(await shipped(desk, task)) == 1


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param({"agent": "codex"}, id="another-agent"),
        pytest.param({"packed": "A" * ORDER_LIMIT_BYTES}, id="too-long"),
        pytest.param({"packed": ""}, id="missing"),
    ],
)
async def test_a_fresh_session_begins_where_the_last_one_is_of_no_use(
    desk: Desk, task: Task, executor: HandExecutor, kept: dict[str, str]
) -> None:
    """What the last task said is still told."""
    fields = {"agent": task.agent, "session": "s", "name": "s.jsonl", "packed": "eA=="} | kept
    await desk.transcripts.keep(Kept(task_id=task.id, **fields))
    await completed(desk, task)

    order = await ordered(desk, executor, follow_up(task))

    assert (order.resume_session, order.transcript) == ("", "")
    assert [other.summary for other in await find_earlier(desk.store, desk.transcripts, follow_up(task))] == [
        "I **did** it. /merge"
    ]


@pytest.mark.parametrize("kind", ["issue", "another-merge-request", "review"])
async def test_only_a_change_of_the_same_merge_request_goes_on(
    desk: Desk, task: Task, executor: HandExecutor, kind: str
) -> None:
    """A task of its own remembers nothing, and a review looks with fresh eyes."""
    await desk.transcripts.keep(Kept(task_id=task.id, agent=task.agent, session="s", name="s.jsonl", packed="eA=="))
    await completed(desk, task)
    others = {
        "issue": replace(task, id=task.id + 1),
        "another-merge-request": follow_up(task, 13),
        "review": follow_up(task, mode=Mode.REVIEW),
    }

    assert (await ordered(desk, executor, follow_up(task))).transcript == "eA=="
    assert (await ordered(desk, executor, others[kind])).transcript == ""


async def test_what_is_no_transcript_is_not_kept(desk: Desk, task: Task, executor: HandExecutor) -> None:
    """A bomb or noise is dropped, and the log goes on."""
    forged = list(encode_parts(Transcript(session="s", name="s", packed="AAAA")))
    executor.logs = {Step.AGENT: lines(*forged, "after")}
    executor.ended.set()

    await follow(desk, task)
    await completed(desk, task)

    assert (await ordered(desk, executor, follow_up(task))).transcript == ""
    assert [text for _, text in await shipped(desk, task)] == ["after"]


def test_the_largest_transcript_fits_beside_a_prompt() -> None:
    """The bound of the one is made for that of the other."""
    assert PACKED_LIMIT_BYTES * 4 / 3 + 100_000 < ORDER_LIMIT_BYTES


def test_redaction_leaves_lines_of_json_whole() -> None:
    """A private key's shape, begun in one text and ended in another, does not take what is between."""
    line = json.dumps({"a": "-----BEGIN PRIVATE KEY-----", "b": ["x", 1], "c": "-----END PRIVATE KEY-----"})
    given = Transcript(session="s", name="s", packed=pack(line.encode()))

    plain = unpack(redacted(given, Redactor([])).packed).decode()

    assert json.loads(plain) == {"a": "[redacted]", "b": ["x", 1], "c": "-----END PRIVATE KEY-----"}
