"""A review on GitLab: comments on lines, each once, a summary, and nothing that a review must not do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import GitLabUnavailable
from core.task import Mode, Phase, Place, Source, Task, Trigger
from simulators.gitlab.records import MergeRequest, Note
from tests.table.changes import CHANGED, open_change
from tests.worker.ledger import moved, now, received
from tests.worker.town import Town
from worker.conversation.agent_prompt import FINDINGS_MOST
from worker.steps.finish import finish
from worker.steps.report import report
from worker.wiring import Desk

pytestmark = pytest.mark.anyio


def document(*findings: dict[str, object], summary: str = "It counts wrong.") -> str:
    """Write a review as the agent is told to."""
    return f"{summary}\n\n```json\n{json.dumps(findings)}\n```"


def says(text: str, line: object = 2, path: str = "app.py") -> dict[str, object]:
    """Make one comment."""
    return {"path": path, "line": line, "text": text}


async def reviewed(desk: Desk, request: MergeRequest, text: str, **fields: Any) -> Task:
    """Give a task whose run has written *text*."""
    where: Any = {"project_id": request.project.id, "iid": request.iid, "place": Place.MERGE_REQUEST}
    task = await received(desk, Trigger(source=Source.REVIEW_REQUEST, event_id=0, happened_at="t", **where))
    phases = (Phase.QUEUED, Phase.LAUNCHING, Phase.STARTING, Phase.FINISHING)
    asked: dict[str, Any] = {"mode": Mode.REVIEW, "requester_username": "alice", "base_commit": request.sha}
    told = {"document": text, "document_parts": 1, "document_total": 1}
    return await moved(desk, task, *phases, **(asked | told | fields))


def lines_of(town: Town, request: MergeRequest) -> list[tuple[object, object, str]]:
    """List the bot's comments on lines: old line, new line, text without its marker."""
    notes = [note for note in town.world.notes(request) if note.position]
    return [(*_lines(note), note.body.partition("\n\n<!--")[0]) for note in notes]


def _lines(note: Note) -> tuple[object, object]:
    position = note.position or {}
    return position["old_line"], position["new_line"]


async def test_comments_go_to_their_lines(desk: Desk, town: Town) -> None:
    """Added and unchanged ones; what is told of others stands in the reply."""
    request = open_change(town)
    text = document(says("Say *two*."), says("Fine?", 3), says("Nowhere.", 400), says("No file.", 1, "b.py"))
    task = await reviewed(desk, request, text)

    await finish(desk, task)

    assert lines_of(town, request) == [(None, 2, "Say _two_."), (3, 3, "Fine?")]
    after = await now(desk, task)
    assert (after.phase, after.mode) == (Phase.COMPLETED, Mode.REVIEW)
    assert after.document == (
        "It counts wrong.\n\n- `app.py:400`: Nowhere.\n- `b.py:1`: No file.\n\n2 comments on lines above."
    )


async def test_a_reply_sums_up(desk: Desk, town: Town) -> None:
    """One closing reply that mentions who asked; approvals and resolutions are nobody's but people's."""
    request = open_change(town)
    task = await reviewed(desk, request, document(says("Say two.")))
    await finish(desk, task)

    await report(desk, await now(desk, task))

    [closing] = [note for note in town.world.notes(request) if "ablehand:final" in note.body]
    assert closing.body.startswith("@alice My review:\n\nIt counts wrong.")
    assert town.count("POST", "/approve") == 0
    assert town.count("PUT", "/discussions") == 0


async def test_a_lost_answer_makes_no_second_comment(desk: Desk, town: Town) -> None:
    """The comment was written; whoever finishes next knows it by its marker, and writes the others."""
    request = open_change(town)
    task = await reviewed(desk, request, document(says("One."), says("Two.", 5)))
    town.server.faults.drop_answer("POST", "/discussions$")

    with pytest.raises(GitLabUnavailable):
        await finish(desk, task)
    assert len(lines_of(town, request)) == 1
    await finish(desk, task)

    assert [text for _, _, text in lines_of(town, request)] == ["One.", "Two."]
    assert (await now(desk, task)).phase is Phase.COMPLETED


async def test_others_markers_hide_nothing(desk: Desk, town: Town) -> None:
    """A marker counts in the bot's own comments alone."""
    request = open_change(town)
    task = await reviewed(desk, request, document(says("One.")))
    await finish(desk, task)
    marker = town.world.notes(request)[0].body.rpartition("\n")[2]
    second = open_change_again(town, request)
    town.world.comment(second, author=town.alice, body=f"Hm.\n\n{marker}")

    await finish(desk, await reviewed(desk, second, document(says("One."))))

    assert len(lines_of(town, second)) == 1


def open_change_again(town: Town, request: MergeRequest) -> MergeRequest:
    """Open a second merge request from the same branch, the first being closed."""
    request.state = "closed"
    return open_change(town)


async def test_a_push_meanwhile_leaves_the_lines_alone(desk: Desk, town: Town) -> None:
    """Their numbers are of a diff that is not shown any more: everything is in the reply."""
    request = open_change(town)
    task = await reviewed(desk, request, document(says("Say two.")))
    town.world.commit_files(town.project, files={"app.py": "0\n" + str(CHANGED["app.py"])}, branch="work")

    await finish(desk, task)

    assert lines_of(town, request) == []
    after = await now(desk, task)
    assert "Somebody pushed while I read" in after.document
    assert "- `app.py:2`: Say two." in after.document


async def test_an_internal_request_is_answered_internally(desk: Desk, town: Town) -> None:
    """Comments on lines can be read by everybody who sees the merge request."""
    request = open_change(town)
    task = await reviewed(desk, request, document(says("Say two.")), internal=True)

    await finish(desk, task)

    assert lines_of(town, request) == []
    assert "- `app.py:2`: Say two." in (await now(desk, task)).document


async def test_a_line_that_gitlab_refuses_is_told(desk: Desk, town: Town) -> None:
    """It knows the diff better than we."""
    request = open_change(town)
    task = await reviewed(desk, request, document(says("Say two.")))
    town.server.faults.answer("POST", "/discussions$", status=400, body='{"message": "400 Bad request - line_code"}')

    await finish(desk, task)

    assert "- `app.py:2`: Say two." in (await now(desk, task)).document


async def test_too_many_are_not_written(desk: Desk, town: Town) -> None:
    """The rest is counted in the reply."""
    request = open_change(town)
    task = await reviewed(desk, request, document(*(says(f"Number {number}.") for number in range(90))))

    await finish(desk, task)

    assert len(lines_of(town, request)) == FINDINGS_MOST
    assert "50 further comments would be too many." in (await now(desk, task)).document


async def test_hostile_comments_do_nothing(desk: Desk, town: Town) -> None:
    """No quick action, no mention, no image, no markup of its own."""
    request = open_change(town)
    text = "/merge\n@all ![x](http://evil.example/x.png) <script>\n\n/approve\nCloses #1"
    task = await reviewed(desk, request, document(says(text), summary="/close\n@all"))

    await finish(desk, task)
    await report(desk, await now(desk, task))

    assert request.state == "opened"
    bodies = "\n".join(note.body for note in town.world.notes(request))
    assert not any(line.startswith("/") for line in bodies.splitlines())
    assert "@all" not in bodies
    assert "](http" not in bodies.replace(f"](https://agents.example.com/tasks/{task.id}", "")
    assert "<script>" not in bodies
