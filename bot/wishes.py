"""What a form or a script may ask for, checked before anybody is asked anything: no URL and no address gets through.

The repository is a project of the one GitLab that is configured, by its path or id; where it is cloned from is for the
worker to read there.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

PROMPT_LIMIT: Final = 16_000
"""Characters; in UTF-8 at most what a comment may hold."""
BODY_LIMIT_BYTES: Final = 256 * 1024
EXPECTED: Final = "a project's full path, such as group/project, or its id"

_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}"
_NUMBER: Final = r"(?:0[xX][0-9A-Fa-f]+|[0-9]+)"
_LOCAL_ENDS: Final = ("internal", "local", "localhost", "localdomain", "svc", "lan", "home")


def _any_case(word: str) -> str:
    """Give a pattern for *word*: in a description, patterns have no flags."""
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


_INSIDE: Final = (
    rf"(?:{_NUMBER}(?:\.{_NUMBER})*|{_any_case('localhost')}|[^/]*\.(?:{'|'.join(map(_any_case, _LOCAL_ENDS))}))"
)
REPOSITORY_PATTERN: Final = (
    rf"^(?:[1-9][0-9]{{0,14}}|(?!{_INSIDE}/)(?![^\n]*\.(?:git|atom)(?:/|$)){_SEGMENT}(?:/{_SEGMENT}){{1,20}})$"
)
"""Names that only a machine inside of a network has can't be a group's here, though GitLab would let them."""
BRANCH_PATTERN: Final = r"^(?:[A-Za-z0-9_](?:[A-Za-z0-9_./+#@-]*[A-Za-z0-9_+#-])?)?$"
MODEL_PATTERN: Final = r"^(?:[A-Za-z0-9][A-Za-z0-9_.:/@-]*)?$"
_REPOSITORY: Final = re.compile(REPOSITORY_PATTERN, re.ASCII)


def _project(text: str) -> str:
    if len(text) > 1000 or "\n" in text or not _REPOSITORY.match(text):  # noqa: PLR2004 - as below
        raise ValueError(f"expected {EXPECTED}")
    return text


Repository = Annotated[
    str,
    AfterValidator(_project),
    Field(json_schema_extra={"pattern": REPOSITORY_PATTERN, "maxLength": 1000}),
]


class Wish(BaseModel):
    """A task that somebody wants."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    repository: Repository = Field(description=f"In which project: {EXPECTED}.", examples=["shop/web"])
    prompt: Annotated[str, StringConstraints(min_length=1, max_length=PROMPT_LIMIT, pattern=r"\S")] = Field(
        description="What is to be done.", examples=["Add a /health endpoint that returns a 200 OK status"]
    )
    branch: Annotated[str, StringConstraints(pattern=BRANCH_PATTERN, max_length=200)] = Field(
        "", description="The branch that the work starts from; empty: the project's default branch."
    )
    agent: Annotated[str, StringConstraints(pattern=r"^[a-z]*$", max_length=40)] = Field(
        "", description="Which agent works; empty: the one that the operator has chosen."
    )
    model: Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=128)] = Field(
        "", description="Which model the agent uses; empty: the operator's choice."
    )
