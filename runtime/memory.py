"""What an agent remembers of an earlier run: its transcript comes in with the order, and goes out with the log.

Where a session can't be gone on with, a fresh one begins: the order's context tells of the work before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from runtime.contract import Failure, StepResult
from runtime.parts import PLAIN_LIMIT_BYTES, Transcript, encode_parts, is_name, pack, unpack
from runtime.plain_file import NotPlain, open_plain_file
from runtime.sandbox import Sandbox

FOLDER: Final = "earlier"


def earlier_session(sandbox: Sandbox) -> Path | None:
    """Write the order's transcript to a file of the agent's and name it; None where there is none to be used."""
    order = sandbox.order
    if not order.transcript or not is_name(order.transcript_name):
        return None
    try:
        content = unpack(order.transcript)
    except ValueError as error:
        sandbox.console.write(f"The earlier session can't be used: {error}")
        return None
    folder = sandbox.workspace / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / order.transcript_name
    path.write_bytes(content)
    return path


def was_refused(result: StepResult) -> bool:
    """Whether an agent that was to go on with a session failed before it did anything."""
    return not result.ok and result.failure == Failure.AGENT and not (result.tokens or result.turns)


def keep_session(sandbox: Sandbox, path: Path | None, session: str) -> None:
    """Print the transcript at *path* for the worker to keep; one that is too long is not kept, and the log says so."""
    if path is None or not is_name(path.name) or not is_name(session):
        return
    console = sandbox.console
    try:
        file = open_plain_file(path)
        if file is None:
            return
        with file:
            content = file.read(PLAIN_LIMIT_BYTES + 1)
        plain = console.redact(content.decode(errors="replace")).encode()
        console.print_parts(encode_parts(Transcript(session=session, name=path.name, packed=pack(plain))))
    except (NotPlain, ValueError, OSError) as error:
        console.write(f"The session is not kept for later: {error}")
