"""Take GitLab's quick actions out of a text, as GitLab does before it saves one. Pure.

Only names that GitLab knows are taken, at the start of a line, outside of code, quotes and HTML; `/agent` is not one.
"""

import re
from dataclasses import dataclass

_NAMES = """
    add_child add_contacts add_email approve assign assign_reviewer reviewer award blocked_by blocks board_move cc
    checkin_reminder clear_health_status clear_weight clone close confidential convert_to_ticket copy_metadata
    create_merge_request done draft due duplicate epic set_parent estimate estimate_time health_status iteration label
    labels link lock merge milestone move page promote promote_to promote_to_incident publish react ready reassign
    reassign_reviewer rebase relabel relate remove_child remove_contacts remove_due_date remove_email remove_estimate
    remove_time_estimate remove_iteration remove_milestone remove_parent remove_time_spent remove_zoom reopen
    request_review severity shrug spend spend_time status submit_review subscribe tableflip target_branch timeline title
    todo type unapprove unassign unassign_reviewer remove_reviewer unlabel remove_label unlink unlock unsubscribe weight
    zoom
"""
NAMES = frozenset(_NAMES.split())
SUBSTITUTIONS = {"shrug": "¯\\_(ツ)_/¯", "tableflip": "(╯°□°)╯︵ ┻━┻"}

_COMMAND = re.compile(r"^/(?P<name>[A-Za-z_]+)(?:[ ](?P<argument>[^\n]*))?$")
_FENCE = re.compile(r"^(?P<mark>`{3,}|~{3,}|>>>|<[a-z][^>\n]*>$|\$\$)")


@dataclass(frozen=True, slots=True)
class Command:
    """One quick action; the name in lower case, the rest of its line as it stood."""

    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """What is left to save of a text, and the commands that were taken out, in order."""

    text: str
    commands: tuple[Command, ...]

    @property
    def only_commands(self) -> bool:
        """Tell whether nothing is left to save."""
        return bool(self.commands) and not self.text.strip()


def extract(text: str) -> Extracted:
    """Split *text* into what is saved and its quick actions; carriage returns and trailing blanks go."""
    kept: list[str] = []
    commands: list[Command] = []
    closing = ""
    for line in text.replace("\r", "").split("\n"):
        if closing:
            closing = "" if _closes(line, closing) else closing
        elif fence := _FENCE.match(line):
            closing = _closing_mark(fence["mark"])
        elif command := _command(line):
            commands.append(command)
            if command.name in SUBSTITUTIONS:
                kept.append(f"{command.argument} {SUBSTITUTIONS[command.name]}".strip())
            continue
        kept.append(line)
    return Extracted("\n".join(kept).rstrip(), tuple(commands))


def _command(line: str) -> Command | None:
    found = _COMMAND.match(line)
    if not found or found["name"].lower() not in NAMES:
        return None
    return Command(found["name"].lower(), (found["argument"] or "").strip())


def _closing_mark(mark: str) -> str:
    if mark.startswith("<"):
        return f"</{re.split(r'[ >]', mark[1:], maxsplit=1)[0]}>"
    return mark


def _closes(line: str, closing: str) -> bool:
    """Tell whether *line* ends it: a fence ends at its own mark, an HTML block at its end tag or at an empty line."""
    if closing.startswith("</"):
        return closing in line or not line.strip()
    return line.rstrip() == closing
