"""What our processes print: one JSON object a line, be it ours or a library's."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging
from core import logs
from core.redaction import Redactor
logs.configure(Redactor(["canary-secret"]), room="bot")
logging.getLogger("uvicorn.error").info(
    "Started with %s", "canary-secret", extra={"color_message": "Started with \\x1b[36m%s\\x1b[0m"}
)
"""


def test_a_librarys_record_is_one_plain_object() -> None:
    """Its words once, without a secret, and not again as uvicorn would colour them for a terminal."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)

    [line] = done.stderr.splitlines()
    told = json.loads(line)
    assert sorted(told) == ["level", "logger", "message", "room", "timestamp"]
    assert (told["room"], told["logger"], told["level"]) == ("bot", "uvicorn.error", "info")
    assert told["message"].startswith("Started with ")
    assert "canary-secret" not in line
