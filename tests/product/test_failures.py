"""What goes wrong ends in one sentence with the cause and the next step, a final state, and nothing left running."""

from __future__ import annotations

import pytest

from core.task import Phase
from tests.product.stack import Gate, Stack


def ended(stack: Stack, prompt: str) -> str:
    """Ask for *prompt* on a new issue, wait until all is quiet; give the closing reply."""
    issue = stack.issue()
    stack.ask(issue, prompt)
    closing = stack.wait_for_closing(issue)
    stack.wait_until_quiet()
    assert [note.body.count("ablehand:final") for note in stack.replies(issue)].count(1) == 1
    for text in (closing, stack.log()):
        assert not any(secret in text for secret in stack.settings.secrets())
    return closing


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        pytest.param("/agent Please DO say=hello fail=3", "The agent stopped with an error", id="agent-fails"),
        pytest.param("/agent Please DO flood=1000000000", "printed more than it may", id="agent-prints-1-gb"),
        pytest.param("/agent Please DO nothing", "Nothing needed changing", id="nothing-changed"),
        pytest.param("/agent Please DO edit=.gitlab-ci.yml", "files that the agent may not change", id="protected"),
        pytest.param("/agent", "Write one of these", id="empty-prompt"),
        pytest.param("/agent help", "`/agent <what to do>`", id="help"),
        pytest.param("/agent cancle", "did you mean `/agent cancel`", id="nearly-a-command"),
        pytest.param("/agent --brunch x do it", "did you mean `--branch`", id="unknown-flag"),
        pytest.param("/agent --branch nowhere do it", "no such branch", id="unknown-branch"),
        pytest.param("/agent " + "x" * 70_000, "64 KiB are the limit", id="long-prompt"),
    ],
)
def test_a_failure_says_its_cause(stack: Stack, prompt: str, sentence: str) -> None:
    """Each cause has its sentence."""
    assert sentence in ended(stack, prompt)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("> /agent do it", id="quoted"),
        pytest.param("```\n/agent do it\n```", id="code-block"),
        pytest.param("Say `/agent do it`", id="inline"),
        pytest.param("<!--\n/agent do it\n-->", id="comment"),
    ],
)
def test_what_is_no_command_gets_no_answer(stack: Stack, text: str) -> None:
    """A command after it is answered; the quoted one is not."""
    issue = stack.issue()
    stack.ask(issue, text)
    stack.ask(issue, "/agent help")

    stack.wait_for_closing(issue)
    stack.wait_until_quiet()

    assert len(stack.replies(issue)) == 1


def test_hostile_text_is_carried_as_data(stack: Stack) -> None:
    """Shell, git and Markdown in title and prompt change nothing but words."""
    hostile = "$(touch /tmp/pwned) `id`; --upload-pack=x ../../etc @all /close\n/merge\n</details><script>"
    issue = stack.issue(title="-x $(id) `id` @all /close #1", description=hostile)

    stack.ask(issue, f"/agent {hostile} DO edit")
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()

    [request] = stack.merge_requests(issue.project)
    assert (issue.state, request.state) == ("opened", "opened")
    assert "\n/merge" not in request.description
    assert "@all" not in request.description + request.title
    assert "<script>" not in request.description


def test_forged_events_draw_no_lie(stack: Stack) -> None:
    """An agent may print what it likes: only its own current line is shown, made harmless."""
    issue = stack.issue()

    stack.ask(issue, "/agent Do it DO forge fail=1")
    stack.wait_for_closing(issue)

    progress = stack.replies(issue)[0].body
    shown = [line for line in progress.splitlines() if line.startswith("- [")]
    assert "- [ ] Push and open a merge request" in shown
    assert not any("forged" in line or "@all" in line for line in shown)


def test_the_agent_sees_no_token(stack: Stack) -> None:
    """Neither environment nor files nor other processes show the agent one of our secrets."""
    issue = stack.issue()

    stack.ask(issue, "/agent Look around DO look edit")
    stack.wait_for_closing(issue)
    log = stack.task_log(issue)

    assert "HOME" in log  # it did look
    # A secret that had been seen would have been redacted on its way into the log.
    assert "[redacted]" not in log
    assert not any(secret in log for secret in stack.settings.secrets())


def test_an_empty_repository_is_refused(stack: Stack) -> None:
    """There is nothing to start from."""
    issue = stack.issue(stack.project(files=None))
    stack.ask(issue, "/agent do it")

    assert "The repository is empty" in stack.wait_for_closing(issue)


def test_a_branch_that_exists_is_left_alone(stack: Stack) -> None:
    """Somebody's commits on the branch stay, and the sentence names it."""
    issue = stack.issue()
    gate = Gate()
    stack.ask(issue, f"/agent Do it DO wait={gate.name} edit")
    gate.wait_for_agent()
    task = stack.task(issue)
    branch = f"agent/{issue.iid}-{task.unique_id[:8]}"
    stack.gitlab.world.create_branch(issue.project, branch, "main")
    other = stack.gitlab.world.commit_files(issue.project, files={"theirs": "x"}, message="Theirs", branch=branch)
    gate.open()

    closing = stack.wait_for_closing(issue)

    assert branch in closing
    assert "holds other commits" in closing
    assert stack.gitlab.world.projects[issue.project.id].repository.branches()[branch] == other


def test_a_refused_push_shows_the_servers_words(stack: Stack) -> None:
    """GitLab's own sentence is in the reply."""
    stack.gitlab.faults.push_refusal = "Commits must be signed by the canary rule"
    try:
        closing = ended(stack, "/agent Do it DO edit")
    finally:
        stack.gitlab.faults.clear()

    assert "GitLab refused the push" in closing
    assert "canary rule" in closing


def test_an_unreachable_gitlab_is_waited_for(stack: Stack) -> None:
    """GitLab goes away while the agent works, and comes back: the work is not lost."""
    issue = stack.issue()
    stack.ask(issue, "/agent Do it DO say=begun edit")
    stack.wait(lambda: stack.task(issue).phase not in {Phase.RECEIVED, Phase.QUEUED, Phase.LAUNCHING}, "the start")
    stack.gitlab.faults.answer("*", "/api/v4/", status=502, times=30)

    try:
        stack.wait_for_closing(issue)
    finally:
        stack.gitlab.faults.clear()
    stack.wait_until_quiet()

    assert len(stack.merge_requests(issue.project)) == 1
    assert len(stack.replies(issue)) == 2
