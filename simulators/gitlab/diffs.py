"""The changes between two commits, file by file, as the API shows them and the pages colour them."""

from dataclasses import dataclass

from simulators.gitlab.repository import Repository


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file; `diff` holds its hunks alone, and is empty for a binary file."""

    old_path: str
    new_path: str
    a_mode: str
    b_mode: str
    status: str
    diff: str


def changes_between(repository: Repository, base: str, head: str) -> list[FileChange]:
    """Return what changed from *base* to *head*, with renames found."""
    if base == head:
        return []
    raw = repository.git("diff-tree", "-r", "-M", "-z", "--raw", "--no-abbrev", "-p", "--end-of-options", base, head)
    records, _, patch = raw.partition(b"\0\0")
    files = _raw_records(records.decode(errors="replace").split("\0"))
    hunks = _hunks(patch.decode(errors="replace"))
    return [
        FileChange(old, new, a_mode, b_mode, status, hunks[index] if index < len(hunks) else "")
        for index, (a_mode, b_mode, status, old, new) in enumerate(files)
    ]


def _raw_records(fields: list[str]) -> list[tuple[str, str, str, str, str]]:
    files = []
    position = 0
    while position < len(fields) and fields[position].startswith(":"):
        a_mode, b_mode, _, _, status = fields[position][1:].split(" ")
        renamed = status[0] in "RC"
        old = fields[position + 1]
        new = fields[position + 2] if renamed else old
        files.append((a_mode, b_mode, status[0], old, new))
        position += 3 if renamed else 2
    return files


def _hunks(patch: str) -> list[str]:
    """Return the hunks of each file; a line of content never starts with "diff", as hunks mark each line."""
    files: list[list[str]] = []
    in_hunks = False
    for line in patch.splitlines(keepends=True):
        if line.startswith("diff --git "):
            files.append([])
            in_hunks = False
            continue
        in_hunks = in_hunks or line.startswith("@@")
        if in_hunks:
            files[-1].append(line)
    return ["".join(lines) for lines in files]
