"""What a merge request is opened with: words, labels, reviewers, draft or not; and what GitLab need not take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.reasons import Reason
from core.task import Phase, Task
from simulators.gitlab.access import DEVELOPER, REPORTER
from simulators.gitlab.records import MergeRequest
from tests.worker.ledger import comment_trigger, moved, now, taken_in
from tests.worker.town import Town
from worker.steps.finish import finish
from worker.wiring import Desk

pytestmark = pytest.mark.anyio
BRANCH = "agent/1-abc"


async def pushed(desk: Desk, town: Town, files: dict[str, str] | None = None, text: str = "/agent do it") -> Task:
    """Give a task whose change is pushed; *files* lie on the default branch before."""
    if files:
        town.world.commit_files(town.project, files=files)
    base = town.project.repository.branch_sha("main")
    task = await taken_in(desk, comment_trigger(town.say(text)))
    commit = town.world.commit_files(town.project, files={"src/health.go": "ok"}, branch=BRANCH)
    phases = (Phase.LAUNCHING, Phase.STARTING, Phase.PUBLISHING, Phase.FINISHING)
    return await moved(desk, task, *phases, commit=commit, result_branch=BRANCH, base_commit=base, summary="Done.")


def opened(town: Town) -> MergeRequest:
    """Give the only merge request."""
    (request,) = town.world.merge_requests(town.project)
    return request


async def test_the_projects_labels_and_draft(desk: Desk, town: Town) -> None:
    """As its file on the default branch says."""
    task = await pushed(desk, town, {".ablehand.yml": "labels: [agent, needs review]\ndraft: true\n"})

    await finish(desk, task)

    assert opened(town).title == "Draft: A health check"
    assert [label.name for label in opened(town).labels] == ["agent", "needs review"]


async def test_the_operators_draft(desk: Desk, town: Town) -> None:
    """Where the project says nothing of it."""
    drafting = replace(desk, settings=desk.settings.model_copy(update={"draft": True}))

    await finish(drafting, await pushed(desk, town))

    assert opened(town).title == "Draft: A health check"


async def test_unfinished_work_is_a_draft(desk: Desk, town: Town) -> None:
    """Whatever project and operator say."""
    task = await pushed(desk, town)
    changed = await desk.store.change(task, unfinished="timeout")
    assert changed is not None

    await finish(desk, changed)

    assert opened(town).title == "Draft: A health check"


async def test_owners_who_are_members_review(desk: Desk, town: Town) -> None:
    """Those who own what was changed; not who asked, not the bot, nobody who can't."""
    for name, level in (("bert", DEVELOPER), ("carl", DEVELOPER), ("rita", REPORTER), ("dora", 0)):
        user = town.world.add_user(name)
        if level:
            town.world.add_member(town.project, user, level)
    owners = "* @dora\n*.md @carl\n*.go @alice @ablehand @rita @nobody @shop/web @bert\n"

    await finish(desk, await pushed(desk, town, {"docs/CODEOWNERS": owners}))

    assert [user.username for user in opened(town).reviewers] == ["bert"]


async def test_the_first_file_of_owners_counts(desk: Desk, town: Town) -> None:
    """In GitLab's order."""
    for name in ("bert", "carl"):
        town.world.add_member(town.project, town.world.add_user(name), DEVELOPER)

    await finish(desk, await pushed(desk, town, {".gitlab/CODEOWNERS": "* @carl", "CODEOWNERS": "* @bert"}))

    assert [user.username for user in opened(town).reviewers] == ["bert"]


async def test_what_gitlab_does_not_take_is_left_out(desk: Desk, town: Town) -> None:
    """The merge request matters more than its labels."""
    town.server.faults.answer("POST", "/merge_requests$", status=400, body='{"error": "labels is invalid"}')

    await finish(desk, await pushed(desk, town, {".ablehand.yml": "labels: [agent]\n"}))

    assert (opened(town).labels, opened(town).title) == ([], "A health check")
    assert town.count("POST", "/merge_requests") == 2


async def test_without_owners_nothing_is_looked_up(desk: Desk, town: Town) -> None:
    """Three looks for the file, and no more."""
    await finish(desk, await pushed(desk, town))

    assert town.count("GET", "/compare") == 0
    assert town.count("GET", "/users") == 0


async def test_trouble_with_the_owners_does_not_hold_it_up(desk: Desk, town: Town) -> None:
    """Reviewers are a courtesy."""
    task = await pushed(desk, town, {"CODEOWNERS": "* @alice"})
    town.server.faults.answer("GET", "/compare$", status=403, body='{"message": "403 Forbidden"}')

    await finish(desk, task)

    assert (await now(desk, task)).phase is Phase.COMPLETED


async def test_it_closes_the_issue_on_the_default_branch_alone(desk: Desk, town: Town) -> None:
    """On any other, GitLab would close nothing, and the words would be wrong."""
    town.world.create_branch(town.project, "release", "main")

    await finish(desk, await pushed(desk, town, text="/agent --branch release do it"))

    assert opened(town).target_branch == "release"
    assert opened(town).description.endswith("\n\nRelated to #1")
    assert town.world.closes(opened(town)) == []


async def test_an_issue_that_became_confidential_is_not_shown(desk: Desk, town: Town) -> None:
    """In a project that others may see, a merge request would tell its title."""
    task = await pushed(desk, town)
    town.project.visibility, town.issue.confidential = "public", True

    await finish(desk, task)

    after = await now(desk, task)
    assert (after.phase, after.reason) == (Phase.FAILED, Reason.CONFIDENTIAL)
    assert town.world.merge_requests(town.project) == []


async def test_an_issue_that_is_gone_is_not_closed(desk: Desk, town: Town) -> None:
    """The work is not lost with it."""
    task = await pushed(desk, town)
    del town.project.issues[town.issue.iid]

    await finish(desk, task)

    assert opened(town).description.endswith("\n\nRelated to #1")


@pytest.mark.parametrize(
    ("text", "said"), [("", "2 times at most"), ("ci_fix: 1", "1 time at most"), ("ci_fix: 0", "")]
)
async def test_it_says_what_becomes_of_a_failed_pipeline(desk: Desk, town: Town, text: str, said: str) -> None:
    """As often as the project lets it."""
    await finish(desk, await pushed(desk, town, {".ablehand.yml": text}))

    assert ("If the pipeline fails" in opened(town).description) is bool(said)
    assert said in opened(town).description
