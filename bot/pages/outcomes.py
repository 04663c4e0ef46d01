"""What has become of it all: tasks by result, merge requests by state, how long it took and what it cost."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from bot.outcomes import outcomes_for
from bot.pages.frame import Frame
from bot.pages.outcome_pictures import columns, shares
from bot.problems import not_found
from core.figures import money

PERIODS: Final = {"7": "7 days", "30": "30 days", "90": "90 days"}
USUAL: Final = "30"
REASONS_SHOWN: Final = 6
PROJECTS_SHOWN: Final = 40
"""So that the page stays light; any other is a choice away."""
UNKNOWN: Final = "\N{EN DASH}"
_ID: Final = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


class OutcomePage:
    """``/outcomes``: sums of the projects that the viewer may see, and of no others."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._desk = frame.desk

    async def show(self, request: Request) -> Response:
        """Show the sums of a period, of one project or of all."""
        viewer = await self._frame.viewer(request)
        days = request.query_params.get("days", "")
        days = days if days in PERIODS else USUAL
        chosen = _number(request.query_params.get("project", ""))
        shown = await outcomes_for(self._desk, viewer, days=int(days), project_id=chosen)
        report = shown.report
        rows = [(project_id, shown.path(project_id), sums) for project_id, sums in report.projects.items()]
        rows.sort(key=lambda row: (-row[2].tasks, row[1]))
        return self._frame.show(
            "outcomes.html",
            viewer,
            report=report,
            total=report.total,
            rows=rows[:PROJECTS_SHOWN],
            further=len(rows[PROJECTS_SHOWN:]),
            columns=columns(report.days),
            shares=shares(report.total),
            failures=report.total.failures[:REASONS_SHOWN],
            periods={name: (words, _address(chosen, name)) for name, words in PERIODS.items()},
            chosen_days=days,
            projects=sorted(shown.paths.items(), key=lambda item: item[1]),
            chosen=chosen,
            roughly=roughly,
            dollars=dollars,
            per_cent=per_cent,
        )


def _number(text: str) -> int:
    """Read a project's id; 0 for none.

    Raises:
        Problem: It can't be one.
    """
    if text and not _ID.fullmatch(text):
        raise not_found()
    return int(text or 0)


def _address(project_id: int, days: str) -> str:
    return "/outcomes?" + urlencode(({"project": str(project_id)} if project_id else {}) | {"days": days})


def roughly(seconds: float | None) -> str:
    """Give a time as exactly as it is known: in one unit."""
    if seconds is None:
        return UNKNOWN
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < _DAY else f"{seconds / _DAY:.1f} days"


def dollars(usd: float | None) -> str:
    """Give an amount; of nothing, that it is nothing."""
    if usd is None:
        return UNKNOWN
    return money(usd) if usd > 0 else "$0"


def per_cent(part: int, whole: int) -> str:
    """Give a part of a whole; nothing is no part of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else UNKNOWN
