"""Takes an agent's transcript out of a run's log: put together, redacted, kept. Nobody is shown it.

It comes as lines of the agent step (`runtime.parts`), straight after one another. A follower that starts anew begins
behind the last line that was shown, which is before them, so that none of it is lost.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace

from core.task import Task
from core.transcripts import Kept, TranscriptStore
from runtime.parts import PREFIX, Collector, Transcript, pack, unpack

log = logging.getLogger(__name__)


class TranscriptKeeper:
    """Keeps what the run of one task prints of it."""

    def __init__(self, store: TranscriptStore, redact: Callable[[str], str], task: Task) -> None:
        self._store = store
        self._redact = redact
        self._task = task
        self._collector = Collector()

    async def take(self, line: str) -> bool:
        """Take *line* if it is a transcript's; whoever reads the log on has it kept by then."""
        if not line.startswith(PREFIX):
            return False
        transcript = self._collector.take(line)
        if transcript is not None:
            try:
                # Megabytes of regular expressions: the other followers go on meanwhile.
                transcript = await asyncio.to_thread(redacted, transcript, self._redact)
            except ValueError as error:
                log.warning("transcript not kept", extra={"task_id": self._task.id, "why": str(error)})
                return True
            names = ("session", "name", "packed")
            fields = {name: getattr(transcript, name) for name in names}
            await self._store.keep(Kept(task_id=self._task.id, agent=self._task.agent, **fields))
        return True


def redacted(transcript: Transcript, redact: Callable[[str], str]) -> Transcript:
    """Give the transcript without secrets; a line of JSON stays one.

    Raises:
        ValueError: It is damaged, or too long.
    """
    lines = unpack(transcript.packed).decode(errors="replace").split("\n")
    return replace(transcript, packed=pack("\n".join(_line(line, redact) for line in lines).encode()))


def _line(line: str, redact: Callable[[str], str]) -> str:
    plain = redact(line)
    if plain == line:
        return line
    try:
        return json.dumps(_value(json.loads(line), redact), ensure_ascii=False)
    except (ValueError, RecursionError):
        return plain


def _value(value: object, redact: Callable[[str], str]) -> object:
    """Redact text by text: over the quotation marks of JSON, a secret's shape could swallow them."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_value(item, redact) for item in value]
    if isinstance(value, dict):
        return {redact(name): _value(item, redact) for name, item in value.items()}
    return value
