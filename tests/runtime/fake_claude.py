"""Stands in for Claude Code: records how it was called and plays the script that CLAUDE_FAKE_SCRIPT names.

The script is a list of steps: a text is printed as it is, an object as a line of JSON; ``["sleep", s]``,
``["exit", code]``, ``["stderr", text]`` and ``["write", path, text]`` do what they say.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def play(step: Any) -> None:
    """Do one step of the script."""
    match step:
        case ["sleep", seconds]:
            time.sleep(seconds)
        case ["exit", code]:
            sys.exit(code)
        case ["stderr", text]:
            sys.stderr.write(text + "\n")
        case ["write", path, text]:
            Path(path).write_text(text)
        case str():
            sys.stdout.write(step + "\n")
        case _:
            sys.stdout.write(json.dumps(step) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    script = Path(os.environ["CLAUDE_FAKE_SCRIPT"])
    call = {"arguments": sys.argv[1:], "environ": dict(os.environ), "stdin": sys.stdin.read()}
    script.with_suffix(".call").write_text(json.dumps(call))
    for one in json.loads(script.read_text()):
        play(one)
