"""What can be said, played on the running product: each verb, and each answer to what is none."""

from __future__ import annotations

import base64
import socket
from dataclasses import dataclass

import pytest

from simulators.gitlab.records import Issue
from tests.product.stack import Stack


@dataclass(frozen=True, slots=True)
class Row:
    """A comment, and what the bot's one reply to it says."""

    says: str
    reply: str


ROWS = {
    "help": Row("/agent help", "- `/agent cancel` stops the work"),
    "a word that is nearly a verb": Row("/agent cancle", "did you mean `/agent cancel`?"),
    "what people say who mean a verb": Row("/agent stop", "did you mean `/agent cancel`?"),
    "a flag that there is not": Row("/agent --bugdet 5 do it so", "did you mean `--budget`?"),
    "a flag with a wrong value": Row("/agent --budget much do it so", "an amount in US dollars"),
    "a verb with a flag that it does not take": Row("/agent cancel --draft", "`/agent cancel` takes no flags."),
    "an agent that is not allowed": Row("/agent --agent gemini do it so", "the agent `gemini` can't be chosen here"),
    "an image that is not allowed": Row("/agent --image evil:1 do it so", "the image `evil:1` may not be run here"),
    "more time than there is": Row("/agent --timeout 999h do it so", "a task may take at most"),
    "a target branch that there is not": Row("/agent --target nowhere do it so", "There is no such branch"),
    "cancel with nothing to cancel": Row("/agent cancel", "There is nothing to cancel here"),
    "cancel of a task that there is not": Row("/agent cancel 999999", "There is no task 999999 in this project"),
    "retry with nothing before": Row("/agent retry", "There is nothing here to do again"),
    "approve without a plan": Row("/agent approve", "There is no plan here to approve"),
    "logs of nothing": Row("/agent logs", "There is no log here"),
    "status of nothing": Row("/agent status", "Nothing was asked for here yet."),
    "flags on several lines, then a verb": Row("/agent --draft\n--model m\nrun\nDO nothing", "Nothing needed changing"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_is_said_is_answered(stack: Stack, row: Row) -> None:
    """One reply, which mentions who asked."""
    issue = stack.issue()
    stack.ask(issue, row.says)

    closing = stack.wait_for_closing(issue)

    assert closing.startswith("@alice ")
    assert row.reply in closing


def test_a_run_is_cancelled_and_done_again(stack: Stack) -> None:
    """Cancel ends the run, the reply says so; retry does it again, and logs and status tell of both."""
    issue = stack.issue()
    with socket.create_server(("127.0.0.1", 0)) as gate:
        gate.settimeout(120)
        stack.ask(issue, f"/agent please DO wait={gate.getsockname()[1]} edit")
        agent, _ = gate.accept()
        with agent:
            stack.ask(issue, "/agent cancel")
            closing = stack.wait_for_closing(issue)
            assert "The work was cancelled by you; nothing was pushed." in closing
            agent.settimeout(60)
            assert agent.recv(1) == b""  # nobody is there any more
        stack.wait_until_quiet()
        stack.ask(issue, "/agent retry")
        again, _ = gate.accept()
        said(stack, issue, "/agent status", "| change, goes on from ")
        said(stack, issue, "/agent logs", "Here is the [log of task ")
        again.sendall(b"x")
        again.close()

    stack.wait(lambda: stack.merge_requests(issue.project), "a merge request")
    stack.wait_until_quiet()


def said(stack: Stack, issue: Issue, text: str, reply: str) -> None:
    """Ask, and wait for a comment of the bot's that says *reply*."""
    stack.ask(issue, text)
    stack.wait(lambda: any(reply in note.body for note in stack.replies(issue)), reply)


def test_a_plan_is_written_and_then_carried_out(stack: Stack) -> None:
    """The plan is in the reply and changes nothing; who approves it gets a merge request."""
    issue = stack.issue()
    plan = base64.b64encode(b"1. Write a file.").decode()
    stack.ask(issue, f"/agent plan write a file DO write={plan} edit=planned.txt")
    closing = stack.wait_for_closing(issue)

    assert closing.startswith("@alice My plan:\n\n1. Write a file.")
    assert "/agent approve" in closing
    assert stack.merge_requests(issue.project) == []

    stack.ask(issue, "/agent approve")
    stack.wait(lambda: stack.merge_requests(issue.project), "the merge request of the plan")
    stack.wait_until_quiet()
