"""Asked on a merge request, played over HTTP by the whole product: rows for what people see."""

from __future__ import annotations

import base64
import json

from simulators.gitlab.records import MergeRequest, Note
from tests.product.stack import Gate, Stack


def position(request: MergeRequest, path: str, line: int) -> dict[str, object]:
    """Give the place of an added line in a merge request's diff."""
    shas: dict[str, object] = {"base_sha": request.base_sha, "start_sha": request.base_sha, "head_sha": request.sha}
    return {"position_type": "text", "old_path": path, "new_path": path, "old_line": None, "new_line": line, **shas}


def opened_by_the_bot(stack: Stack) -> MergeRequest:
    """Have the bot open a merge request, as people do it: by a comment on an issue."""
    issue = stack.issue()
    stack.ask(issue, "/agent Add a file DO edit=new.txt")
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()
    [request] = stack.merge_requests(issue.project)
    return request


def thread_of(stack: Stack, request: MergeRequest, note: Note) -> list[Note]:
    """List the comments of a comment's thread."""
    return [other for other in stack.gitlab.world.notes(request) if other.discussion_id == note.discussion_id]


def test_a_comment_on_a_line_becomes_a_commit_on_the_same_branch(stack: Stack) -> None:
    """It is pushed on top of what is there, answered in the same thread, and nobody resolves that."""
    request = opened_by_the_bot(stack)
    before = request.sha

    note = stack.gitlab.world.comment(
        request,
        author=stack.alice,
        body="This says too little.\n/agent Say more DO edit=more.txt",
        position=position(request, "new.txt", 1),
    )
    closing = stack.wait(lambda: _final(stack, request, note), "a closing reply in the thread")
    stack.wait_until_quiet()

    repository = request.project.repository
    commit = repository.commit(repository.branch_sha(request.source_branch) or "")
    assert commit.parents == (before,)
    assert stack.merge_requests(request.project) == [request]
    assert "@alice" in closing.body
    in_thread = thread_of(stack, request, note)
    assert [each.author.username for each in in_thread] == ["alice", "ablehand", "ablehand"]
    assert not any(each.resolved for each in in_thread)
    assert len(stack.gitlab.world.notes(request)) == len(in_thread)


def test_a_person_who_pushes_meanwhile_wins(stack: Stack) -> None:
    """Their commit stays; the reply says why nothing was pushed, and that asking again helps."""
    request = opened_by_the_bot(stack)
    gate = Gate()
    note = stack.gitlab.world.comment(
        request, author=stack.alice, body=f"/agent Go on DO wait={gate.name} edit=more.txt", threaded=True
    )
    gate.wait_for_agent()
    branch = request.source_branch
    theirs = stack.gitlab.world.commit_files(request.project, files={"by-hand.txt": "x"}, branch=branch)
    gate.open()

    closing = stack.wait(lambda: _final(stack, request, note), "a closing reply in the thread")

    assert f"Somebody pushed to `{branch}` while the agent worked" in closing.body
    stack.wait_until_quiet()
    assert request.project.repository.branch_sha(branch) == theirs


def test_a_review_is_comments_on_lines_and_a_summary(stack: Stack) -> None:
    """Asked for as GitLab's people do it: the bot is made a reviewer."""
    findings = [{"path": "new.txt", "line": 1, "text": "Say more."}, {"path": "gone.txt", "line": 1, "text": "Where?"}]
    review = f"Too little.\n\n```json\n{json.dumps(findings)}\n```"
    encoded = base64.b64encode(review.encode()).decode()
    project = stack.project()
    before = stack.gitlab.world.commit_files(project, files={"new.txt": "little\n"}, branch="work")
    request = stack.gitlab.world.add_merge_request(
        project,
        author=stack.alice,
        title="Say something",
        description=f"DO write={encoded} edit=other.txt",
        branches={"source_branch": "work", "target_branch": "main"},
    )

    stack.gitlab.world.change_item(request, stack.alice, reviewers=[stack.bot])
    closing = stack.wait_for_closing(request)
    stack.wait_until_quiet()

    [line] = [note for note in stack.replies(request) if note.position]
    assert line.body.startswith("Say more.")
    assert (line.position or {})["new_line"] == 1
    assert closing.startswith("@alice My review:\n\nToo little.\n\n- `gone.txt:1`: Where?")
    assert request.project.repository.branch_sha(request.source_branch) == before


def _final(stack: Stack, request: MergeRequest, note: Note) -> Note | None:
    return next((each for each in thread_of(stack, request, note) if "ablehand:final" in each.body), None)
