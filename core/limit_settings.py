"""How much may run, last and cost. Part of `core.settings.Settings`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings


class LimitSettings(BaseSettings):
    """Built as a part of the whole only."""

    max_runs: int = Field(4, ge=1, description="Runs at once, in all.")
    max_runs_per_project: int = Field(0, ge=0, description="Runs at once in one project; 0: no limit of its own.")
    max_runs_per_person: int = Field(0, ge=0, description="Runs at once for one person; 0: no limit of their own.")
    agent_timeout_seconds: int = Field(3600, ge=1, description="How long an agent may work on a task.")
    idle_timeout_seconds: int = Field(600, ge=1, description="How long an agent may stay silent.")
    setup_timeout_seconds: int = Field(600, ge=1, description="How long `agent-setup.sh` may run.")
    output_limit_bytes: int = Field(
        50_000_000, ge=1000, description="What `agent-setup.sh` and the agent may print each before they are ended."
    )
    budget_usd: float = Field(0.0, ge=0, description="Most that one task may spend on the model; 0: no limit.")
    budget_usd_per_day_project: float = Field(
        0.0,
        ge=0,
        description="Most that the tasks of one project may spend in a day (UTC); 0: no limit. Each running task "
        "reserves its budget of it, so that `ABLEHAND_BUDGET_USD` has to be set too.",
    )
    budget_usd_per_day_person: float = Field(
        0.0, ge=0, description="Most that the tasks of one person may spend in a day, in all projects; as above."
    )
    max_tasks_per_hour: int = Field(
        0, ge=0, description="Tasks that one person may ask for in an hour, in all projects; 0: no limit."
    )
    thread_tasks_per_hour: int = Field(
        20,
        ge=0,
        description="Most that one issue or merge request may ask for within an hour, so that two bots cannot keep "
        "each other busy; 0: no limit.",
    )

    @model_validator(mode="after")
    def _reservable_budget(self) -> Self:
        days = [day for day in (self.budget_usd_per_day_project, self.budget_usd_per_day_person) if day]
        if days and not 0 < self.budget_usd <= min(days):
            raise ValueError("ABLEHAND_BUDGET_USD has to be set, and no more than a day's limit")
        return self
