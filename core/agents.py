"""The agents that an operator may choose, and which variables of the worker's environment each needs for its model."""

from __future__ import annotations

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
