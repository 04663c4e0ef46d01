"""The API is as its description says: schemathesis sends each operation what it describes, and what it does not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.api.openapi import document
from bot.api.operations import OPERATIONS
from tests.bot.serving import served
from tests.bot.town import HERE, Town

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SECONDS = 600


def test_the_server_serves_its_description(town: Town) -> None:
    """Anybody may read it, and every operation is in it once."""
    with town.bot() as client:
        described = client.get("/api/v1/openapi.json").json()

    names = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    assert described == document(HERE)
    assert sorted(names) == sorted(operation.name for operation in OPERATIONS)


@pytest.mark.parametrize(
    "which",
    [
        # A stream ends with its task: these meet such as have ended, and nobody who asks for new ones.
        pytest.param(["--include-operation-id", "readLog", "--include-operation-id", "followTask"], id="streams"),
        # The stream of all tasks has no end; test_streams follows it.
        pytest.param(["--exclude-operation-id-regex", "readLog|followTasks?"], id="others"),
    ],
)
def test_the_api_is_as_described(town: Town, tmp_path: Path, which: list[str]) -> None:
    """Whatever is sent: no error of the server's, no answer that is not described, nothing taken that should not be."""
    issue = town.gitlab.world.add_issue(town.project, author=town.people["alice"], title="A thing")
    for phase in ("completed", "failed", "failed"):
        town.task(issue, phase=phase)
    generous = replace(town, settings=town.settings.model_copy(update={"api_requests_per_minute": 10**6}))
    with served(generous) as url:
        command = [
            str(SCHEMATHESIS), "run", f"{url}/api/v1/openapi.json", "--url", f"{url}/api/v1", *which,
            "--header", f"Authorization: Bearer {town.token('alice')}",
            "--max-examples", "10", "--seed", "5", "--no-shrink", "--request-timeout", "60",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
