"""What the table of tasks is narrowed to: all of it stands in the address, so that it can be kept and sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final
from urllib.parse import urlencode

from bot.problems import Problem
from core.task import Status

LONGEST: Final = 200
_USERNAME: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """As it stands in the address; empty means any."""

    status: str = ""
    project: str = ""
    """Full path, or id."""
    person: str = ""
    text: str = ""
    cursor: str = ""
    """The table begins below this id."""

    @property
    def is_any(self) -> bool:
        """Whether nothing is left out but newer tasks."""
        return not (self.status or self.project or self.person or self.text)

    @property
    def statuses(self) -> tuple[Status, ...]:
        """Which statuses are wanted."""
        return (Status(self.status),) if self.status else ()

    @property
    def is_possible(self) -> bool:
        """Whether there can be somebody of that name at all."""
        return not self.person or _USERNAME.fullmatch(self.person) is not None

    def project_ids(self, paths: Mapping[int, str]) -> frozenset[int] | None:
        """Give the projects that are meant, by id; None for all."""
        if not self.project:
            return None
        path = self.project.lower()
        named = {project_id for project_id, known in paths.items() if known.lower() == path}
        return frozenset(named | ({int(path)} if _NUMBER.fullmatch(path) else set()))

    def address(self, **changes: str) -> str:
        """Give where the table is with *changes*, from its youngest task on if they do not say else."""
        values = asdict(replace(self, **{"cursor": "", **changes}))
        query = urlencode({name: value for name, value in values.items() if value})
        return f"/?{query}" if query else "/"


def read_filter(query: Mapping[str, str]) -> Filter:
    """Read an address's query; what we do not know in it is left alone.

    Raises:
        Problem: No form or link of ours would say that.
    """
    given = {field.name: query.get(field.name, "").strip()[:LONGEST] for field in fields(Filter)}
    wanted = Filter(**given | {"person": given["person"].removeprefix("@")})
    if wanted.status and wanted.status not in set(Status):
        raise Problem(400, f"A status is one of {', '.join(Status)}.")
    if wanted.cursor and not _NUMBER.fullmatch(wanted.cursor):
        raise Problem(400, "A cursor is what the link to older tasks has.")
    return wanted
