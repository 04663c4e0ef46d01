"""What `.ablehand.yml` may say, what becomes of anything else, and that its page, its example and its keys agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.reasons import Reason
from core.task import Phase
from tests.project_file_page import PAGE, with_table
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, now, taken_in
from tests.worker.town import Town
from worker.project_file import Keys, ProjectFile, read
from worker.steps.launch import launch
from worker.steps.report import report
from worker.wiring import Desk

ALLOWED = ("registry.example.com/agents/*", "runtime:1")
EXAMPLE = Path(__file__).parents[2] / ".ablehand.yml.example"
CANARY = "`canary` @all <img src=x>"

READ: dict[str, tuple[str, dict[str, object]]] = {
    "empty": ("", {}),
    "a comment": ("# nothing\n", {}),
    "image by digest": (
        "image: 'registry.example.com/go@sha256:0123'",
        {"image": "registry.example.com/go@sha256:0123"},
    ),
    "minutes": ("timeout: 45", {"timeout": 2700}),
    "a time": ("timeout: 1h30m", {"timeout": 5400}),
    "seconds": ("timeout: 90s", {"timeout": 90}),
    "a whole budget": ("budget: 5", {"budget": 5.0}),
    "lists": ("labels: [a, b c]\nprotected_paths: ['x/**']", {"labels": ("a", "b c"), "protected_paths": ("x/**",)}),
    "switches": ("draft: true\nci_fix: 0", {"draft": True, "ci_fix": 0}),
}
A_TIME = "`timeout` has to be a time such as `45m` or `1h30m`."
WRONG: dict[str, tuple[str, tuple[str, ...]]] = {
    "a key that is nearly one": ("modle: x", ("There is no key `modle`: did you mean `model`?",)),
    "a key like none": ("zzz: x", ("There is no key `zzz`.",)),
    "a hostile key": ('"@all `x`": 1', ("There is no key `` @all `x` ``.",)),
    "a key that is a number": ("1: x", ("There is no key `int`.",)),
    "a key that is nothing": ("? \n: x", ("There is no key `NoneType`.",)),
    "a switch in words": ("draft: 'yes'", ("`draft` has to be `true` or `false`.",)),
    "a number that is a switch": ("ci_fix: true", ("`ci_fix` has to be a whole number.",)),
    "a negative number": ("ci_fix: -1", ("`ci_fix` has to be a whole number.",)),
    "a time in words": ("timeout: soon", (A_TIME,)),
    "a time that is none": ("timeout: 0", (A_TIME,)),
    "a time that is a list": ("timeout: [1]", (A_TIME,)),
    "a time that is a date": ("timeout: 2026-01-01", (A_TIME,)),
    "an endless time": ("timeout: 999h", (A_TIME,)),
    "an endless budget": ("budget: .inf", ("`budget` has to be an amount in US dollars, such as `2.50`.",)),
    "a budget of nothing": ("budget: 0", ("`budget` has to be an amount in US dollars, such as `2.50`.",)),
    "one label": ("labels: agent", ("`labels` has to be a list of labels, none with a comma.",)),
    "a label that is two": ("labels: ['a,b']", ("`labels` has to be a list of labels, none with a comma.",)),
    "a label of lines": ('labels: ["a\\nb"]', ("`labels` has to be a list of labels, none with a comma.",)),
    "one path": ("protected_paths: deploy", ("`protected_paths` has to be a list of globs, none with a comma.",)),
    "a flag as an image": ("image: -rf", ("`image` has to be an image's name.",)),
    "an image of two words": ("image: 'a b'", ("`image` has to be an image's name.",)),
    "an image and a line": ('image: "runtime:1\\nother"', ("`image` has to be an image's name.",)),
    "a hostile model": (f'model: "{CANARY}"', ("`model` has to be a model's name.",)),
    "a list": ("- image", ("It has to be a mapping of at most 64 KiB.",)),
    "too long": ("#" * 70_000, ("It has to be a mapping of at most 64 KiB.",)),
    "no YAML": ("draft: true\nimage: [", ("It is no YAML: see line 2.",)),
    "code": ("image: !!python/object/apply:os.system [id]", ("It is no YAML: see line 1.",)),
    "deep": ("[" * 5_000, ("It is no YAML.",)),
    "a wrong date": ("timeout: 2026-99-99", ("It is no YAML.",)),
}


@pytest.mark.parametrize(("text", "keys"), READ.values(), ids=READ)
def test_what_is_said_is_read(text: str, keys: dict[str, object]) -> None:
    """And nothing else is."""
    found = read(text)

    assert found.model_dump(exclude_defaults=True, exclude={"digest"}) == keys


@pytest.mark.parametrize(("text", "problems"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_and_counts_as_not_there(text: str, problems: tuple[str, ...]) -> None:
    """Key and what is expected, never the value."""
    found = read(text)

    assert found == ProjectFile(problems=problems, digest=found.digest)


def test_one_wrong_key_takes_no_other_with_it() -> None:
    """What protects files goes on to, whatever else somebody mistypes."""
    found = read("protected_paths: [deploy/**]\ntimeout: soon\nmodle: x\n")

    assert found.protected_paths == ("deploy/**",)
    assert found.problems == ("There is no key `modle`: did you mean `model`?", A_TIME)


def test_a_long_list_of_problems_is_cut() -> None:
    """A comment has its limits."""
    found = read("".join(f"key{number}: x\n" for number in range(100)))

    assert len(found.problems) == 11
    assert found.problems[-1] == "90 more are like these."


def test_aliases_that_multiply_cost_nothing() -> None:
    """A file of a few lines that would be gigabytes when written out."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)), "labels: *a39"]

    assert read("\n".join(lines)).labels == ()


