"""The limits, played on a running product that has few of everything."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from tests.product.conftest import short_folder
from tests.product.stack import Stack, run_stack


@pytest.fixture(scope="module")
def strict() -> Iterator[Stack]:
    """Give a product with one run at once, little money, and few tasks an hour."""
    with (
        short_folder() as folder,
        run_stack(
            folder, max_runs="1", max_tasks_per_hour="3", budget_usd="4", budget_usd_per_day_project="4"
        ) as running,
    ):
        yield running


def test_who_waits_and_who_is_refused(strict: Stack) -> None:
    """The second task waits for the first's slot and says so; the fourth of an hour is refused with a time."""
    issue = strict.issue()
    with socket.create_server(("127.0.0.1", 0)) as gate:
        gate.settimeout(120)
        strict.ask(issue, f"/agent please DO wait={gate.getsockname()[1]}")
        first, _ = gate.accept()
        strict.ask(issue, "/agent please DO nothing")
        strict.wait(lambda: any("in the queue" in note.body for note in strict.replies(issue)), "a place in the queue")
        strict.ask(issue, "/agent --budget 1 please DO nothing")
        # Taken in before the fourth is asked: workers that have much to do may swap the two.
        strict.wait(
            lambda: sum("in the queue" in note.body for note in strict.replies(issue)) == 2, "the third task's place"
        )
        strict.ask(issue, "/agent status")
        strict.wait(
            lambda: any("1 run goes on in all, the limit here" in note.body for note in strict.replies(issue)),
            "why it waits",
        )
        strict.ask(issue, "/agent one too many")
        refusal = strict.wait(
            lambda: next((note for note in strict.replies(issue) if "3 tasks an hour" in note.body), None), "a refusal"
        )
        first.sendall(b"x")
        first.close()
    strict.wait_until_quiet()

    assert re.search(r"The next is free at \d\d:\d\d UTC: `/agent retry` then\.", refusal.body)
    assert sum("Nothing needed changing" in note.body for note in strict.replies(issue)) == 3
