"""Which notes are commands, and which command they are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.conversation.command_line import REACH_CHARACTERS, REACH_LINES
from worker.conversation.commands import (
    PROMPT_LIMIT_BYTES,
    Approve,
    Cancel,
    Command,
    Help,
    Logs,
    Malformed,
    Plan,
    Retry,
    Review,
    Run,
    Status,
    TooLong,
    Unclear,
    parse,
)
from worker.conversation.vocabulary import FLAGS, VERBS, help_text, usage

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
    "behind a quote": ("> /agent no\n\n/agent mend it now", Run("mend it now")),
    "behind a closed fence": ("```\n/agent no\n```\n/agent mend it now", Run("mend it now")),
    "behind a closed gitlab quote": (">>>\n/agent no\n>>>\n/agent mend it now", Run("mend it now")),
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
    "cancel": ("/agent cancel", Cancel()),
    "cancel in capitals": ("/agent CANCEL", Cancel()),
    "cancel a task": ("/agent cancel #42", Cancel(42)),
    "plan": ("/agent plan the migration", Plan("the migration")),
    "approve": ("/agent approve", Approve()),
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
    "every flag": (
        "/agent --branch a --target=b --agent codex --model=m --budget $2.5 --timeout 1h30m --draft --image a:1 x",
        Run(
            "x",
            branch="a",
            target="b",
            agent="codex",
            model="m",
            budget=2.5,
            timeout=5400,
            draft=True,
            image="a:1",
        ),
    ),
    "flags on lines of their own": (
        "/agent\n--branch a\n\n  --budget 5 --draft\nfix it\n--model is a flag",
        Run("fix it\n--model is a flag", branch="a", budget=5, draft=True),
    ),
    "flags, verb and flags on lines of their own": (
        "/agent --branch a\nrun\n--model m\nfix it",
        Run("fix it", branch="a", model="m"),
    ),
    "minutes without a unit": ("/agent --timeout 45 fix it", Run("fix it", timeout=2700)),
    "seconds": ("/agent --timeout 90s fix it", Run("fix it", timeout=90)),
    "dashes end the flags on any line": ("/agent --draft\n--\n--branch", Run("--branch", draft=True)),
    "a rule is a prompt": ("/agent --- fix it", Run("--- fix it")),
    "plan with flags": ("/agent plan --branch a the migration", Plan("the migration", branch="a")),
    "plan alone": ("/agent plan", Help()),
    "verb on the next line": ("/agent\ncancel", Cancel()),
    "cancel with a full stop": ("/agent cancel.", Cancel()),
    "cancel, and why below": ("/agent cancel\n\n- it was wrong", Cancel()),
    "cancel, politely": ("/agent cancel it please!", Cancel()),
    "cancel the task of a number": ("/agent cancel task #42 please", Cancel(42)),
    "approve a number": ("/agent approve 7", Approve(7)),
    "retry": ("/agent retry", Retry()),
    "retry with flags": ("/agent --draft retry 42 --budget 10", Retry(42, draft=True, budget=10)),
    "retry with flags before the number": ("/agent retry --model m 42", Retry(42, model="m")),
    "retry with flags below": ("/agent retry\n--model m", Retry(model="m")),
    "retry as a prompt": ("/agent retry the upload three times", Run("retry the upload three times")),
    "status": ("/agent status", Status()),
    "status of a number": ("/agent status 3", Status(3)),
    "logs": ("/agent logs", Logs()),
    "logs of a number": ("/agent logs #3", Logs(3)),
    "review": ("/agent review", Review()),
    "review as a prompt": ("/agent review the docs and mend them", Run("review the docs and mend them")),
    "cancle with a number": ("/agent cancle 42", Unclear("cancle", "cancel")),
    "retyr, politely": ("/agent retyr please", Unclear("retyr", "retry")),
    "near a verb in a sentence": ("/agent plane tickets are sold twice", Run("plane tickets are sold twice")),
    "flag and no prompt": ("/agent --branch main", Help()),
    "long line below a short one": ("hello\n/agent " + "a b " * 9_999, Run(("a b " * 9_999).strip())),
    "limit": ("/agent " + "a" * PROMPT_LIMIT_BYTES, Run("a" * PROMPT_LIMIT_BYTES)),
    "too long": ("/agent " + "é" * PROMPT_LIMIT_BYTES, TooLong(2 * PROMPT_LIMIT_BYTES)),
}

KNOWN = "`--branch`, `--target`, `--agent`, `--model`, `--budget`, `--timeout`, `--draft` and `--image`. "
DASH_HINT = "Put `--` before a text that begins with a dash."
MALFORMED = {
    "unknown flag": (
        "/agent --brnch main fix it",
        "I don't know the flag `--brnch`: did you mean `--branch`? Put `--` before a text that begins with a dash.",
    ),
    "unknown flag near nothing": (
        "/agent --zzz fix it",
        "I don't know the flag `--zzz`: I know " + KNOWN + DASH_HINT,
    ),
    "no value": ("/agent --branch", "The flag `--branch` needs a value behind it, as in `--branch main`."),
    "bad value": (
        "/agent --branch ../x fix it",
        "`../x` can't be the value of `--branch`: it has to be one plain name.",
    ),
    "flag as value": (
        "/agent --branch --model x",
        "`--model` can't be the value of `--branch`: it has to be one plain name.",
    ),
    "budget in words": (
        "/agent --budget five fix it",
        "`five` can't be the value of `--budget`: it has to be an amount in US dollars, as in `--budget 2.50`.",
    ),
    "no budget": (
        "/agent --budget 0 fix it",
        "`0` can't be the value of `--budget`: it has to be an amount in US dollars, as in `--budget 2.50`.",
    ),
    "timeout in words": (
        "/agent --timeout soon fix it",
        "`soon` can't be the value of `--timeout`: it has to be a time, as in `--timeout 45m` or `--timeout 1h30m`.",
    ),
    "budget without a value": ("/agent --budget", "The flag `--budget` needs a value behind it, as in `--budget 5`."),
    "draft with a value": ("/agent --draft=yes fix it", "The flag `--draft` takes no value."),
    "flag on a later line": (
        "/agent --draft\n--brnch main fix it",
        "I don't know the flag `--brnch`: did you mean `--branch`? Put `--` before a text that begins with a dash.",
    ),
    "cancel with a flag": ("/agent --branch a cancel", "`/agent cancel` takes no flags."),
    "status with a flag behind": ("/agent status --draft", "`/agent status` takes no flags."),
    "lock": ("/agent --branch x.lock y", "`x.lock` can't be the value of `--branch`: it has to be one plain name."),
    "hostile flag": (
        "/agent --`@all` fix it",
        "I don't know the flag `` --`@all` ``: I know " + KNOWN + DASH_HINT,
    ),
    "out of reach": (
        "a\n" * (REACH_LINES + 1) + "/agent fix it",
        "Your comment is too long for me to look through: put the `/agent` line at its top.",
    ),
}

MENTIONS: dict[str, tuple[str, Command | None]] = {
    "at the start": ("@duke fix the login", Run("fix the login")),
    "with a comma": ("@duke, fix the login", Run("fix the login")),
    "with a colon": ("@Duke: cancel", Cancel()),
    "on a later line": ("Hello\n@duke --draft fix it\n\n- a", Run("fix it\n\n- a", draft=True)),
    "near a verb": ("@duke cancle", Unclear("cancle", "cancel")),
    "alone": ("@duke", Help()),
    "at the end": ("Could you fix it, @duke?", Run("Could you fix it?")),
    "at the end of a line among others": (
        "It fails.\nPlease look, @duke\n\n```\nerror\n```",
        Run("It fails.\nPlease look\n\n```\nerror\n```"),
    ),
    "within a sentence": ("hey @duke please fix it", Run("hey please fix it")),
    "between commas": ("Could you, @duke, fix it", Run("Could you, fix it")),
    "behind a code span that names it too": ("`@duke` is @duke: fix it", Run("`@duke` is: fix it")),
    "indented deep in a paragraph": ("see\n     and @duke fix it", Run("see\n     and fix it")),
    "behind blanks": ("  so @duke fix it", Run("so fix it")),
    "a verb at the end of a line": ("cancel it @duke", Cancel()),
    "thanks": ("Thanks, @duke!", None),
    "thanks behind it": ("@duke thank you!", None),
    "a command wins": ("cc @duke\n/agent cancel", Cancel()),
    "first of its kind": ("/agent status\n@duke cancel", Status()),
    "longer name": ("@duke-nukem fix it", None),
    "name with a dot": ("@duke.two fix it", None),
    "end of a sentence": ("Ask @duke.", Run("Ask.")),
    "mail address": ("write to me@duke about it", None),
    "path": ("see /@duke here", None),
    "quote": ("> @duke fix it", None),
    "gitlab quote": (">>>\n@duke fix it\n>>>", None),
    "code": ("`@duke fix it`", None),
    "fence": ("```\n@duke fix it\n```", None),
    "list": ("- @duke fix it", None),
    "html comment": ("<!-- @duke fix it -->", None),
    "somebody else": ("@dukes fix it", None),
}

PIECES = [
    "@duke",
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


@pytest.mark.parametrize(("note", "command"), MENTIONS.values(), ids=MENTIONS)
def test_a_mention_means_the_same(note: str, command: Command | None) -> None:
    """At the start of a line as ``/agent``, within one with the whole note; elsewhere nothing."""
    assert parse(note, bot="duke") == command


def test_without_a_name_there_are_no_mentions() -> None:
    """As long as nobody knows the bot's name, only ``/agent`` counts."""
    assert parse("@duke fix it") is None
    assert parse("@ fix it") is None


@pytest.mark.parametrize(("note", "sentence"), MALFORMED.values(), ids=MALFORMED)
def test_says_what_is_wrong(note: str, sentence: str) -> None:
    """A malformed command is answered by a sentence of ours, never by click's."""
    assert parse(note) == Malformed(sentence)


def test_help_names_every_verb_and_flag() -> None:
    """Help comes from the tables, so that it can't fall behind."""
    text = help_text()

    assert [verb.name for verb in VERBS if f"- `{verb.usage}` {verb.says}" not in text] == []
    assert [flag.opts[0] for flag in FLAGS if not flag.hidden and f"- `{usage(flag)}` {flag.help}" not in text] == []


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=40).map("".join))
def test_never_raises(note: str) -> None:
    """Whatever is pasted, there is an answer."""
    command = parse(note, bot="duke")

    assert command is None or isinstance(command, Command)


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
