"""The flags before a prompt, read by click line by line; the text behind them stays as it was written."""

from __future__ import annotations

import difflib
import itertools
import re
from dataclasses import dataclass, field
from typing import Any, Final

import click

from worker.conversation import sanitize
from worker.conversation.vocabulary import FLAG_NAMES, FLAGS

_PARSER: Final = click.Command(
    "agent",
    params=[*FLAGS, click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
    add_help_option=False,
    context_settings={"allow_interspersed_args": False},
)
_LONG_DASH: Final = re.compile(r"^(?:[\u2013\u2014](?=\w)|-(?=\w\w))")
"""What telephones make of two dashes, and one dash where two were meant."""
_WORD: Final = re.compile(r"\S+")
_RULE: Final = re.compile(r"[-\u2013\u2014]{3,}|[\u2013\u2014]")
_LINES_LIMIT: Final = 20
_WORDS_LIMIT: Final = 24
_WORD_CHARACTERS: Final = 400
_HINT: Final = "Put `--` before a text that begins with a dash."


@dataclass(frozen=True, slots=True)
class Taken:
    """The flags that were taken, and the text behind them. *is_ended*: by ``--``, so that no verb follows."""

    rest: str
    values: dict[str, Any] = field(default_factory=dict)
    """By the flags' names; only those that were given."""
    wants_help: bool = False
    is_ended: bool = False

    def and_then(self, later: Taken) -> Taken:
        """Give *later*, with this one's flags where it has none."""
        wants_help = later.wants_help or self.wants_help
        return Taken(later.rest, self.values | later.values, wants_help, self.is_ended or later.is_ended)


def take_flags(rest: str) -> Taken:
    """Read the flags that *rest* begins with; they may fill several lines.

    Raises:
        click.UsageError: A flag that there is not, or a value that it can't have.
    """
    taken = Taken(rest)
    for _ in range(_LINES_LIMIT):
        line, _, below = taken.rest.lstrip().partition("\n")
        here = _take_from_line(line)
        if here.rest == line:
            break
        taken = taken.and_then(Taken(f"{here.rest}\n{below}", here.values, here.wants_help, here.is_ended))
        if here.rest or taken.is_ended:
            break
    return taken


def explain(error: click.UsageError) -> str:
    """Say in our own words what click found; its sentences are written for a terminal."""
    if isinstance(error, click.NoSuchOption):
        close = difflib.get_close_matches(error.option_name, FLAG_NAMES, n=1)
        nearest = f"did you mean `{close[0]}`?" if close else f"I know {_listed(FLAG_NAMES)}."
        return f"I don't know the flag {sanitize.code(error.option_name, 40)}: {nearest} {_HINT}"
    if isinstance(error, click.BadParameter) and error.param is not None:
        wanted = getattr(error.param.type, "wanted", "")
        return f"{sanitize.code(error.message, 80)} can't be the value of `{error.param.opts[0]}`: {wanted}"
    if isinstance(error, click.BadOptionUsage) and error.option_name in FLAG_NAMES:
        flag = next(flag for flag in FLAGS if flag.opts[0] == error.option_name)
        if flag.is_flag:
            return f"The flag `{error.option_name}` takes no value."
        example = {"NAME": "main", "DOLLARS": "5", "TIME": "45m"}.get(flag.metavar or "", "")
        return f"The flag `{error.option_name}` needs a value behind it, as in `{error.option_name} {example}`."
    return f"I could not read the flags of that command. {_HINT}"


def _take_from_line(line: str) -> Taken:
    found = list(itertools.islice(_WORD.finditer(line), _WORDS_LIMIT))
    words = [_LONG_DASH.sub("--", match[0][:_WORD_CHARACTERS]) for match in found]
    if not words or not words[0].startswith("-") or _RULE.fullmatch(words[0]):
        return Taken(line)
    context = _PARSER.make_context("agent", list(words))
    count = len(words) - len(context.params["words"])
    behind = line[found[count].start() :] if count < len(found) else ""
    is_given = {name: context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
                for name in context.params}  # fmt: skip
    values = {name: value for name, value in context.params.items() if is_given[name] and name not in {"words", "help"}}
    return Taken(behind, values, bool(context.params["help"]), is_ended=count > 0 and words[count - 1] == "--")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names[:-1]) + f" and `{names[-1]}`"
