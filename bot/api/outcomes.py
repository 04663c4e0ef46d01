"""The outcomes as JSON, and what may be asked of them. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from bot.api.shapes import Query
from bot.outcomes import Shown
from core.outcomes import Sums


class OutcomesQuery(Query):
    """Of what, and of how many days."""

    days: Annotated[str, StringConstraints(pattern=r"^(?:7|30|90)$")] = Field("30", description="7, 30 or 90.")
    project: Annotated[str, StringConstraints(pattern=r"^(?:[1-9][0-9]{0,14})?$")] = Field(
        "", description="Its id; empty: all that you may see."
    )


class SumsView(BaseModel):
    """Tasks by how they ended, merge requests by what has become of them, time and money."""

    completed: int
    failed: int
    rejected: int
    cancelled: int
    merge_requests_merged: int
    merge_requests_open: int
    merge_requests_closed: int
    median_seconds: float | None = Field(
        description="From the request to its merge request, within five per cent; null where there was none."
    )
    cost_usd: float
    cost_usd_per_merged: float | None = Field(description="All that was spent, by what was merged; null: nothing was.")


class DayView(SumsView):
    """One day, UTC."""

    day: date


class ProjectView(SumsView):
    """One project."""

    id: int
    path: str


class OutcomesView(BaseModel):
    """Today and the days before it: a task counts on the day of its end, a merge request on that of its opening."""

    days: int
    total: SumsView
    by_day: list[DayView] = Field(description="The oldest first.")
    by_project: list[ProjectView]


def outcomes_view(days: int, shown: Shown) -> OutcomesView:
    """Show sums."""
    report = shown.report
    return OutcomesView(
        days=days,
        total=SumsView(**_sums(report.total)),
        by_day=[DayView(day=day, **_sums(sums)) for day, sums in report.days.items()],
        by_project=[
            ProjectView(id=project_id, path=shown.path(project_id), **_sums(sums))
            for project_id, sums in sorted(report.projects.items())
        ],
    )


def _sums(sums: Sums) -> dict[str, int | float | None]:
    return {
        "completed": sums.count("completed"),
        "failed": sums.count("failed"),
        "rejected": sums.count("rejected"),
        "cancelled": sums.count("cancelled"),
        "merge_requests_merged": sums.count("merged"),
        "merge_requests_open": sums.count("opened"),
        "merge_requests_closed": sums.count("closed"),
        "median_seconds": sums.median_seconds,
        "cost_usd": round(sums.usd, 6),
        "cost_usd_per_merged": sums.usd_per_merged,
    }
