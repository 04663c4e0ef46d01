"""Which notes are commands, and which command they are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.conversation.command_line import REACH_CHARACTERS, REACH_LINES
from worker.conversation.commands import (
    FLAGS,
    PROMPT_LIMIT_BYTES,
    VERBS,
    Command,
    Help,
    Malformed,
    NotYet,
    Run,
    TooLong,
    Unclear,
    help_text,
    parse,
)

NO_COMMAND = {
    "empty": "",
    "ordinary note": "Please fix this.",
    "in the middle of a line": "try /agent fix it",
    "longer word": "/agentic fix it",
    "longer word where we stop looking": " " * 4 + "a" * (REACH_CHARACTERS - 11) + "\n/agentic x",
    "path": "/agent/fix it",
    "quote": "> /agent fix it",
    "quote in a reply": "> > /agent fix it\n> done",
    "lazy line of a quote": "> he said\n/agent fix it",
    "gitlab quote fence": ">>>\n/agent fix it\n>>>",
    "gitlab quote fence that stays open": "he said:\n>>>\n/agent fix it\n\nand so on",
    "longer gitlab quote fence": ">>>>\n\n>>>\n/agent fix it\n>>>>",
    "fence": "```\n/agent fix it\n```",
    "fence with tildes": "~~~sh\n/agent fix it\n~~~",
    "fence that stays open": "```\n\n/agent fix it",
    "fence in CRLF": "```\r\n/agent fix it\r\n```\r\n",
    "indented code": "    /agent fix it",
    "tab": "\t/agent fix it",
    "inline code": "`/agent fix it`",
    "inline code over lines": "write `\n/agent fix it\n` to start",
    "list": "- /agent fix it",
    "paragraph in a list": "- a\n\n  /agent fix it",
    "numbered list": "1. /agent fix it",
    "heading": "# /agent fix it",
    "html block": "<div>\n/agent fix it\n</div>",
    "html comment": "<!--\n\n/agent fix it\n\n-->",
    "html comment within a paragraph": "see <!--\n/agent fix it\n--> this",
    "attribute over lines": 'a <b title="\n/agent fix it\n">c</b>',
    "escaped": "\\/agent fix it",
    "emphasis": "**/agent fix it**",
    "deep continuation": "see\n    /agent fix it",
}

COMMANDS: dict[str, tuple[str, Command]] = {
    "prompt": ("/agent fix the login", Run("fix the login")),
    "upper case": ("/Agent fix the login", Run("fix the login")),
    "one word that is no verb": ("/agent refactor", Run("refactor")),
    "up to three spaces": ("   /agent fix it", Run("fix it")),
    "tab behind": ("/agent\tfix it", Run("fix it")),
    "several lines": ("/agent fix it\n\n- a\n- `b`  \n\n", Run("fix it\n\n- a\n- `b`")),
    "prompt on the next line": ("/agent\n\nfix it", Run("fix it")),
    "CRLF": ("hello\r\n/agent fix it\r\nand this\r\n", Run("fix it\nand this")),
    "raw text": ("/agent don't `x` \\n <b> \u201cq\u201d  @all", Run("don't `x` \\n <b> \u201cq\u201d  @all")),
    "behind a greeting": ("Hello\n/agent fix it", Run("fix it")),
    "behind a quote": ("> /agent no\n\n/agent yes please", Run("yes please")),
    "behind a closed fence": ("```\n/agent no\n```\n/agent yes please", Run("yes please")),
    "behind a closed gitlab quote": (">>>\n/agent no\n>>>\n/agent yes please", Run("yes please")),
    "behind a list": ("- a\n\n/agent fix it", Run("fix it")),
    "behind a comment": ("<!-- /agent no -->\n/agent fix it", Run("fix it")),
    "behind a code span of some lines": ("`\n/agent no\n`\n/agent fix it", Run("fix it")),
    "above a rule": ("/agent fix it\n---\nmore", Run("fix it\n---\nmore")),
    "first one wins": ("/agent help\n/agent fix it", Help()),
    "unclosed backtick before": ("a ` b\n/agent fix it", Run("fix it")),
    "run": ("/agent run fix it", Run("fix it")),
    "run with a verb as prompt": ("/agent run help", Run("help")),
    "run on the next line": ("/agent run\nfix it", Run("fix it")),
    "run alone": ("/agent run", Help()),
    "alone": ("/agent", Help()),
    "blank": ("/agent   \n\n", Help()),
    "help": ("/agent help", Help()),
    "help with thanks below": ("/agent help\n\nthanks", Help()),
    "help about a verb": ("/agent help cancel", Help()),
    "help as a flag": ("/agent --help", Help()),
    "question mark": ("/agent help?", Help()),
    "help as a prompt": ("/agent help me with the login", Run("help me with the login")),
    "cancel": ("/agent cancel", NotYet("cancel")),
    "cancel in capitals": ("/agent CANCEL", NotYet("cancel")),
    "cancel a task": ("/agent cancel #42", NotYet("cancel")),
    "plan": ("/agent plan the migration", NotYet("plan")),
    "approve": ("/agent approve", NotYet("approve")),
    "status page": ("/agent status page is broken, fix it", Run("status page is broken, fix it")),
    "logs are": ("/agent logs are too noisy", Run("logs are too noisy")),
    "two words": ("/agent cancel button", Run("cancel button")),
    "cancle": ("/agent cancle", Unclear("cancle", "cancel")),
    "hlep": ("/agent hlep", Unclear("hlep", "help")),
    "satus": ("/agent satus", Unclear("satus", "status")),
    "stop": ("/agent stop", Unclear("stop", "cancel")),
    "near a verb with text below": ("/agent cancle\n\nplease", Unclear("cancle", "cancel")),
    "branch": ("/agent --branch main fix it", Run("fix it", branch="main")),
    "branch with equals sign": ("/agent --branch=release/1.2 fix it", Run("fix it", branch="release/1.2")),
    "branch in backticks": ("/agent --branch `main` fix it", Run("fix it", branch="main")),
    "both flags": ("/agent --model sonnet[1m] --branch a fix  it", Run("fix  it", branch="a", model="sonnet[1m]")),
    "flags behind run": ("/agent --branch a run --model b fix it", Run("fix it", branch="a", model="b")),
    "flag and prompt below": ("/agent --branch main\nfix it", Run("fix it", branch="main")),
    "long dash of a telephone": ("/agent \u2014branch main fix it", Run("fix it", branch="main")),
    "one dash": ("/agent -branch main fix it", Run("fix it", branch="main")),
    "flag within the prompt": ("/agent fix the --branch flag", Run("fix the --branch flag")),
    "end of flags": ("/agent -- --branch is broken", Run("--branch is broken")),
    "end of flags before a verb": ("/agent --branch a -- help", Run("help", branch="a")),
    "a dash": ("/agent - fix\n- mend", Run("- fix\n- mend")),
    "flag and no prompt": ("/agent --branch main", Help()),
    "long line below a short one": ("hello\n/agent " + "a b " * 9_999, Run(("a b " * 9_999).strip())),
    "limit": ("/agent " + "a" * PROMPT_LIMIT_BYTES, Run("a" * PROMPT_LIMIT_BYTES)),
    "too long": ("/agent " + "é" * PROMPT_LIMIT_BYTES, TooLong(2 * PROMPT_LIMIT_BYTES)),
}

DASH_HINT = "Put `--` before a text that begins with a dash."
MALFORMED = {
    "unknown flag": (
        "/agent --brnch main fix it",
        "I don't know the flag `--brnch`: did you mean `--branch`? Put `--` before a text that begins with a dash.",
    ),
    "unknown flag near nothing": (
        "/agent --zzz fix it",
        "I don't know the flag `--zzz`: I know `--branch` and `--model`. " + DASH_HINT,
    ),
    "no value": ("/agent --branch", "The flag `--branch` needs a name behind it, as in `--branch main`."),
    "bad value": (
        "/agent --branch ../x fix it",
        "`../x` can't be the value of `--branch`: it has to be one plain name.",
    ),
    "flag as value": (
        "/agent --branch --model x",
        "`--model` can't be the value of `--branch`: it has to be one plain name.",
    ),
    "lock": ("/agent --branch x.lock y", "`x.lock` can't be the value of `--branch`: it has to be one plain name."),
    "hostile flag": (
        "/agent --`@all` fix it",
        "I don't know the flag `` --`@all` ``: I know `--branch` and `--model`. " + DASH_HINT,
    ),
    "out of reach": (
        "a\n" * (REACH_LINES + 1) + "/agent fix it",
        "Your comment is too long for me to look through: put the `/agent` line at its top.",
    ),
}

PIECES = [
    "/agent",
    " ",
    "\n",
    "\r\n",
    "> ",
    ">>>",
    "```",
    "`",
    "<!--",
    "-->",
    "- ",
    "--branch",
    "--",
    "help",
    "x",
    "\t",
]
MIB = 1 << 20
BOMBS = [
    "> ",
    ">",
    "[",
    "![",
    "- ",
    "<",
    "`",
    "*a ",
    "a\n",
    "- a\n",
    "a\n\n",
    "\\",
    "&",
    "<!--",
    ">>>\n",
    "/agent ",
    "\t",
]

BOMB_PLACES = ["{}\n/agent x", "/agent {}", "/agent --{}", "`\n/agent x\n{}", "{cut}\n/agent x\n", "- {cut}\n/agent"]


@pytest.mark.parametrize("note", NO_COMMAND.values(), ids=NO_COMMAND)
def test_is_no_command(note: str) -> None:
    """What isn't a top-level paragraph's line is nothing to us."""
    assert parse(note) is None


@pytest.mark.parametrize(("note", "command"), COMMANDS.values(), ids=COMMANDS)
def test_is_this_command(note: str, command: Command) -> None:
    """Each note is read as the one command that it means."""
    assert parse(note) == command


@pytest.mark.parametrize(("note", "sentence"), MALFORMED.values(), ids=MALFORMED)
def test_says_what_is_wrong(note: str, sentence: str) -> None:
    """A malformed command is answered by a sentence of ours, never by click's."""
    assert parse(note) == Malformed(sentence)


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS if not verb.is_available])
def test_reserved_verbs_start_nothing(verb: str) -> None:
    """A verb of later work is answered, not run, and its misspelling is too."""
    assert parse(f"/agent {verb}") == NotYet(verb)
    assert parse(f"/agent {verb}x") == Unclear(f"{verb}x", verb)


