"""The operator's MCP servers: a file in the shape of ``.mcp.json``, YAML or JSON, checked when a process starts.

It holds no credential: ``${NAME}`` stands for a variable of ``ABLEHAND_MCP_VARIABLES``, whose value goes to the agent's
step beside the order and is put in there (`runtime.mcp`). What can't be meant is refused here, with a sentence.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.errors import SettingsError
from core.settings import Settings

SETTING: Final = "ABLEHAND_MCP_SERVERS"
LIMIT_BYTES: Final = 65_536
_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}")
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class _Server(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["stdio", "http"] | None = None
    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    url: Annotated[str, StringConstraints(pattern=r"^(https?://.*)?$")] = ""
    headers: dict[str, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("it needs either a command or a url")
        if any(_REFERENCE.search(text) for text in (self.command, self.url, *self.args)):
            raise ValueError("${…} may stand in env and headers only: everybody can read a command line")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    servers: dict[_Name, _Server] = Field(default={}, alias="mcpServers", max_length=20)


def read_servers(settings: Settings) -> dict[str, dict[str, Any]]:
    """Give the servers as the order carries them; none where no file is set. A file is read once a process.

    Raises:
        SettingsError: The file can't be read, is not of that shape, or names a variable that is not there.
    """
    if settings.mcp_servers is None:
        return {}
    servers = _load(settings.mcp_servers)
    asked = {
        name
        for server in servers.values()
        for text in (*server.get("env", {}).values(), *server.get("headers", {}).values())
        for name in _REFERENCE.findall(text)
    }
    if missing := sorted(asked - set(settings.mcp_environment)):
        raise SettingsError(
            f"{SETTING} names {', '.join(missing)}: set it in the worker's environment, and name it in "
            "ABLEHAND_MCP_VARIABLES."
        )
    return servers


@lru_cache(maxsize=8)
def _load(path: Path) -> dict[str, dict[str, Any]]:
    try:
        text = path.read_bytes()[: LIMIT_BYTES + 1].decode()
        if len(text.encode()) > LIMIT_BYTES:
            raise SettingsError(f"{SETTING}: {path} is longer than {LIMIT_BYTES // 1024} KiB.")
        found = _File.model_validate(yaml.safe_load(text) or {})
    except OSError as error:
        raise SettingsError(f"{SETTING}: {path} can't be read ({error.strerror}): check its path and mode.") from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        problem = " ".join(str(error).split())[:300]
        raise SettingsError(f"{SETTING}: {path} is no YAML ({problem}): mend that place.") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}" for item in error.errors()
        )
        raise SettingsError(f"{SETTING}: {problems[:600]}") from None
    return {name: server.model_dump(exclude_defaults=True) for name, server in found.servers.items()}
