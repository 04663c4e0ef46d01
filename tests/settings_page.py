"""Makes docs/settings.md from `core.settings.Settings`: ``python -m tests.settings_page > docs/settings.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from core.limit_settings import LimitSettings
from core.log_settings import LogSettings
from core.page_settings import PageSettings
from core.run_settings import RunSettings
from core.settings import PREFIX, Settings

THEMES: Final = {
    "gitlab_url": "GitLab",
    "redis_url": "Redis and addresses",
    "oidc_client_id": "Signing in",
    "executor": "Where agents run",
    "agent": "The agent",
    "setup_required": "Projects",
    "max_runs": "Limits",
    "label_prefix": "Labels, times and what is kept",
    "log_lines": "Logs",
    "mcp_servers": "Inside a run",
}
"""The first field of each theme. The fields keep the order that they have in the code."""
INTRODUCTION: Final = f"""\
# Settings

<!-- Made from core/settings.py by `make docs`; change it there. -->

Settings are environment variables. A variable that is not set, or empty, means its default. Lists are separated by
commas. A secret may also be a file that is named like its variable in lower case, in the folder that
`{PREFIX}SECRETS_DIR` names; a variable wins over a file. A wrong value ends the command with a sentence that names the
variable and never shows the value.
"""


def page() -> str:
    """Give the whole page."""
    return "\n".join((INTRODUCTION, *_tables())) + "\n"


def documented_fields() -> dict[str, FieldInfo]:
    """Give the fields that are variables of their own, in their order; limits, pages, logs and runs come last."""
    parts = (LimitSettings, PageSettings, LogSettings, RunSettings)
    fields = sorted(
        Settings.model_fields.items(), key=lambda item: [item[0] in part.model_fields for part in parts[::-1]]
    )
    return {name: field for name, field in fields if not field.exclude}


def _tables() -> Iterator[str]:
    for name, field in documented_fields().items():
        if name in THEMES:
            yield f"## {THEMES[name]}\n\n| variable | default | what it does |\n|---|---|---|"
        yield _row(name, field) + ("\n" if _ends_theme(name) else "")


def _ends_theme(name: str) -> bool:
    names = list(documented_fields())
    following = names[names.index(name) + 1 :]
    return bool(following) and following[0] in THEMES


def _row(name: str, field: FieldInfo) -> str:
    what = " ".join(filter(None, (field.description, _choices(field))))
    cells = (f"`{PREFIX}{name.upper()}`", _default(field), what)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        return ""
    if value == {}:
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{part}`" for part in value)
    shown = str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{shown}`" if shown else ""


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    *others, last = (f"`{choice}`" for choice in get_args(field.annotation))
    return f"One of {', '.join(others)} and {last}."


if __name__ == "__main__":
    sys.stdout.write(page())
