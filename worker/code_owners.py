"""Whom a project's CODEOWNERS names for changed files. Pure; the text is a project's, so everything has a limit.

Of GitLab's format: sections with their default owners, the last pattern that matches counts in each section, patterns
with ``!`` take a file out. Owners are usernames; groups, roles and e-mail addresses are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from itertools import islice
from typing import Final

PLACES: Final = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where GitLab looks; the first that is there counts."""
TEXT_LIMIT: Final = 200_000
RULES_LIMIT: Final = 500
FILES_LIMIT: Final = 100
_PATTERN_LIMIT: Final = 300
_SECTION: Final = re.compile(r"\^?\[([^\]]{1,200})\](?:\[\d{1,4}\])?(?P<owners>(?:\s.*)?)")
_RULE: Final = re.compile(r"((?:\\.|[^\s\\])+)(?P<owners>(?:\s.*)?)")
_OWNER: Final = re.compile(r"@([A-Za-z0-9_][A-Za-z0-9_.-]{0,254})", re.ASCII)
_NOTHING: Final = re.compile(r"(?!)")

Segment = re.Pattern[str] | None
"""One part of a path; None: any number of parts."""


@dataclass(frozen=True, slots=True)
class _Rule:
    segments: tuple[Segment, ...]
    owners: tuple[str, ...]
    """Nobody's, where it takes files out or names none."""


@dataclass(slots=True)
class _Section:
    owners: tuple[str, ...] = ()
    rules: list[_Rule] = field(default_factory=list)


def owners_of(text: str, paths: Iterable[str]) -> list[str]:
    """Give the usernames of who owns *paths*, those who own the most first."""
    sections = _read(text[:TEXT_LIMIT])
    owned: Counter[str] = Counter()
    for path in islice(paths, FILES_LIMIT):
        parts = path.split("/")
        for section in sections:
            rule = next((rule for rule in reversed(section.rules) if _matches(rule.segments, parts)), None)
            owned.update(dict.fromkeys(rule.owners if rule else (), 1))
    return [name for name, _ in owned.most_common()]


def _read(text: str) -> list[_Section]:
    sections = {"": _Section()}
    current = sections[""]
    for line in islice(filter(None, map(str.strip, text.splitlines())), RULES_LIMIT):
        if line.startswith("#"):
            continue
        if header := _SECTION.fullmatch(line):
            # Sections of one name are one.
            current = sections.setdefault(header[1].strip().lower(), _Section(_owners(header["owners"])))
        elif rule := _RULE.fullmatch(line):
            current.rules.append(_rule(rule[1], _owners(rule["owners"]) or current.owners))
    return list(sections.values())


def _rule(pattern: str, owners: tuple[str, ...]) -> _Rule:
    takes_out = pattern.startswith("!")
    plain = re.sub(r"\\(.)", r"\1", pattern.removeprefix("!"))[:_PATTERN_LIMIT]
    anywhere = "" if plain.startswith("/") else "**/"
    below = "**" if plain.endswith("/") else ""
    parts = f"{anywhere}{plain.removeprefix('/')}{below}".split("/")
    return _Rule(
        tuple(None if part == "**" else re.compile(translate(part)) for part in parts), () if takes_out else owners
    )


def _owners(text: str) -> tuple[str, ...]:
    words = text.partition(" #")[0].split()
    return tuple(dict.fromkeys(found[1] for word in words if (found := _OWNER.fullmatch(word))))


def _matches(segments: Sequence[Segment], parts: Sequence[str]) -> bool:
    """Tell whether *segments* fit *parts* from end to end: greedily, with one way back at a time."""
    at = segment = 0
    way_back: tuple[int, int] | None = None
    while at < len(parts):
        wanted = segments[segment] if segment < len(segments) else _NOTHING
        if wanted is None and segment == len(segments) - 1:
            return True
        if wanted is None:
            segment += 1
            way_back = (segment, at)
        elif wanted.match(parts[at]):
            at, segment = at + 1, segment + 1
        elif way_back:
            way_back = (way_back[0], way_back[1] + 1)
            segment, at = way_back
        else:
            return False
    return segment == len(segments)
