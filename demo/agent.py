"""The scripted agent of the demo: what a model would decide is written down here, the work is real.

It reads the prompt on standard input, edits the seeded project's files and runs the project's own tests. It speaks the
same small protocol as any program that is used with ``ABLEHAND_AGENT=command``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ENDPOINT = """def health():
    return 200, "OK\\n"


ROUTES = {
    "/": hello,
    "/health": health,
}
"""
OLD_ROUTES = """ROUTES = {
    "/": hello,
}
"""
TEST = """    def test_health_is_ok(self):
        self.assertEqual((200, "OK\\n"), self.get("/health"))

"""
BEFORE_TEST = "    def test_unknown_path_is_not_found"
PLAN = ("Read the instructions", "Add the endpoint to server.py", "Add a test", "Run the tests")
FOLLOW_UP = '{"status": "ok"}'
SECOND_PLAN = ("Read the thread", "Answer with JSON", "Mend the test", "Run the tests")


def main() -> int:
    """Do one of the two seeded tasks; answer 1 where the prompt asks for something else."""
    prompt = sys.stdin.read()
    if FOLLOW_UP in prompt:
        return follow_up()
    if "/health" in prompt:
        return add_endpoint()
    say("I am only a script, and I know two tasks: adding a /health endpoint, and having it answer with JSON.")
    return 1


def add_endpoint() -> int:
    """Add the endpoint and its test."""
    show(0, "Reading `CLAUDE.md`")
    say(Path("CLAUDE.md").read_text(encoding="utf-8").splitlines()[0])
    show(1, "Editing `server.py`")
    edit(Path("server.py"), OLD_ROUTES, ENDPOINT)
    show(2, "Editing `test_server.py`")
    edit(Path("test_server.py"), BEFORE_TEST, TEST + BEFORE_TEST)
    show(3, "Running `python3 -m unittest`")
    status = run_tests()
    show(4, "Done")
    summary("Added `GET /health`, which answers `200 OK`, and a test for it.\n\nThe tests pass: `python3 -m unittest`.")
    return status


def follow_up() -> int:
    """Do what the review comment asks for."""
    show(0, "Reading the thread", SECOND_PLAN)
    show(1, "Editing `server.py`", SECOND_PLAN)
    edit(Path("server.py"), 'return 200, "OK\\n"', f"return 200, '{FOLLOW_UP}\\n'")
    show(2, "Editing `test_server.py`", SECOND_PLAN)
    edit(Path("test_server.py"), '(200, "OK\\n")', f"(200, '{FOLLOW_UP}\\n')")
    show(3, "Running `python3 -m unittest`", SECOND_PLAN)
    status = run_tests()
    show(4, "Done", SECOND_PLAN)
    summary("`/health` answers with a JSON object now, and its test expects that.\n\nThe tests pass.")
    return status


def run_tests() -> int:
    """Run the project's tests, and show what they say."""
    tests = subprocess.run([sys.executable, "-m", "unittest"], capture_output=True, text=True, check=False)
    say(tests.stderr.strip())
    return tests.returncode


def edit(path: Path, old: str, new: str) -> None:
    """Replace *old* by *new* once."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def show(done: int, current: str, plan: tuple[str, ...] = PLAN) -> None:
    """Tell how far the plan is."""
    states = ["done" if place < done else "active" if place == done else "pending" for place in range(len(plan))]
    event({"kind": "checklist", "items": list(zip(plan, states, strict=True))})
    event({"kind": "progress", "text": current, "turns": done + 1})


def event(value: dict[str, object]) -> None:
    """Print one event."""
    say("@ablehand " + json.dumps(value))


def say(text: str) -> None:
    """Print to the log."""
    print(text, flush=True)  # noqa: T201 - standard output is the agent's log


def summary(text: str) -> None:
    """Leave the words for the merge request."""
    path = os.environ.get("ABLEHAND_SUMMARY_FILE")  # noqa: TID251 - the contract of a command agent
    if path:
        Path(path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
