"""The agents that an operator may choose, and which variables of the worker's environment each needs for its model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

Agent = Literal["claude", "codex", "opencode", "gemini", "command"]
_ANTHROPIC: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")
_OPENAI: Final = ("OPENAI_API_KEY", "OPENAI_BASE_URL")
_GOOGLE: Final = ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL")
MODEL_VARIABLES: Final[dict[str, tuple[str, ...]]] = {
    "claude": _ANTHROPIC,
    "codex": _OPENAI,
    "opencode": (*_ANTHROPIC, *_OPENAI, *_GOOGLE),
    "gemini": _GOOGLE,
    "command": _ANTHROPIC,
}


def model_variables(*agents: str) -> tuple[str, ...]:
    """Name what these agents get where `core.settings.Settings.agent_variables` names nothing."""
    return tuple(dict.fromkeys(name for agent in agents for name in MODEL_VARIABLES.get(agent, ())))


def variables_of(agent: str, named: Iterable[str], agents: Iterable[str]) -> tuple[str, ...]:
    """Name what *agent* gets of what the operator *named* for all *agents*: nothing that is another one's credential.

    Where nothing is named, it is what its own model needs. A command's needs are the operator's to know.
    """
    own = model_variables(agent)
    others = () if agent == "command" else model_variables(*agents)
    return tuple(name for name in named if name in own or name not in others) or own
