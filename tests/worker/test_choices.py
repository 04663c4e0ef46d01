"""Who decides what a task works with: the command within the project's file, that within the operator's settings."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from core.errors import Refusal
from core.reasons import Reason
from core.settings import Settings
from worker.choices import bounded, choices
from worker.conversation.commands import Wishes
from worker.project_file import read


def settings(**others: object) -> Settings:
    """Give an operator's settings."""
    return Settings.model_validate({"agent": "claude", "model": "small", "agent_timeout_seconds": 3600} | others)


ALL = {"allowed_agents": "codex", "allowed_models": "big-*", "allowed_images": "go:*", "budget_usd": 10}
CHOSEN: dict[str, tuple[Wishes, str, dict[str, object]]] = {
    "nothing said": (Wishes(), "", {"agent": "claude", "model": "small", "budget_usd": 10.0, "timeout_seconds": 3600}),
    "the project's": (
        Wishes(),
        "agent: codex\nmodel: big-1\nimage: go:1\nbudget: 2\ntimeout: 30m\ndraft: true",
        {
            "agent": "codex",
            "model": "big-1",
            "image": "go:1",
            "budget_usd": 2.0,
            "timeout_seconds": 1800,
            "draft": True,
        },
    ),
    "the command's": (
        Wishes(agent="claude", model="big-2", budget=1, timeout=60, draft=True, image="go:2"),
        "agent: codex\nmodel: big-1\nimage: go:1\nbudget: 2\ntimeout: 30m",
        {"agent": "claude", "model": "big-2", "image": "go:2", "budget_usd": 1.0, "timeout_seconds": 60, "draft": True},
    ),
    "more than the operator's": (Wishes(), "budget: 99\ntimeout: 9h", {"budget_usd": 10.0, "timeout_seconds": 3600}),
    "not among the operator's": (Wishes(), "agent: other\nmodel: huge", {"agent": "claude", "model": "small"}),
    "the operator's own by name": (Wishes(agent="claude", model="small"), "", {"agent": "claude", "model": "small"}),
}
REFUSED: dict[str, tuple[Wishes, str, str]] = {
    "an agent": (Wishes(agent="other"), "", "the agent `other` can't be chosen here, only `claude`, `codex`."),
    "a model": (Wishes(model="huge"), "", "the model `huge` can't be chosen here, only `small`, `big-*`."),
    "an image": (Wishes(image="evil:1"), "", "the image `evil:1` may not be run here, only `go:*`."),
    "the operator's budget": (
        Wishes(budget=10.5), "", "a task may cost at most $10.00 here: give a smaller `--budget`.",
    ),
    "the project's budget": (
        Wishes(budget=5), "budget: 2", "a task may cost at most $2.00 here: give a smaller `--budget`.",
    ),
    "the operator's time": (Wishes(timeout=3601), "", "a task may take at most 1 h here: give a shorter `--timeout`."),
    "the project's time": (
        Wishes(timeout=61), "timeout: 1", "a task may take at most 1 min here: give a shorter `--timeout`.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("said", "text", "expected"), CHOSEN.values(), ids=CHOSEN)
def test_the_nearest_word_counts_within_its_bounds(said: Wishes, text: str, expected: dict[str, object]) -> None:
    """Command, project's file, operator."""
    chosen = asdict(choices(said, read(text), settings(**ALL)))

    assert {name: chosen[name] for name in expected} == expected


@pytest.mark.parametrize(("said", "text", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_command_that_asks_for_more_is_refused(said: Wishes, text: str, sentence: str) -> None:
    """With the limit in the sentence."""
    with pytest.raises(Refusal) as refused:
        choices(said, read(text), settings(**ALL))

    assert (refused.value.reason, refused.value.detail) == (Reason.LIMIT, f"Nothing was started: {sentence}")


def test_without_lists_every_model_is_allowed_and_no_image() -> None:
    """As the settings' page says."""
    assert choices(Wishes(model="any"), read(""), settings()).model == "any"
    with pytest.raises(Refusal):
        choices(Wishes(image="runtime:1"), read(""), settings())


def test_without_limits_the_command_sets_its_own() -> None:
    """An operator who sets no budget allows any."""
    assert choices(Wishes(budget=500), read(""), settings()).budget_usd == 500
    assert choices(Wishes(), read("budget: 3"), settings()).budget_usd == 3


@pytest.mark.parametrize(
    ("said", "own", "counts"),
    [("", 2, 2), ("ci_fix: 0", 2, 0), ("ci_fix: 1", 2, 1), ("ci_fix: 9", 2, 2), ("ci_fix: 9", 0, 0)],
)
def test_ci_fixes_only_become_fewer(said: str, own: int, counts: int) -> None:
    """A project can switch them off, but not on."""
    assert bounded(read(said), settings(ci_fixes=own)).ci_fix == counts


def test_what_may_not_be_chosen_is_a_problem_of_the_file() -> None:
    """So that people are told, once, why they get something else."""
    found = bounded(read("agent: other\nmodel: huge\nimage: go:1"), settings(allowed_models="big-*"))

    assert [problem.split("`")[1] for problem in found.problems] == ["agent", "model", "image"]
    assert (found.agent, found.model, found.image) == ("claude", "small", "")


def test_an_image_off_the_list_is_refused() -> None:
    """The project's tools would be missing in any other one."""
    with pytest.raises(Refusal) as refused:
        choices(Wishes(), read("image: evil:1"), settings(allowed_images="go:*"))

    assert (refused.value.reason, refused.value.detail) == (Reason.IMAGE, "evil:1 is not allowed here")
