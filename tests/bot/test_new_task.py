"""The form, as the server handles it: what it starts, once; what it refuses, with all that was typed still there."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from simulators.gitlab.faults import Outage
from tests.bot.test_asking import NOT_A_PROJECT
from tests.bot.town import HERE, Town

FORM = "/tasks/new"
TYPED = {"repository": "shop/web", "prompt": "Add a /health endpoint", "branch": "", "agent": "", "model": ""}
NAMES_ARE_TRIMMED = {"shop/web\n", "shop/web\r\nHost: evil"}


@pytest.fixture
def alice(town: Town, web: TestClient) -> TestClient:
    """Give Alice's browser, signed in."""
    town.sign_in(web, "alice")
    return web


def changed(town: Town, **settings: Any) -> Town:
    """Give the town with other settings."""
    return replace(town, settings=town.settings.model_copy(update=settings))


def hidden(web: TestClient) -> dict[str, str]:
    """Open the form; give what it carries."""
    return dict(re.findall(r'type="hidden" name="(csrf_token|once)" value="([^"]+)"', web.get(FORM).text))


def sent(web: TestClient, carried: dict[str, str] | None = None, **changes: Any) -> Any:
    """Fill in the form and send it."""
    form = (hidden(web) if carried is None else carried) | TYPED | changes
    return web.post(FORM, data=form, headers={"Origin": HERE})


def values(page: str) -> dict[str, str]:
    """Read what stands in the text fields."""
    found = dict(re.findall(r'<input id="\w+" name="(\w+)" value="([^"]*)"', page))
    found["prompt"] = page.partition("<textarea")[2].partition(">\n")[2].partition("</textarea>")[0]
    return {name: html.unescape(value) for name, value in found.items()}


def errors(page: str) -> dict[str, str]:
    """Read what is said at the fields."""
    return dict(re.findall(r'<p class="error" id="(\w+)-error">([^<]*)</p>', page))


def test_a_developer_starts_a_task(town: Town, alice: TestClient) -> None:
    """The form leads to the new task's page; the task has what was typed, by whom."""
    town.gitlab.world.commit_files(town.project, files={"a": "b"}, branch="next")

    answer = sent(alice, prompt="Add this:\r\n- a", branch=" next ", agent="claude", model="sonnet")

    task = alice.get("/api/v1/tasks/1").json()
    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks/1")
    assert [task[name] for name in ("repository", "prompt", "branch", "agent", "model", "source")] == [
        "shop/web", "Add this:\n- a", "next", "claude", "sonnet", "api",
    ]  # fmt: skip
    assert task["requester"]["username"] == "alice"
    assert alice.get("/tasks/1").status_code == 200


def test_a_form_that_is_sent_twice_starts_one_task(alice: TestClient) -> None:
    """Both lead to it. Who goes back and asks for something else, or opens another form, gets another."""
    carried = hidden(alice)

    answers = [sent(alice, carried), sent(alice, carried), sent(alice, carried, prompt="Else"), sent(alice)]

    assert [answer.headers["location"] for answer in answers] == ["/tasks/1", "/tasks/1", "/tasks/2", "/tasks/3"]


@pytest.mark.parametrize("repository", [each for each in NOT_A_PROJECT if each not in NAMES_ARE_TRIMMED])
def test_only_a_projects_path_is_a_repository(town: Town, alice: TestClient, repository: str) -> None:
    """400 with what is expected, at the field, which keeps what was typed; nobody is asked, nothing is stored."""
    carried, before = hidden(alice), len(town.gitlab.calls)

    answer = sent(alice, carried, repository=repository, model="sonnet")

    assert answer.status_code == 400
    assert "group/project" in errors(answer.text)["repository"]
    assert values(answer.text) == {
        "repository": repository.strip(), "branch": "", "model": "sonnet", "prompt": TYPED["prompt"],
    }  # fmt: skip
    assert len(town.gitlab.calls) == before
    assert town.raw.get("{ablehand}:last") is None


def test_every_field_that_is_wrong_is_told_at_once(alice: TestClient) -> None:
    """Each with its sentence, marked for those who do not see it, and the first of them has the focus."""
    page = sent(alice, prompt=" ", branch="-x", agent="../x", model="a b").text

    assert set(errors(page)) == {"prompt", "branch", "agent", "model"}
    assert page.count('aria-invalid="true"') == 4
    assert page.count("autofocus") == 1
    assert 'aria-describedby="branch-error branch-hint"' in page


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"repository": "shop/other"}, 404, "repository"),
        ({"branch": "nowhere"}, 404, "branch"),
        ({"agent": "codex"}, 409, "agent"),
        ({"prompt": "x" * 16_001}, 400, "prompt"),
    ],
)
def test_what_gitlab_does_not_have_is_told_at_its_field(
    town: Town, alice: TestClient, changes: dict[str, Any], status: int, field: str
) -> None:
    """With all that was typed, and nothing is stored."""
    answer = sent(alice, **changes)

    assert (answer.status_code, set(errors(answer.text))) == (status, {field})
    assert field == "agent" or values(answer.text)[field] == changes[field]
    assert town.raw.get("{ablehand}:last") is None


