"""What somebody wants of us, read from a note: pure, never raises, quick on hostile text.

Called by intake. A command is a line of a top-level paragraph that begins with ``/agent`` or with a mention of the bot;
in quotes, code, lists, HTML and comments it is none. The first one in a note counts. Where there is none, a mention
within a paragraph's line makes the whole note one. The words are in `worker.conversation.vocabulary`.

How words are told from a prompt: ``run`` and ``plan`` take a prompt, so that whatever follows belongs to them; ``help``
may be followed by a verb, the others by a task's number. Followed by anything else they begin an ordinary prompt
("status page is broken, fix it"). A single word that is nearly a verb is never a prompt: a run costs money.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any, Final

import click

from worker.conversation.command_line import find_command
from worker.conversation.flags import Taken, explain, take_flags
from worker.conversation.vocabulary import BY_NAME, MEANT, Verb

PROMPT_LIMIT_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the flags chose; empty, 0 and False: nothing was said, the project's or the operator's own counts."""

    branch: str = ""
    target: str = ""
    agent: str = ""
    model: str = ""
    budget: float = 0.0
    """US dollars."""
    timeout: int = 0
    """Seconds."""
    draft: bool = False
    image: str = ""


@dataclass(frozen=True, slots=True)
class Run(Wishes):
    """Work on *prompt*, as it was written."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Plan(Wishes):
    """Write a plan for *prompt* and change nothing."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Review:
    """Review the merge request that it is asked on."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Carry out the plan of task *number*; 0: the newest one here."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop task *number*; 0: the newest here that has not ended."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Retry(Wishes):
    """Do task *number* again; 0: the last here that has ended. What the flags chose counts, else what it had."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """Say how task *number* stands; 0: all tasks here."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Logs:
    """Link the log of task *number*; 0: of the newest one here."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Help:
    """Say what can be said."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A single *word* that is no verb but *nearest* is: start nothing, ask."""

    word: str
    nearest: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something about the command is wrong; *sentence* says what, in harmless Markdown."""

    sentence: str


@dataclass(frozen=True, slots=True)
class TooLong:
    """The prompt has *size_bytes*, more than `PROMPT_LIMIT_BYTES`."""

    size_bytes: int


Words = Help | Unclear | Malformed | TooLong
"""What is answered in words alone."""
Command = Run | Plan | Review | Approve | Cancel | Retry | Status | Logs | Words

_ABOUT_A_TASK: Final[dict[str, type[Approve | Cancel | Status | Logs]]] = {
    "approve": Approve,
    "cancel": Cancel,
    "status": Status,
    "logs": Logs,
}
_WORD: Final = re.compile(r"\S+")
_NUMBER: Final = re.compile(r"#?(\d{1,15})", re.ASCII)
_FILLERS: Final = frozenset({"please", "it", "this", "that", "now", "task", "the", "run", "work"})
"""Words that may stand behind a verb and change nothing: ``cancel it please``."""
_COURTESIES: Final = frozenset({"", "thanks", "thank you", "thx", "ty", "danke", "merci", "cc", "fyi"})
_LOOK_CHARACTERS: Final = 300
_VERB_CHARACTERS: Final = 40


def parse(text: str, *, bot: str = "") -> Command | None:
    """Read the first command in a note; None where there is none. *bot*: its username; empty: mentions are no commands.

    A mention with nothing but thanks is none.
    """
    found = find_command(text, bot)
    if found is None:
        return None
    if found.is_out_of_reach:
        return Malformed("Your comment is too long for me to look through: put the `/agent` line at its top.")
    if found.is_mention and _bare(found.rest[:_LOOK_CHARACTERS].strip()) in _COURTESIES - {""}:
        return None
    try:
        return _read(found.rest)
    except click.UsageError as error:
        return Malformed(explain(error))


def _read(rest: str) -> Command:
    """Read what stands behind ``/agent``: flags, perhaps a verb, flags again, and the rest as it is."""
    head = take_flags(rest)
    text = head.rest.lstrip()
    first = "" if head.is_ended else text[:_LOOK_CHARACTERS].partition("\n")[0]
    found = _WORD.match(first)
    word, behind = (found[0], first[found.end() :]) if found else ("", "")
    verb = _verb_of(word, behind)
    if head.wants_help or (verb and verb.name == "help"):
        return Help()
    if verb and verb.takes == "prompt":
        return _prompt(verb.name, head.and_then(take_flags(text[len(word) :])))
    if verb:
        return _about(verb, head, _after(behind), text.partition("\n")[2])
    if _after(behind).left == [] and (nearest := _nearest_verb(word)):
        return Unclear(word, nearest)
    return _prompt("run", head)


def _prompt(name: str, head: Taken) -> Command:
    prompt = head.rest.strip()
    if head.wants_help or not prompt:
        return Help()
    size = len(prompt.encode(errors="replace"))
    if size > PROMPT_LIMIT_BYTES:
        return TooLong(size)
    return (Plan if name == "plan" else Run)(prompt, **head.values)


def _about(verb: Verb, head: Taken, after: _After, below: str) -> Command:
    """Give the command of a verb that takes no prompt; of these, `retry` alone takes flags."""
    if verb.name == "retry":
        return Retry(after.number, **(head.values | after.flags | take_flags(below).values))
    if head.values or after.flags:
        return Malformed(f"`/agent {verb.name}` takes no flags.")
    return Review() if verb.name == "review" else _ABOUT_A_TASK[verb.name](after.number)


@dataclass(frozen=True, slots=True)
class _After:
    """What stands behind a verb on its line: a task's number, flags, and the words that are *left*."""

    number: int
    flags: dict[str, Any]
    left: list[str]


def _after(line: str) -> _After:
    number, words = 0, line.split()
    flags: dict[str, Any] = {}
    while words:
        taken = take_flags(" ".join(words)) if words[0].startswith("-") else Taken(line)
        flags |= taken.values
        words = taken.rest.split() if taken.values else words
        found = _NUMBER.fullmatch(words[0]) if words else None
        if found and not number:
            number = int(found[1])
        elif words and _bare(words[0]) not in _FILLERS:
            break
        words = words[1:]
    return _After(number, flags, words)


def _verb_of(word: str, behind: str) -> Verb | None:
    """Give the verb that the line begins with, where what follows is what it takes."""
    verb = BY_NAME.get(word.lower()) or BY_NAME.get(_bare(word))
    if verb is None or verb.takes == "prompt":
        return verb
    if verb.takes == "verb":
        return verb if all(_bare(other) in MEANT for other in behind.split()[:2]) else None
    after = _after(behind)
    return verb if not after.left and (verb.takes == "number" or not after.number) else None


def _nearest_verb(word: str) -> str:
    bare = _bare(word)
    close = difflib.get_close_matches(bare, BY_NAME, n=1, cutoff=0.75)
    return MEANT.get(bare) or (close[0] if close else "")


def _bare(word: str) -> str:
    return word[:_VERB_CHARACTERS].lower().strip(".,:;!?`'\"")
