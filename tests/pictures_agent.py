"""The agent of the pictures in docs/usage.md: plays what a real one would do and say, for a few requests."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

PLAN = """\
### Plan

1. `sessions.py`: put a `SessionStore` before the dictionary, with `get`, `put` and `drop`.
2. `redis_sessions.py`: the same three with Redis behind them; the time to live is the cookie's.
3. `server.py`: choose the store by `SESSION_URL`.

Checked by the tests of both stores and one that logs in twice. Not sure: whether old sessions may be dropped once.
"""
REVIEW = """\
The endpoint works; one thing would fail in production.

```json
[{"path": "server.py", "line": 3, "text": "It says `ok` while the database is down."}]
```
"""


def main() -> int:
    """Answer by what the prompt asks for."""
    prompt = sys.stdin.read()
    if "Write a plan" in prompt:
        return summary(PLAN)
    if "Your last message is the review" in prompt:
        return summary(REVIEW)
    if "rewrite" in prompt:
        progress("Reading `server.py`")
        time.sleep(600)
    progress("Editing `server.py`")
    with Path("server.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef health():\n    return 200, 'ok'\n")
    return summary("Added `GET /health`, which answers `200`, and a test for it. The tests pass: `pytest`.")


def progress(words: str) -> None:
    """Say what is being done."""
    print("@ablehand " + json.dumps({"kind": "progress", "text": words}), flush=True)


def summary(text: str) -> int:
    """Leave the last words."""
    Path(os.environ["ABLEHAND_SUMMARY_FILE"]).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
