"""What a project says about its runs in `.ablehand.yml` on its default branch. `worker.choices` bounds it.

Whoever may merge there decides. The text is hostile: it is parsed as plain data, every key is checked, and no sentence
about it holds one of its values. A key that can't be read counts as not there; what was wrong is told once.
`docs/project-file.md` has the table of `Keys`, and a test holds the two together.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from core.gitlab.client import GitLab
from core.gitlab.nouns import Project
from core.store import TaskStore
from worker.conversation import sanitize

NAME: Final = ".ablehand.yml"
SIZE_LIMIT_BYTES: Final = 64 * 1024
PROBLEMS_SHOWN: Final = 10
LONGEST_SECONDS: Final = 7 * 86_400
_TIME: Final = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?", re.ASCII)

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$", max_length=300)]
Label = Annotated[str, StringConstraints(pattern=r"^[^,\x00-\x1f]*[^,\s\x00-\x1f][^,\x00-\x1f]*$", max_length=255)]
Glob = Annotated[str, StringConstraints(pattern=r"^[^,\x00-\x1f]+$", max_length=300)]


class Keys(BaseModel):
    """Every key, with what it has to be (*title*) and what it does (*description*); None or empty: not said."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    agent: Word | None = Field(None, title="an agent's name", description="Which coding agent works.")
    model: Word | None = Field(None, title="a model's name", description="Model that the agent uses.")
    image: Word | None = Field(None, title="an image's name", description="Image that the agent runs in.")
    timeout: int | None = Field(
        None, ge=1, le=LONGEST_SECONDS, title="a time such as `45m` or `1h30m`",
        description="How long an agent may work on a task.",
    )  # fmt: skip
    budget: float | None = Field(
        None, gt=0, le=100_000, allow_inf_nan=False, title="an amount in US dollars, such as `2.50`",
        description="Most that one task may spend on the model.",
    )  # fmt: skip
    labels: tuple[Label, ...] = Field(
        (), strict=False, max_length=20, title="a list of labels, none with a comma",
        description="Labels of the merge requests that the agent opens.",
    )  # fmt: skip
    draft: bool | None = Field(
        None, title="`true` or `false`", description="Whether the agent's merge requests are opened as drafts."
    )
    protected_paths: tuple[Glob, ...] = Field(
        (), strict=False, max_length=100, title="a list of globs, none with a comma",
        description="Further files whose change is not pushed.",
    )  # fmt: skip
    ci_fix: int | None = Field(
        None, ge=0, le=100, title="a whole number",
        description="How often the agent tries to mend the failed pipeline of one of its merge requests; 0: never.",
    )  # fmt: skip
    publish_on_timeout: bool | None = Field(
        None, title="`true` or `false`",
        description="Whether what an agent has changed is pushed as a draft where it ran out of time.",
    )  # fmt: skip
    setup_cache: tuple[Glob, ...] = Field(
        (), strict=False, max_length=20, title="a list of files, none with a comma",
        description="Files that the result of `agent-setup.sh` depends on; it is kept until one of them changes.",
    )  # fmt: skip
    setup_cache_folders: tuple[Glob, ...] = Field(
        (), strict=False, max_length=20, title="a list of folders, none with a comma",
        description="Folders that hold this result: in the work tree, or in HOME with `~/` before them.",
    )  # fmt: skip

    @field_validator("timeout", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        """Read a time; a number without a unit means minutes, as behind `--timeout`."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value * 60
        found = _TIME.fullmatch(value) if isinstance(value, str) else None
        return (
            sum(int(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True))
            if found
            else value
        )


class ProjectFile(Keys):
    """What the file says, as far as it can be read."""

    problems: tuple[str, ...] = ()
    """What could not be, one harmless Markdown sentence each."""
    digest: str = ""
    """Of the file's text; empty: there is none."""


def load(gitlab: GitLab, project: Project) -> ProjectFile:
    """Read the file as it is on the default branch now; an empty `ProjectFile` where there is none."""
    text = gitlab.file(project.id, NAME, project.default_branch) if project.default_branch else None
    return read(text) if text is not None else ProjectFile()


def read(text: str) -> ProjectFile:
    """Read the file's *text*, whatever it is."""
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    try:
        values = yaml.safe_load(text) if len(text) <= SIZE_LIMIT_BYTES else ""
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return ProjectFile(problems=(f"It is no YAML{_place(error)}.",), digest=digest)
    if not isinstance(values, dict | None):
        return ProjectFile(problems=("It has to be a mapping of at most 64 KiB.",), digest=digest)
    return _checked(values or {}, digest)


async def first_notice(store: TaskStore, project: Project, file: ProjectFile, task_id: int) -> str:
    """Give what is wrong with the file, as Markdown, to the first task that meets it; "" to every later one."""
    if not file.problems:
        return ""
    words = "\n".join(f"- {problem}" for problem in file.problems)
    digest = hashlib.sha256(f"{file.digest} {words}".encode()).hexdigest()
    if await store.claim(f"{NAME}:{project.id}:{digest}", task_id) != task_id:
        return ""
    branch = sanitize.code(project.default_branch, 100)
    return f"⚠️ Something in `{NAME}` on {branch} can't be used, and counts as not there:\n\n{words}"


def _checked(values: Mapping[Any, Any], digest: str) -> ProjectFile:
    known = {name: value for name, value in values.items() if name in Keys.model_fields}
    problems = [_unknown(name) for name in values if name not in known]
    try:
        keys = Keys.model_validate(known)
    except ValidationError as error:
        wrong = {str(item["loc"][0]) for item in error.errors(include_input=False, include_url=False)}
        problems += [f"`{name}` has to be {Keys.model_fields[name].title}." for name in known if name in wrong]
        keys = Keys.model_validate({name: value for name, value in known.items() if name not in wrong})
    more = len(problems) - PROBLEMS_SHOWN
    shown = [*problems[:PROBLEMS_SHOWN], *([f"{more} more are like these."] if more > 0 else [])]
    return ProjectFile.model_construct(**dict(keys), problems=tuple(shown), digest=digest)


def _unknown(name: object) -> str:
    word = name if isinstance(name, str) else type(name).__name__
    close = difflib.get_close_matches(word[:40], Keys.model_fields, n=1)
    return f"There is no key {sanitize.code(word, 40)}" + (f": did you mean `{close[0]}`?" if close else ".")


def _place(error: Exception) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return f": see line {mark.line + 1}" if mark else ""
