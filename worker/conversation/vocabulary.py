"""The words that can be said: one table of verbs, one of flags. Parser and help are made from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A word behind ``/agent``. *takes*: prompt, number, verb or nothing; *also*: what people say who mean it."""

    name: str
    usage: str
    says: str
    takes: str = "number"
    also: tuple[str, ...] = ()


VERBS: Final = (
    Verb(
        name="run",
        usage="/agent <what to do>",
        says="works on it and opens a merge request, or pushes to the one it is asked on; also `/agent run …`",
        takes="prompt",
        also=("start", "go"),
    ),
    Verb(
        name="plan",
        usage="/agent plan <what to do>",
        says="writes a plan, changes nothing and waits for your word",
        takes="prompt",
    ),
    Verb(
        name="review",
        usage="/agent review",
        says="reviews a merge request: comments on lines and a summary",
        takes="nothing",
    ),
    Verb(name="approve", usage="/agent approve", says="carries the plan out", also=("ok", "okay", "lgtm", "yes")),
    Verb(name="cancel", usage="/agent cancel", says="stops the work", also=("stop", "abort", "kill", "halt")),
    Verb(
        name="retry",
        usage="/agent retry",
        says="does again what did not work; takes flags too",
        also=("again", "restart", "rerun", "redo"),
    ),
    Verb(
        name="status",
        usage="/agent status",
        says="says what runs and waits here, and which limits there are",
        also=("state", "progress", "queue"),
    ),
    Verb(name="logs", usage="/agent logs", says="links the log", also=("log", "output")),
    Verb(name="help", usage="/agent help", says="shows this", takes="verb", also=("usage", "hilfe")),
)
BY_NAME: Final = {verb.name: verb for verb in VERBS}
MEANT: Final = {word: verb.name for verb in VERBS for word in (verb.name, *verb.also)}


_TIME: Final = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,5})m(?:in)?)?(?:(\d{1,6})s)?|(\d{1,5})", re.ASCII)


class _Name(click.ParamType[str]):
    """A value that is one name: quotes around it are dropped, what nothing is called is refused."""

    name = "name"
    wanted = "it has to be one plain name."

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip("`'\"\u2018\u2019\u201c\u201d")
        if text and not self._pattern.fullmatch(text):
            self.fail(text, param, ctx)
        return text


class _Dollars(click.ParamType[float]):
    """An amount of money."""

    name = "dollars"
    wanted = "it has to be an amount in US dollars, as in `--budget 2.50`."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"\$?(\d{1,6}(?:\.\d{1,2})?)\$?", str(value), re.ASCII)
        if isinstance(value, float):
            return value
        if not found or not float(found[1]):
            self.fail(str(value), param, ctx)
        return float(found[1])


class _Seconds(click.ParamType[int]):
    """A time: minutes where no unit is given."""

    name = "time"
    wanted = "it has to be a time, as in `--timeout 45m` or `--timeout 1h30m`."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _TIME.fullmatch(str(value))
        units = zip(found.groups("0"), (3600, 60, 1, 60), strict=True) if found else ()
        seconds = sum(int(part) * unit for part, unit in units)
        if not seconds:
            self.fail(str(value), param, ctx)
        return seconds


BRANCH: Final = _Name(r"(?!.*(?:\.\.|//|/\.|\.lock/|@\{))\w(?:[\w./+#@-]{0,198}[\w+#@-])?(?<!\.lock)")
_MODEL: Final = _Name(r"[A-Za-z0-9][A-Za-z0-9_.:/@\[\]-]{0,127}")
_AGENT: Final = _Name(r"[a-z][a-z0-9-]{0,31}")
_IMAGE: Final = _Name(r"[a-z0-9][A-Za-z0-9._/:@-]{0,300}")
FLAGS: Final = (
    click.Option(["--branch"], type=BRANCH, default="", metavar="NAME", help="starts from another branch"),
    click.Option(["--target"], type=BRANCH, default="", metavar="NAME", help="has the merge request go to that branch"),
    click.Option(["--agent"], type=_AGENT, default="", metavar="NAME", help="has another agent do it"),
    click.Option(["--model"], type=_MODEL, default="", metavar="NAME", help="uses another model"),
    click.Option(["--budget"], type=_Dollars(), default=0.0, metavar="DOLLARS", help="may spend at most so much"),
    click.Option(["--timeout"], type=_Seconds(), default=0, metavar="TIME", help="may take so long: `45m`, `1h30m`"),
    click.Option(["--draft"], is_flag=True, help="opens the merge request as a draft"),
    click.Option(["--image"], type=_IMAGE, default="", metavar="NAME", help="runs in another image"),
    click.Option(["--help", "-h"], is_flag=True, hidden=True),
)
FLAG_NAMES: Final = tuple(flag.opts[0] for flag in FLAGS if not flag.hidden)


def usage(flag: click.Option) -> str:
    """Give a flag as it is written, with what stands behind it."""
    return f"{flag.opts[0]} {flag.metavar}" if flag.metavar else flag.opts[0]


def help_text() -> str:
    """Give the tables as Markdown."""
    numbered = ", ".join(f"`{verb.name}`" for verb in VERBS if verb.takes == "number")
    return "\n".join(
        [
            "Write one of these at the start of a line in a comment (a mention of me does instead of `/agent`):\n",
            *(f"- `{verb.usage}` {verb.says}" for verb in VERBS),
            f"\nA task's number may follow {numbered}. Before the text you may put:\n",
            *(f"- `{usage(flag)}` {flag.help}" for flag in FLAGS if not flag.hidden),
            "- `--` ends the flags, for a text that begins with a dash or a verb",
        ]
    )
