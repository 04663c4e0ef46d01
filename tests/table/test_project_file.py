"""What `.ablehand.yml` brings about, played on the running product; the operator's bounds hold."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.product.stack import Stack


@dataclass(frozen=True, slots=True)
class Row:
    """The file's text, what is asked, and what the closing reply says."""

    text: str
    ask: str
    says: str


ROWS = {
    "a time limit ends the agent": Row("timeout: 1s", "/agent Do it DO hang", "The work took longer than it may"),
    "a flag within the limit": Row("timeout: 5m", "/agent --timeout 4m Do it DO edit", "is ready for your review"),
    "a flag over the project's time": Row(
        "timeout: 5m", "/agent --timeout 6m Do it DO edit", "a task may take at most 5 min here"
    ),
    "a flag over the project's money": Row(
        "budget: 2", "/agent --budget 3 Do it DO edit", "a task may cost at most $2.00 here"
    ),
    "a file more that is protected": Row(
        "protected_paths: [change.txt]", "/agent Do it DO edit", "files that the agent may not change"
    ),
    "what the operator protects stays so": Row(
        "protected_paths: [other]", "/agent Do it DO edit=CODEOWNERS", "files that the agent may not change"
    ),
    "a broken file counts as not there": Row("timeout: soon", "/agent Do it DO edit", "is ready for your review"),
    "no YAML at all": Row("[", "/agent Do it DO edit", "is ready for your review"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_project_file(stack: Stack, row: Row) -> None:
    """One task each, to its closing reply."""
    issue = stack.issue(stack.project(files={"README.md": "# Web\n", ".ablehand.yml": row.text}))

    stack.ask(issue, row.ask)

    assert row.says.replace("$", "") in stack.wait_for_closing(issue).replace("\u2060", "").replace("\\$", "")
    stack.wait_until_quiet()


def test_merge_requests_are_drafts_where_the_project_says_so(stack: Stack) -> None:
    """As GitLab marks them: by their titles."""
    issue = stack.issue(stack.project(files={"README.md": "# Web\n", ".ablehand.yml": "draft: true\n"}))

    stack.ask(issue, "/agent Do it DO edit")

    stack.wait_for_closing(issue)
    (request,) = stack.merge_requests(issue.project)
    assert request.title.startswith("Draft: ")


def test_what_is_wrong_is_said_once(stack: Stack) -> None:
    """In the first task's progress comment, and in no later one's."""
    project = stack.project(files={"README.md": "# Web\n", ".ablehand.yml": "modle: x\n"})
    first, second = stack.issue(project), stack.issue(project)

    for issue in (first, second):
        stack.ask(issue, "/agent Do it DO edit")
        stack.wait_for_closing(issue)

    said = [
        [note for note in stack.replies(issue) if "did you mean `model`?" in note.body] for issue in (first, second)
    ]
    assert [len(notes) for notes in said] == [1, 0]


def test_what_was_done_in_time_is_a_draft_where_the_project_says_so(stack: Stack) -> None:
    """The work of an agent that ran out of time, with a sentence that says so in reply and merge request."""
    text = "timeout: 10s\npublish_on_timeout: true\n"
    issue = stack.issue(stack.project(files={"README.md": "# Web\n", ".ablehand.yml": text}))

    stack.ask(issue, "/agent Do it DO edit hang")

    closing = stack.wait_for_closing(issue)
    (request,) = stack.merge_requests(issue.project)
    assert request.title.startswith("Draft: ")
    assert request.description.startswith("The agent ran out of time before it was done")
    assert "Not finished: see" in closing
    assert "ready for your review" not in closing


def test_what_setup_makes_is_kept_for_the_next_task(stack: Stack) -> None:
    """The second task of the project does not run the script again, and its comment says so."""
    text = "setup_cache: [README.md]\nsetup_cache_folders: [vendor]\n"
    files = {"README.md": "# Web\n", ".ablehand.yml": text, "agent-setup.sh": "mkdir -p vendor; echo made > vendor/x\n"}
    project = stack.project(files=files | {".gitignore": "vendor\n"})

    shown = []
    for _ in range(2):
        issue = stack.issue(project)
        stack.ask(issue, "/agent Do it DO edit")
        stack.wait_for_closing(issue)
        stack.wait_until_quiet()
        shown.append(next(note.body for note in stack.replies(issue) if "agent-setup.sh" in note.body))

    assert ["Ran `agent-setup.sh`" in text for text in shown] == [True, False]
    assert ["Restored the result of `agent-setup.sh`" in text for text in shown] == [False, True]
