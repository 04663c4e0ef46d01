"""A Dockerfile as a list of instructions, as far as these tests look at one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continued lines joined by single spaces."""

    word: str
    rest: str


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """What comes before the first FROM, and the stages, each beginning with its FROM."""

    head: tuple[Instruction, ...]
    stages: tuple[tuple[Instruction, ...], ...]

    @property
    def last(self) -> tuple[Instruction, ...]:
        """The stage that becomes the image."""
        return self.stages[-1]

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All of it, in order."""
        return self.head + tuple(instruction for stage in self.stages for instruction in stage)


def read(path: Path) -> Dockerfile:
    """Read the file at *path*."""
    instructions = _instructions(path.read_text("utf-8"))
    starts = [place for place, instruction in enumerate(instructions) if instruction.word == "FROM"]
    ends = [*starts[1:], len(instructions)]
    stages = tuple(tuple(instructions[start:end]) for start, end in zip(starts, ends, strict=True))
    return Dockerfile(head=tuple(instructions[: starts[0]]), stages=stages)


def _instructions(text: str) -> list[Instruction]:
    lines = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", "")
    found = (line.partition(" ") for line in joined.splitlines() if line)
    return [Instruction(word.upper(), " ".join(rest.split())) for word, _, rest in found]
