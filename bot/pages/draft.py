"""What somebody has typed into the form, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final

from pydantic import ValidationError

from bot.wishes import EXPECTED, PROMPT_LIMIT, Wish
from core.task import Task

_SENTENCES: Final = {
    "repository": f"Write {EXPECTED}, not an address.",
    "prompt": f"Say what is to be done, in at most {PROMPT_LIMIT:,} characters.",
    "branch": "No branch has such a name. Leave it empty for the project's default branch.",
    "agent": "Choose one of the agents.",
    "model": "No model has such a name. Leave it empty for the default.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The fields of the form, as they were typed."""

    repository: str = ""
    prompt: str = ""
    branch: str = ""
    agent: str = ""
    model: str = ""

    def wish(self) -> Wish:
        """Give what is asked for.

        Raises:
            ValidationError: It can't be asked; `sentences` says why.
        """
        return Wish.model_validate(asdict(self))


def read_draft(values: Mapping[str, object]) -> Draft:
    """Read the fields out of a form or an address; spaces around a name are no part of it."""
    given = {field.name: values.get(field.name, "") for field in fields(Draft)}
    texts = {name: value if isinstance(value, str) else "" for name, value in given.items()}
    return Draft(**{name: _prompt(text) if name == "prompt" else text.strip() for name, text in texts.items()})


def draft_like(task: Task) -> Draft:
    """Give what asks for the same as *task* did."""
    return Draft(repository=task.repository, prompt=task.prompt, branch=task.branch, agent=task.agent, model=task.model)


def sentences(error: ValidationError) -> dict[str, str]:
    """Say what is wrong with each field."""
    names = [str(each["loc"][0]) for each in error.errors(include_url=False, include_input=False)]
    return {name: _SENTENCES[name] for name in names}


def _prompt(text: str) -> str:
    return text.replace("\r\n", "\n")
