"""The agent of the pictures of our own pages: prints what a real one would."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

STEPS = ("Read the sessions' code", "Put a store before the dictionary", "Write the Redis store", "Run the tests")
LOG = """\
\x1b[1m$ rg -n "sessions\\[" --type py\x1b[0m
auth/login.py:41:    sessions[token] = user
auth/logout.py:12:    sessions.pop(token, None)
auth/middleware.py:27:    user = sessions.get(token)
\x1b[1m$ pytest -q tests/auth\x1b[0m
\x1b[32m............\x1b[0m                                                             [100%]
\x1b[32m12 passed\x1b[0m in 0.84s
Writing auth/redis_sessions.py
"""


def main() -> int:
    """Answer by what the prompt asks for."""
    prompt = sys.stdin.read()
    if "Refactor" in prompt:
        return refactor()
    tell(kind="progress", text="Editing `server.py`", turns=9, cost_usd=round(len(prompt) % 97 / 60 + 0.08, 2))
    if "fails once" in prompt:
        print("I ran the checkout test 200 times and it did not fail once.", flush=True)
        return 1
    with Path("server.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef health():\n    return 200, 'ok'\n")
    return 0


def refactor() -> int:
    """Work until the picture is taken."""
    items = [
        [step, "done" if number < 2 else "active" if number == 2 else "pending"] for number, step in enumerate(STEPS)
    ]
    tell(kind="checklist", items=items)
    tell(kind="progress", text="Writing `auth/redis_sessions.py`", turns=14, cost_usd=0.42)
    print(LOG, end="", flush=True)
    time.sleep(600)
    return 0


def tell(**event: Any) -> None:
    """Print an event of the contract."""
    print("@ablehand " + json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main())
