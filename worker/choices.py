"""What a task works with: of the command, the project's file and the operator's settings, who decides what. Pure.

The operator bounds both, and the project's file bounds the command: cost and time only become less, protected paths
only more, and agents, models and images are among those that the operator allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from core.errors import Refusal
from core.figures import duration, money
from core.reasons import Reason
from core.settings import Settings
from worker.conversation import sanitize
from worker.conversation.commands import Wishes
from worker.project_file import ProjectFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was chosen, named as `core.task.Task` names it."""

    agent: str
    model: str
    image: str
    budget_usd: float
    timeout_seconds: int
    draft: bool


def bounded(file: ProjectFile, settings: Settings) -> ProjectFile:
    """Give what the project's file comes to here: the operator's settings fill it up and bound it.

    An agent, model or image that it may not choose counts as not chosen; *problems* says so.
    """
    problems = list(file.problems)
    named = {"agent": file.agent, "model": file.model, "image": file.image}
    for key, value in named.items():
        if value and not _is_allowed(key, value, settings):
            problems.append(f"`{key}` names one that is not allowed here: whoever runs the agent decides which are.")
            named[key] = None
    return file.model_copy(
        update={
            "agent": named["agent"] or settings.agent,
            "model": named["model"] or settings.model,
            "image": named["image"] or "",
            "timeout": min(file.timeout or settings.agent_timeout_seconds, settings.agent_timeout_seconds),
            "budget": _least(file.budget or 0.0, settings.budget_usd),
            "draft": settings.draft if file.draft is None else file.draft,
            "protected_paths": tuple(dict.fromkeys((*settings.protected_paths, *file.protected_paths))),
            "ci_fix": settings.ci_fixes if file.ci_fix is None else min(file.ci_fix, settings.ci_fixes),
            "problems": tuple(problems),
        }
    )


def check_image(file: ProjectFile, settings: Settings) -> None:
    """Check the project's image against the operator's list, where there is one.

    Raises:
        Refusal: It is not on it. In another image the project's tools would be missing.
    """
    if file.image and settings.allowed_images and not _is_allowed("image", file.image, settings):
        raise Refusal(Reason.IMAGE, f"{file.image} is not allowed here")


def choices(wishes: Wishes, file: ProjectFile, settings: Settings) -> Choices:
    """Choose: the command where it says something, else the project's file, else the operator.

    Raises:
        Refusal: The command asks for more than it may, and the detail says how much that is; or as `check_image`.
    """
    check_image(file, settings)
    base = bounded(file, settings)
    _check_names(wishes, settings)
    most, longest = base.budget or 0.0, base.timeout or 0
    if 0 < most < wishes.budget:
        raise _refusal(f"a task may cost at most {money(most)} here: give a smaller `--budget`.")
    if 0 < longest < wishes.timeout:
        raise _refusal(f"a task may take at most {duration(longest)} here: give a shorter `--timeout`.")
    return Choices(
        agent=wishes.agent or base.agent or "",
        model=wishes.model or base.model or "",
        image=wishes.image or base.image or "",
        budget_usd=wishes.budget or most,
        timeout_seconds=wishes.timeout or longest,
        draft=wishes.draft or bool(base.draft),
    )


def _check_names(wishes: Wishes, settings: Settings) -> None:
    allowed = {
        "agent": dict.fromkeys((settings.agent, *settings.allowed_agents)),
        "model": dict.fromkeys((settings.model or "its own", *settings.allowed_models)),
        "image": settings.allowed_images or ("its own",),
    }
    for key, value in (("agent", wishes.agent), ("model", wishes.model), ("image", wishes.image)):
        if value and not _is_allowed(key, value, settings):
            names = ", ".join(sanitize.code(name, 100) for name in allowed[key])
            cannot = "may not be run" if key == "image" else "can't be chosen"
            raise _refusal(f"the {key} {sanitize.code(value, 200)} {cannot} here, only {names}.")


def _refusal(sentence: str) -> Refusal:
    return Refusal(Reason.LIMIT, f"Nothing was started: {sentence}")


def _is_allowed(key: str, value: str, settings: Settings) -> bool:
    if key == "agent":
        return value == settings.agent or value in settings.allowed_agents
    if key == "model":
        return not settings.allowed_models or value == settings.model or _matches(value, settings.allowed_models)
    return _matches(value, settings.allowed_images)


def _matches(value: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _least(one: float, other: float) -> float:
    """Give the smaller of two limits; 0 is none."""
    return min(one or other, other or one)