def test_who_may_not_is_told(town: Town, web: TestClient) -> None:
    """A Reporter reads why, above the form, and what they typed is still there."""
    town.sign_in(web, "rob")

    answer = sent(web)

    assert answer.status_code == 403
    assert "you need Developer access" in answer.text
    assert values(answer.text)["prompt"] == TYPED["prompt"]


def test_while_gitlab_is_away_nothing_typed_is_lost(town: Town, alice: TestClient) -> None:
    """503 with a sentence, and the form as it was."""
    carried = hidden(alice)
    town.gitlab.faults.down = Outage.BAD_GATEWAY

    answer = sent(alice, carried)

    assert answer.status_code == 503
    assert "GitLab does not answer" in answer.text
    assert values(answer.text)["repository"] == "shop/web"


def test_another_sites_form_starts_nothing(town: Town, alice: TestClient) -> None:
    """Without our token, or from elsewhere, it is refused."""
    carried = hidden(alice)

    answers = [
        alice.post(FORM, data=TYPED, headers={"Origin": HERE}),
        alice.post(FORM, data=TYPED | {"csrf_token": "x" * 64}, headers={"Origin": HERE}),
        alice.post(FORM, data=TYPED | carried, headers={"Origin": "https://evil.example"}),
        alice.post(FORM, data=TYPED | carried),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert town.raw.get("{ablehand}:last") is None


def test_a_session_that_ended_meanwhile_leads_back_to_the_form(town: Town, alice: TestClient) -> None:
    """By a link, since a form may lead to no other site; there the browser puts back what was typed."""
    carried = hidden(alice)
    town.raw.delete(*town.raw.scan_iter("{ablehand}:session:*"))

    answer = sent(alice, carried)

    assert answer.status_code == 401
    assert 'href="/sign-in?next=/tasks/new%3Fkept%3D1"' in answer.text


def test_a_form_that_is_too_large_is_refused(alice: TestClient) -> None:
    """Before it is read."""
    assert sent(alice, prompt="x" * 300_000).status_code == 413


def test_who_starts_too_much_waits(alice: TestClient) -> None:
    """The API's limit counts here too."""
    carried = hidden(alice)
    answers = [sent(alice, carried, prompt=" x") for _ in range(61)]

    assert {answer.status_code for answer in answers[:60]} == {303}
    assert answers[60].status_code == 429
    assert "Go on in" in answers[60].text


def test_an_address_fills_in_the_form(alice: TestClient) -> None:
    """For links in wikis; whatever it says is text."""
    page = alice.get(FORM, params={"repository": "shop/web", "branch": "next", "prompt": '</textarea><b>"x'}).text

    assert values(page) == {"repository": "shop/web", "branch": "next", "model": "", "prompt": '</textarea><b>"x'}
    assert "<b>" not in page


def test_a_form_like_a_task_asks_for_the_same(town: Town, alice: TestClient) -> None:
    """Ask again, and change what is to be different; of a task that is not for somebody, nothing is told."""
    told: dict[str, Any] = {"prompt": "\nFirst line\n", "branch": "next", "agent": "claude", "model": "sonnet"}
    mine = town.task(repository="shop/web", **told)
    other = town.task(project=town.gitlab.world.add_project("secret/plans"), prompt="canary")

    page = alice.get(f"{FORM}?like={mine}").text
    refused = alice.get(f"{FORM}?like={other}")

    assert values(page) == {
        "repository": "shop/web", "branch": "next", "model": "sonnet", "prompt": "\nFirst line\n",
    }  # fmt: skip
    assert "<option selected>claude</option>" in page
    assert (refused.status_code, "canary" in refused.text) == (404, False)


def test_only_what_the_operator_allows_is_offered(town: Town) -> None:
    """The agents by name; of the models those that are names, and every glob in words."""
    bounds = {"allowed_agents": ("command",), "allowed_models": ("claude-sonnet-5", "claude-opus-*")}
    with changed(town, **bounds).bot() as web:
        town.sign_in(web, "alice")
        page = web.get(FORM).text

    assert re.findall(r"<option>(\w+)</option>", page) == ["claude", "command"]
    assert re.findall(r'<option value="(claude[^"]*)">', page) == ["claude-sonnet-5"]
    assert "One of claude-sonnet-5, claude-opus-*." in page


def test_where_nobody_signs_in_nobody_starts_anything(town: Town) -> None:
    """The table does not offer it, and the form says why."""
    with changed(town, oidc_client_id="").bot() as web:
        table, form = web.get("/"), web.get(FORM)

    assert "/tasks/new" not in table.text
    assert (form.status_code, "Nobody signs in here" in form.text) == (403, True)
