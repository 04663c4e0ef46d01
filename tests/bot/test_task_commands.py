"""`ablehand task` against a bot that listens: what it prints, and its exit status."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from ablehand import main
from operate.api_client import ApiError
from operate.task_commands import task
from tests.bot.serving import served
from tests.bot.test_streams import written
from tests.bot.town import Town, changed


@pytest.fixture
def url(town: Town) -> Iterator[str]:
    """Give the address of the town's bot."""
    with served(town) as url:
        yield url


def ends(raw: Redis, task_id: int, phase: str) -> None:
    """Let a task end as soon as it is there."""
    while not raw.exists(f"{{ablehand}}:task:{task_id}"):
        threading.Event().wait(0.01)
    changed(raw, task_id, phase=phase)


def ablehand(town: Town, url: str, *words: str, username: str = "alice", stdin: str = "") -> Result:
    """Run a command as somebody."""
    environment = {"ABLEHAND_PUBLIC_URL": url, "ABLEHAND_TOKEN": town.token(username)}
    return CliRunner().invoke(task, words, env=environment, input=stdin)


def test_a_task_is_asked_for_and_shown(town: Town, url: str) -> None:
    """As lines that people read; as JSON for scripts."""
    asked = ablehand(town, url, "run", "shop/web", "Add a /health endpoint", "--json")
    shown = ablehand(town, url, "show", "1")

    assert (asked.exit_code, json.loads(asked.output)["status"]) == (0, "pending")
    assert shown.exit_code == 0
    assert "status             pending\n" in shown.output
    assert "requester          alice\n" in shown.output
    assert shown.output.endswith("\nAdd a /health endpoint\n")


def test_a_prompt_comes_from_standard_input(town: Town, url: str) -> None:
    """Several lines, as they are; the same key asks once."""
    for _ in range(2):
        asked = ablehand(town, url, "run", "shop/web", "-", "--key", "k", "--json", stdin="One\nTwo\n")

    assert (json.loads(asked.output)["id"], json.loads(asked.output)["prompt"]) == (1, "One\nTwo\n")


def test_tasks_are_listed(town: Town, url: str) -> None:
    """A table whose columns stand below each other, without what a terminal would obey; filtered if so wanted."""
    town.task(prompt="First\nof them", requester_username="alice", repository="shop/web")
    town.task(prompt="\x1b]0;evil\x07Second", phase="failed", repository="shop/web")

    table = ablehand(town, url, "list", username="rob")
    failed = ablehand(town, url, "list", "--status", "failed", "--json", username="rob")
    none = ablehand(town, url, "list", username="eve")

    assert table.output.splitlines() == [
        "ID  STATUS   PROJECT   ASKED BY  CREATED           WHAT",
        "2   failed   shop/web            2027-01-15T08:00  Second",
        "1   running  shop/web  alice     2027-01-15T08:00  First of them",
    ]
    assert [json.loads(line)["id"] for line in failed.output.splitlines()] == [2]
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "No tasks.\n")


def test_many_tasks_come_page_by_page(town: Town, url: str) -> None:
    """As many as were asked for."""
    for _ in range(120):
        town.task()

    listed = ablehand(town, url, "list", "--limit", "110", "--json")

    assert [json.loads(line)["id"] for line in listed.output.splitlines()] == list(range(120, 10, -1))


def test_a_log_is_printed_and_followed(town: Town, url: str, raw: Redis) -> None:
    """Until the task has ended, without what a terminal would obey."""
    task_id = town.task()
    written(raw, task_id, "\x1b[2Jone", "two")

    printed = ablehand(town, url, "logs", str(task_id))
    ending = threading.Thread(target=ends, args=(raw, task_id, "failed"))
    ending.start()
    followed = ablehand(town, url, "logs", "-f", str(task_id))
    ending.join()

    assert (printed.exit_code, printed.output) == (0, "one\ntwo\n")
    assert (followed.exit_code, followed.output) == (0, "one\ntwo\n")


@pytest.mark.parametrize(("phase", "status"), [("completed", 0), ("failed", 1)])
def test_waiting_ends_with_the_task(town: Town, url: str, raw: Redis, phase: str, status: int) -> None:
    """The status tells whether it completed."""
    ending = threading.Thread(target=ends, args=(raw, 1, phase))
    ending.start()
    waited = ablehand(town, url, "run", "shop/web", "Add it", "--wait", "--json", "--key", "k")
    ending.join()

    assert waited.exit_code == status
    assert json.loads(waited.stdout)["status"] == phase
    assert waited.stderr.startswith("Task 1: http")


def test_a_task_is_cancelled_and_tried_again(town: Town, url: str) -> None:
    """A running one, and one that has ended."""
    running, ended = town.task(), town.task(phase="failed")

    cancelled = ablehand(town, url, "cancel", str(running))
    again = ablehand(town, url, "retry", str(ended), "--json")

    assert (cancelled.exit_code, cancelled.output) == (0, "Task 1 is being cancelled.\n")
    assert json.loads(again.output)["parent_id"] == ended


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "4711"], "There is no such task"),
        (["run", "https://evil.example/x", "Add it"], "group/project"),
        (["logs", "-f", "4711"], "There is no such task"),
    ],
)
def test_a_refusal_is_a_sentence_and_status_1(
    town: Town,
    url: str,
    words: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The API's own words, on standard error."""
    monkeypatch.setattr("sys.argv", ["ablehand", "task", "--url", url, "--token", town.token("alice"), *words])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert sentence in capsys.readouterr().err


def test_nobody_there_is_a_sentence(town: Town) -> None:
    """So is a token that GitLab does not know, and a missing address."""
    nobody = ablehand(town, "http://127.0.0.1:9", "list")
    nowhere = CliRunner().invoke(task, ["list"], env={"ABLEHAND_PUBLIC_URL": "", "ABLEHAND_TOKEN": "x"})

    assert isinstance(nobody.exception, ApiError)
    assert "does not answer" in str(nobody.exception)
    assert (nowhere.exit_code, "ABLEHAND_PUBLIC_URL" in nowhere.output) == (2, True)
