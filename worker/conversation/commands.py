"""What somebody wants of us, read from a note: pure, never raises, quick on hostile text.

Called by intake. A command is a line of a top-level paragraph that begins with ``/agent``; in quotes, code, lists, HTML
and comments it is none. The first one in a note counts. `VERBS` and `FLAGS` are the one place where the words are; help
is made from them.

How words are told from a prompt: ``run`` and ``plan`` take a prompt, so that whatever follows belongs to them; ``help``
may be followed by a verb, the others by a task's number. Followed by anything else they begin an ordinary prompt
("status page is broken, fix it"). A single word that is nearly a verb is never a prompt: a run costs money.
"""

from __future__ import annotations

import difflib
import itertools
import re
from dataclasses import dataclass
from typing import Any, Final

import click

from worker.conversation import sanitize
from worker.conversation.command_line import find_command

PROMPT_LIMIT_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Run:
    """Work on *prompt*, as it was written; empty *branch* and *model*: the project's own."""

    prompt: str
    branch: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """Say what can be said."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A single *word* that is no verb but *nearest* is: start nothing, ask."""

    word: str
    nearest: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """A verb that is reserved: start nothing, say so."""

    verb: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something about the command is wrong; *sentence* says what, in harmless Markdown."""

    sentence: str


@dataclass(frozen=True, slots=True)
class TooLong:
    """The prompt has *size_bytes*, more than `PROMPT_LIMIT_BYTES`."""

    size_bytes: int


Command = Run | Help | Unclear | NotYet | Malformed | TooLong


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A word behind ``/agent``. *takes*: prompt, number or verb; *also*: what people say who mean it."""

    name: str
    usage: str
    says: str
    takes: str = "number"
    also: tuple[str, ...] = ()
    is_available: bool = False


VERBS: Final = (
    Verb(
        name="run",
        usage="/agent <what to do>",
        says="works on it and opens a merge request; also `/agent run <what to do>`",
        takes="prompt",
        also=("start", "go"),
        is_available=True,
    ),
    Verb(name="help", usage="/agent help", says="shows this", takes="verb", also=("usage", "hilfe"), is_available=True),
    Verb(name="plan", usage="/agent plan <what to do>", says="writes a plan and waits for your word", takes="prompt"),
    Verb(name="approve", usage="/agent approve", says="carries out the plan", also=("ok", "lgtm", "yes")),
    Verb(name="cancel", usage="/agent cancel", says="stops the work", also=("stop", "abort", "kill", "halt")),
    Verb(name="retry", usage="/agent retry", says="tries again", also=("again", "restart", "rerun", "redo")),
    Verb(name="status", usage="/agent status", says="says how far it is", also=("state", "progress")),
    Verb(name="logs", usage="/agent logs", says="links the log", also=("log", "output")),
)


class _Name(click.ParamType[str]):
    """A value that is one name: quotes around it are dropped, what no branch or model is called is refused."""

    name = "name"

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip("`'\"\u2018\u2019\u201c\u201d")
        if text and not self._pattern.fullmatch(text):
            self.fail(text, param, ctx)
        return text