@given(st.text() | st.dictionaries(st.sampled_from(list(Keys.model_fields)), st.text() | st.integers()).map(yaml.dump))
def test_never_raises(text: str) -> None:
    """Whatever is merged, there is an answer, and a task can go on."""
    assert isinstance(read(text), ProjectFile)


def test_the_example_shows_every_key() -> None:
    """And each with a value that is accepted."""
    text = EXAMPLE.read_text("utf-8")

    assert read(text).problems == ()
    assert list(yaml.safe_load(text).keys() ^ Keys.model_fields.keys()) == []


def test_the_page_has_the_table_of_the_keys() -> None:
    """`make docs` brings it up to date."""
    page = PAGE.read_text("utf-8")

    assert page == with_table(page)


def test_the_page_shows_the_sentences_as_they_are() -> None:
    """The example of a broken file reads as people will see it."""
    page = PAGE.read_text("utf-8")

    assert [line for line in read("modle: x\ntimeout: soon").problems if f"> - {line}\n" not in page] == []


@pytest.mark.anyio
@pytest.mark.parametrize("branch", ["main", "feature"])
async def test_the_default_branch_decides(desk: Desk, town: Town, executor: HandExecutor, branch: str) -> None:
    """What another branch says is not read."""
    town.world.commit_files(town.project, files={".ablehand.yml": "image: runtime:1\n"}, branch=branch)
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))

    await launch(_allowing(desk), task)

    assert executor.launched[0].image == ("runtime:1" if branch == "main" else "")


@pytest.mark.anyio
async def test_a_refused_image_ends_the_task(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Before anything is started."""
    town.world.commit_files(town.project, files={".ablehand.yml": "image: evil:1\n"})
    task = await taken_in(desk, comment_trigger(town.say("/agent do it")))

    await launch(_allowing(desk), task)

    after = await now(desk, task)
    assert (after.phase, after.reason, after.detail) == (Phase.REJECTED, Reason.IMAGE, "evil:1 is not allowed here")
    assert executor.launched == []


@pytest.mark.anyio
async def test_more_files_are_protected_and_none_less(desk: Desk, town: Town, executor: HandExecutor) -> None:
    """Those of the operator first."""
    town.world.commit_files(town.project, files={".ablehand.yml": "protected_paths: [deploy/**, CODEOWNERS]\n"})

    await launch(desk, await taken_in(desk, comment_trigger(town.say("/agent do it"))))

    assert executor.launched[0].order.protected_paths == [*desk.settings.protected_paths, "deploy/**"]


@pytest.mark.anyio
async def test_a_broken_file_is_told_once(desk: Desk, town: Town) -> None:
    """On the item that met it first; again when it is broken in another way."""
    for text, told in (("modle: x\n", True), ("modle: x\n", False), ("modle: y\n", True)):
        town.world.commit_files(town.project, files={".ablehand.yml": text})
        task = await taken_in(desk, comment_trigger(town.say("/agent do it")))
        await launch(desk, task)
        for _ in range(2):
            await report(desk, task)

        comment = town.bodies()[-1]
        assert ("⚠️ Something in `.ablehand.yml` on `main` can't be used" in comment) is told
        assert ("- There is no key `modle`: did you mean `model`?" in comment) is told
        await desk.store.change(await now(desk, task), Phase.FAILED)


def _allowing(desk: Desk) -> Desk:
    return replace(desk, settings=desk.settings.model_copy(update={"allowed_images": ALLOWED}))
