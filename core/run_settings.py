"""What happens inside a run: MCP servers, watchdogs, turns, prices, what is kept. Part of `core.settings.Settings`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, PrivateAttr, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

PriceName = Literal["input", "cached", "output"]


class RunSettings(BaseSettings):
    """Built as a part of the whole only."""

    mcp_servers: Path | None = Field(
        None,
        description="YAML or JSON file with the MCP servers that every agent gets, in the shape of a `.mcp.json`: "
        "`mcpServers`, each with `command`, `args` and `env`, or with `url` and `headers`. `${NAME}` stands for a "
        "variable of `ABLEHAND_MCP_VARIABLES`.",
    )
    mcp_variables: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Names of the worker's environment variables that those servers get, separated by commas: their "
        "credentials. The agent's own environment does not hold them, `agent-setup.sh` neither.",
    )
    project_mcp: bool = Field(
        default=False,
        description="Whether the MCP servers in the `.mcp.json` of a project's default branch are started too; they "
        "get no variable of ours.",
    )
    first_event_seconds: int = Field(
        180, ge=1, description="How long an agent other than `command` may take until it prints its first line."
    )
    publish_on_timeout: bool = Field(
        default=False,
        description="Whether what an agent has changed is pushed as a draft merge request where it ran out of time or "
        "fell silent.",
    )
    setup_cache_claim: str = Field(
        "",
        description="PersistentVolumeClaim in the agents' namespace that keeps what `agent-setup.sh` made, in a folder "
        "for each project; several nodes at once have to be able to write to it. None: nothing is kept there.",
    )

    max_turns: int = Field(0, ge=0, description="Most calls to the model in one task; 0: no limit.")
    prices: Annotated[dict[str, dict[PriceName, NonNegativeFloat]], NoDecode] = Field(
        {},
        description="What the model costs, for agents that know no prices (`codex`, `gemini`): JSON, a model's name, "
        'or `*` for any other, to USD for a million tokens, such as `{"gpt-5.5": {"input": 1.25, "cached": 0.125, '
        '"output": 10}}`. Without it such a task costs nothing, and no budget ends it.',
    )

    _agent_environment: dict[str, SecretStr] = PrivateAttr(default_factory=dict)
    _mcp_environment: dict[str, SecretStr] = PrivateAttr(default_factory=dict)

    @property
    def agent_environment(self) -> dict[str, SecretStr]:
        """The variables of the agents that may be chosen, with the values that they had at the start."""
        return self._agent_environment

    @property
    def mcp_environment(self) -> dict[str, SecretStr]:
        """The variables that *mcp_variables* names, with the values that they had at the start."""
        return self._mcp_environment

    def take_environment(self, agent_variables: tuple[str, ...]) -> None:
        """Take the agent's and the MCP servers' variables out of the environment, once."""
        self._agent_environment = _from_environment(agent_variables)
        self._mcp_environment = _from_environment(self.mcp_variables)

    @field_validator("prices", mode="before")
    @classmethod
    def _read_prices(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("mcp_variables", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _from_environment(names: tuple[str, ...]) -> dict[str, SecretStr]:
    return {name: SecretStr(os.environ[name]) for name in names if os.environ.get(name)}