_BRANCH: Final = _Name(r"(?!.*(?:\.\.|//|/\.|\.lock/|@\{))\w(?:[\w./+#@-]{0,198}[\w+#@-])?(?<!\.lock)")
_MODEL: Final = _Name(r"[A-Za-z0-9][A-Za-z0-9_.:/@\[\]-]{0,127}")
FLAGS: Final = (
    click.Option(["--branch"], type=_BRANCH, default="", metavar="NAME", help="starts from another branch"),
    click.Option(["--model"], type=_MODEL, default="", metavar="NAME", help="uses another model"),
    click.Option(["--help", "-h"], is_flag=True, hidden=True),
)
_PARSER: Final = click.Command(
    "agent",
    params=[*FLAGS, click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
    add_help_option=False,
    context_settings={"allow_interspersed_args": False},
)
_BY_NAME: Final = {verb.name: verb for verb in VERBS}
_MEANT: Final = {word: verb.name for verb in VERBS for word in (verb.name, *verb.also)}
_FLAG_NAMES: Final = tuple(flag.opts[0] for flag in FLAGS if not flag.hidden)
_LONG_DASH: Final = re.compile(r"^(?:[\u2013\u2014](?=\w)|-(?=\w\w))")
"""What telephones make of two dashes, and one dash where two were meant."""
_WORD: Final = re.compile(r"\S+")
_NUMBER: Final = re.compile(r"#?\d{1,18}")
_FLAG_WORDS_LIMIT: Final = 16
_LOOK_CHARACTERS: Final = 300
_VERB_CHARACTERS: Final = 40


def parse(text: str) -> Command | None:
    """Read the first command in a note; None where there is none."""
    found = find_command(text)
    if found is None:
        return None
    if found.is_out_of_reach:
        return Malformed("Your comment is too long for me to look through: put the `/agent` line at its top.")
    try:
        return _read(found.rest)
    except click.UsageError as error:
        return _explain(error)


def help_text() -> str:
    """Give the table of verbs and flags as Markdown; what is not available yet stands apart."""
    now = [f"- `{verb.usage}` {verb.says}" for verb in VERBS if verb.is_available]
    flags = [f"- `{flag.opts[0]} {flag.metavar}` {flag.help}" for flag in FLAGS if not flag.hidden]
    later = ", ".join(f"`{verb.name}`" for verb in VERBS if not verb.is_available)
    return "\n".join(
        [
            "Write one of these at the start of a line in a comment:\n",
            *now,
            "\nBefore the text you may put:\n",
            *flags,
            "- `--` ends the flags, for a text that begins with a dash",
            *([f"\nNot available yet: {later}."] if later else []),
        ]
    )


def _read(rest: str) -> Command:
    """Read what stands behind ``/agent``: flags, perhaps a verb, flags again, and the rest as it is."""
    head = _take_flags(rest)
    words = [] if head.is_ended else _WORD.findall(head.rest.partition("\n")[0][:_LOOK_CHARACTERS])
    verb = _verb_of(words)
    if head.wants_help or (verb and verb.name == "help"):
        return Help()
    if verb and not verb.is_available:
        return NotYet(verb.name)
    if verb:
        return _run(head.merged_with(_take_flags(head.rest.lstrip()[len(verb.name) :])))
    if len(words) == 1 and (nearest := _nearest_verb(words[0])):
        return Unclear(words[0], nearest)
    return _run(head)


def _run(head: _Head) -> Command:
    prompt = head.rest.strip()
    if head.wants_help or not prompt:
        return Help()
    size = len(prompt.encode(errors="replace"))
    return TooLong(size) if size > PROMPT_LIMIT_BYTES else Run(prompt, head.branch, head.model)


@dataclass(frozen=True, slots=True)
class _Head:
    """The flags that were taken, and the text behind them. *is_ended*: by ``--``, so that no verb follows."""

    rest: str
    branch: str = ""
    model: str = ""
    wants_help: bool = False
    is_ended: bool = False

    def merged_with(self, later: _Head) -> _Head:
        """Give *later*, with this one's flags where it has none."""
        wants_help = later.wants_help or self.wants_help
        return _Head(later.rest, later.branch or self.branch, later.model or self.model, wants_help, later.is_ended)


def _take_flags(rest: str) -> _Head:
    """Let click read the flags of the first line; only their words reach it, the text behind stays as it was."""
    line, _, below = rest.partition("\n")
    found = list(itertools.islice(_WORD.finditer(line), _FLAG_WORDS_LIMIT))
    words = [_LONG_DASH.sub("--", match[0][:_LOOK_CHARACTERS]) for match in found]
    if not words or not words[0].startswith("-"):
        return _Head(rest)
    taken = _PARSER.make_context("agent", list(words)).params
    count = len(words) - len(taken["words"])
    behind = line[found[count].start() :] if count < len(found) else ""
    is_ended = count > 0 and words[count - 1] == "--"
    return _Head(f"{behind}\n{below}", taken["branch"], taken["model"], taken["help"], is_ended)


def _verb_of(words: list[str]) -> Verb | None:
    """Give the verb that the line begins with, where what follows is what it takes."""
    if not words:
        return None
    verb = _BY_NAME.get(words[0].lower()) or (_BY_NAME.get(_bare(words[0])) if len(words) == 1 else None)
    if verb is None or len(words) == 1 or verb.takes == "prompt":
        return verb
    fits = _bare(words[1]) in _MEANT if verb.takes == "verb" else bool(_NUMBER.fullmatch(words[1]))
    return verb if fits and len(words) == 2 else None  # noqa: PLR2004 - the verb and what it takes


def _nearest_verb(word: str) -> str:
    bare = _bare(word)
    close = difflib.get_close_matches(bare, _BY_NAME, n=1, cutoff=0.75)
    return _MEANT.get(bare) or (close[0] if close else "")


def _bare(word: str) -> str:
    return word[:_VERB_CHARACTERS].lower().strip(".,:;!?`'\"")


def _explain(error: click.UsageError) -> Malformed:
    """Say in our own words what click found; its sentences are written for a terminal."""
    hint = "Put `--` before a text that begins with a dash."
    if isinstance(error, click.NoSuchOption):
        close = difflib.get_close_matches(error.option_name, _FLAG_NAMES, n=1)
        nearest = f"did you mean `{close[0]}`?" if close else f"I know {_list(_FLAG_NAMES)}."
        return Malformed(f"I don't know the flag {sanitize.code(error.option_name, 40)}: {nearest} {hint}")
    if isinstance(error, click.BadParameter) and error.param is not None:
        value = sanitize.code(error.message, 80)
        return Malformed(f"{value} can't be the value of `{error.param.opts[0]}`: it has to be one plain name.")
    if isinstance(error, click.BadOptionUsage) and error.option_name in _FLAG_NAMES:
        return Malformed(f"The flag `{error.option_name}` needs a name behind it, as in `{error.option_name} main`.")
    return Malformed(f"I could not read the flags of that command. {hint}")


def _list(names: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in names)
