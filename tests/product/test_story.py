"""The main job, and what people see of it."""

from __future__ import annotations

from pathlib import Path

from tests.product.stack import Stack


def test_a_comment_becomes_a_merge_request(stack: Stack) -> None:
    """One progress comment, one closing reply, one merge request with the seed's fields, and nothing left over."""
    issue = stack.issue(title="Add a file")

    stack.ask(issue, "/agent Add the file DO edit=new.txt")
    closing = stack.wait_for_closing(issue)

    [request] = stack.merge_requests(issue.project)
    assert f"!{request.iid}" in closing
    assert "@alice" in closing
    assert [note.body.splitlines()[-1].split()[1] for note in stack.replies(issue)] == [
        "ablehand:progress",
        "ablehand:final",
    ]
    assert (request.squash, request.force_remove_source_branch, request.author.id) == (True, True, stack.bot.id)
    assert [user.id for user in request.assignees] == [stack.alice.id]
    assert f"Closes #{issue.iid}" in request.description
    assert request.source_branch.startswith(f"agent/{issue.iid}-")
    stack.wait_until_quiet()
    assert "agent/" in stack.gitlab.world.branches(issue.project)[0]


def test_the_comment_is_acknowledged(stack: Stack) -> None:
    """The trigger gets an 👀."""
    issue = stack.issue()
    note = stack.ask(issue, "/agent Do it DO edit")

    stack.wait_for_closing(issue)

    assert stack.gitlab.world.awards(note) == ["eyes"]


def test_the_bot_holds_no_token(stack: Stack) -> None:
    """The process that faces the network has neither a token of GitLab's nor the model's key in its environment."""
    environment = Path(f"/proc/{stack.processes.pid('bot')}/environ").read_text("utf-8")

    assert "ABLEHAND_WEBHOOK_SIGNING_TOKEN" in environment
    assert "glpat-" not in environment