def test_help_names_every_verb_and_flag() -> None:
    """Help comes from the tables, so that it can't fall behind."""
    text = help_text()

    assert [verb.name for verb in VERBS if f"`{verb.name}`" not in text and f"`{verb.usage}`" not in text] == []
    assert [flag.opts[0] for flag in FLAGS if not flag.hidden and f"`{flag.opts[0]} NAME`" not in text] == []


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=40).map("".join))
def test_never_raises(note: str) -> None:
    """Whatever is pasted, there is an answer."""
    assert parse(note) is None or isinstance(parse(note), Command)


@given(st.text().filter(lambda text: "\r" not in text and text.strip()))
def test_run_keeps_the_prompt(prompt: str) -> None:
    """Behind ``run --`` every text arrives as it was written, but for blanks around it."""
    assert parse(f"/agent run -- {prompt}") == Run(prompt.strip())


@pytest.mark.parametrize("bomb", BOMBS, ids=repr)
@pytest.mark.parametrize("note", BOMB_PLACES, ids=repr)
def test_is_quick_on_a_mebibyte(bomb: str, note: str) -> None:
    """A hostile megabyte takes less than half a second of the processor, before or behind the command."""
    text = note.format(bomb * (MIB // len(bomb)), cut=(bomb * REACH_CHARACTERS)[: REACH_CHARACTERS - 10])

    began = time.process_time()
    parse(text)

    assert time.process_time() - began < 0.5
