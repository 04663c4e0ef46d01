"""What `.ablehand.yml` may ask for: an image that the operator allows, and nothing else gets through."""

from __future__ import annotations

import pytest

from core.errors import Refusal
from core.task import Phase, Reason
from tests.worker.hand_executor import HandExecutor
from tests.worker.ledger import comment_trigger, now, taken_in
from tests.worker.town import Town
from worker.project_file import image_of
from worker.steps.launch import launch
from worker.wiring import Desk

ALLOWED = ("registry.example.com/agents/*", "runtime:1")


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("", ""),
        ("# nothing\n", ""),
        ("agent: claude\n", ""),
        ("image: runtime:1\n", "runtime:1"),
        ("image: 'registry.example.com/agents/go@sha256:0123'\n", "registry.example.com/agents/go@sha256:0123"),
    ],
)
def test_an_allowed_image_is_given(text: str, image: str) -> None:
    """And none where none is named."""
    assert image_of(text, ALLOWED) == image


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image: evil:1", "evil:1 is not allowed here"),
        ("image: registry.example.com/other/go", "is not allowed here"),
        ("image: 'registry.example.com/agents/x y'", "is no name of an image"),
        ('image: "runtime:1\\nother"', "is no name of an image"),
        ("image: [runtime]", "is no name of an image"),
        ("image: -rf", "is no name of an image"),
        ("- image", "has to be a mapping"),
        ("image: runtime:1\n" + "#" * 70_000, "has to be a mapping of at most 64 KiB"),
        ("image: [", "is no YAML"),
        ("image: !!python/object/apply:os.system [id]", "is no YAML"),
        ("[" * 5_000, "is no YAML"),
    ],
    ids=lambda value: value[:30],
)
def test_anything_else_is_refused_with_a_sentence(text: str, words: str) -> None:
    """A task ends with the words, whatever somebody put into the file."""
    with pytest.raises(Refusal) as refused:
        image_of(text, ALLOWED)

    assert refused.value.reason == Reason.IMAGE
    assert words in refused.value.detail


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


def _allowing(desk: Desk) -> Desk:
    settings = desk.settings.model_copy(update={"allowed_images": ALLOWED})
    return Desk(**{name: getattr(desk, name) for name in Desk.__slots__} | {"settings": settings})
