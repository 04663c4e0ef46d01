"""What people see of a task, played on the running product: two comments, a whole merge request, and no more writes."""

from __future__ import annotations

import re

from core.task import Phase
from tests.product.stack import Gate, Stack

DEVELOPER = 30


def test_the_merge_request_has_all_that_it_should(stack: Stack) -> None:
    """Words, people, labels, and that the issue closes; from the project's own files."""
    world = stack.gitlab.world
    files = {".ablehand.yml": "labels: [agent]\n", "CODEOWNERS": "*.txt @bert @alice\n"}
    project = stack.project(files={"README.md": "# Web\n", **files})
    bert = world.add_user(f"bert-{project.id}")
    world.add_member(project, bert, DEVELOPER)
    world.commit_files(project, files={"CODEOWNERS": f"*.txt @{bert.username} @alice\n"})
    issue = stack.issue(project, title="A health check")

    stack.ask(issue, "/agent Add it DO edit")
    closing = stack.wait_for_closing(issue)
    stack.wait_until_quiet()

    (request,) = stack.merge_requests(project)
    assert (request.title, request.author, request.assignees) == ("A health check", stack.bot, [stack.alice])
    assert [user.username for user in request.reviewers] == [bert.username]
    assert [label.name for label in request.labels] == ["agent"]
    assert world.closes(request) == [issue.iid]
    for words in ("Asked for by @alice in issue #1", "### How it was checked", "2 times at most", "[log]("):
        assert words in request.description
    assert closing.startswith("@alice Done: [!1](")
    assert len(stack.replies(issue)) == 2


def test_a_run_that_has_much_to_say_makes_two_comments(stack: Stack) -> None:
    """Edited now and then: every 15 seconds at most, whatever the agent prints."""
    gate = Gate()
    issue = stack.issue()
    before = len(stack.gitlab.calls)

    stack.ask(issue, f"/agent Do it DO forge forge forge wait={gate.name} forge forge edit")
    gate.wait_for_agent()
    gate.open()
    stack.wait_for_closing(issue)
    stack.wait_until_quiet()

    written = re.compile(rf"/projects/{issue.project.id}/issues/{issue.iid}/notes(/\d+)?")
    calls = [call for call in stack.gitlab.calls[before:] if call.method in {"POST", "PUT"}]
    writes = [call for call in calls if written.search(call.path) and not call.path.endswith("award_emoji")]
    assert len(stack.replies(issue)) == 2
    # One comment, its first edit, the end's edit, the reply; one edit more for each quarter of a minute.
    task = stack.task(issue)
    seconds = task.ended_at - task.created_at
    assert len(writes) <= 4 + seconds / 15


def test_where_comments_are_refused_an_emoji_tells_the_end(stack: Stack) -> None:
    """The work is done all the same."""
    issue = stack.issue()
    path = f"/projects/{issue.project.id}/issues/{issue.iid}/notes$"
    stack.gitlab.faults.answer("POST", path, status=403, body='{"message": "403 Forbidden"}', times=99)
    try:
        note = stack.ask(issue, "/agent Do it DO edit")
        stack.wait(lambda: "white_check_mark" in stack.gitlab.world.awards(note), "the emoji")
        stack.wait_until_quiet()
    finally:
        stack.gitlab.faults.clear()

    assert stack.gitlab.world.awards(note) == ["eyes", "white_check_mark"]
    assert stack.task(issue).phase is Phase.COMPLETED
    assert len(stack.merge_requests(issue.project)) == 1


def test_every_push_has_a_token_of_its_own(stack: Stack) -> None:
    """For that project alone; when all is over none works."""
    issues = [stack.issue(), stack.issue()]
    for issue in issues:
        stack.ask(issue, "/agent Do it DO edit")
    for issue in issues:
        stack.wait_for_closing(issue)
        stack.wait(lambda project=issue.project: not stack.push_tokens(project), "the token to be revoked")  # type: ignore[misc]

    pushed_by = {call.user for call in stack.gitlab.calls if call.path.endswith("git-receive-pack") and call.user}
    for issue in issues:
        # A launch that is done twice makes two, of which one pushes.
        made = [token for token in stack.gitlab.world.tokens.values() if token.project_id == issue.project.id]
        assert {frozenset({"write_repository"})} == {token.scopes for token in made}
        assert len({token.user.username for token in made} & pushed_by) == 1
