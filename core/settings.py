"""Every setting, built once from the environment (or from files, for secrets) and passed down.

`docs/settings.md` is made from this file and a test holds the two together. A secret may also be a file named like its
variable in lower case, in the folder that ``ABLEHAND_SECRETS_DIR`` names.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from core.agents import Agent, model_variables, variables_of
from core.errors import SettingsError
from core.limit_settings import LimitSettings
from core.log_settings import LogSettings
from core.page_settings import PageSettings
from core.run_settings import RunSettings

PREFIX = "ABLEHAND_"
REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "redis+sentinel://", "rediss+sentinel://")


class Settings(PageSettings, LimitSettings, RunSettings, LogSettings):
    """What an operator may choose. Frozen; each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    gitlab_url: str = Field("", description="Base URL of your GitLab, as its own `external_url` has it.")
    gitlab_token: SecretStr = Field(
        SecretStr(""), description="Access token of the bot's user with the scope `api`. Worker and reconciler only."
    )
    git_read_token: SecretStr = Field(
        SecretStr(""), description="Token with `read_repository` for cloning; empty: `ABLEHAND_GITLAB_TOKEN`."
    )
    git_write_token: SecretStr = Field(
        SecretStr(""), description="Token with `write_repository` for pushing; empty: `ABLEHAND_GITLAB_TOKEN`."
    )
    task_tokens: Literal["auto", "required", "off"] = Field(
        "auto",
        description="A project access token for each task, with `write_repository` alone, revoked when it ends: where "
        "the bot may create one (it has to be Maintainer), or else fail the task, or never. Without one, "
        "`ABLEHAND_GIT_WRITE_TOKEN` pushes.",
    )
    webhook_signing_token: SecretStr = Field(
        SecretStr(""),
        description="The hook's signing token (`whsec_…`, GitLab 19.0 or newer); several, separated by commas, while "
        "you change it. Where it is set, a delivery without a signature is refused.",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="The hook's secret token, for a GitLab without signing tokens; several as above."
    )
    redis_url: SecretStr = Field(
        SecretStr(""),
        description="`redis://`, `rediss://`, `unix://`, or `redis+sentinel://host:26379,host:26379/master-name/0` "
        "(`rediss+sentinel://` with TLS); may hold a password. `ablehand up` starts an embedded one where it is empty.",
    )
    public_url: str = Field("", description="Where people reach the bot's pages; links in comments begin with it.")
    host: str = Field("127.0.0.1", description="Address that the bot listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port that the bot listens on.")
    metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port on which the bot tells its metrics to whoever reaches it, at `/metrics`; 0: nowhere. "
        "Without sign-in, so that it is not for people (docs/operations.md).",
    )

    executor: Literal["kubernetes", "process"] = Field(
        "process",
        description="Where agents run: as Jobs on the cluster that we run in (or that `KUBECONFIG` names), or as "
        "processes of this machine.",
    )
    namespace: str = Field("ablehand-agents", description="Kubernetes namespace of the agents' Jobs.")
    installation: str = Field(
        "ablehand",
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$",
        description="Name of this installation: a label on its Jobs, so that several may share a namespace.",
    )
    runtime_image: str = Field("", description="Image that the agents' Jobs run.")
    allowed_images: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Globs, separated by commas: images that a project may name in its `.ablehand.yml`, or "
        "a comment behind `--image`, for the agent; none: only `ABLEHAND_RUNTIME_IMAGE`.",
    )
    pod_template: Path | None = Field(
        None,
        description="YAML file with a pod template that every agent's pod is laid over: resources, node selector, "
        "tolerations, runtime class, pull secrets, certificates.",
    )
    start_timeout_seconds: int = Field(
        1800, ge=1, description="How long a run may wait for a node, or for its image (there at most five minutes)."
    )
    max_attempts: int = Field(
        2, ge=1, description="Attempts at a task in all, where the cluster fails it and nothing was pushed."
    )
    heartbeat_file: Path | None = Field(
        None, description="File that worker and reconciler touch while they are well, for a liveness probe."
    )
    state_dir: Path = Field(
        Path("var"), description="Folder for the process executor's runs and `ablehand up`'s embedded Redis."
    )
    sandbox: Literal["auto", "required", "off"] = Field(
        "auto",
        description="Bubblewrap around the agent in the process executor: where it works, or refuse to start "
        "without it, or never.",
    )
    sandbox_readable: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Paths, separated by commas, that a sandboxed agent may read although they lie in a home "
        "directory. The agent's own program is seen without being named here.",
    )

    agent: Agent = Field("claude", description="Which coding agent works: `docs/agents.md` tells what each needs.")
    allowed_agents: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Further agents, separated by commas, that a project or a command may choose; none: only "
        "`ABLEHAND_AGENT`.",
    )
    agent_command: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="For the agent `command`: a program and its arguments, quoted as for a shell; it reads the prompt "
        "on standard input and edits the work tree.",
    )
    agent_variables: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Names of the worker's environment variables that the agent gets, separated by commas: the "
        "model's credential and address, and nothing else of ours; empty: those that `docs/agents.md` lists for it.",
    )
    model: str = Field("", description="Model that the agent uses; empty: the agent's own default.")
    allowed_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Globs, separated by commas: the models that a project or a command may choose; none: every model.",
    )

    setup_required: bool = Field(default=False, description="Whether a project without `agent-setup.sh` is refused.")
    protected_paths: Annotated[tuple[str, ...], NoDecode] = Field(
        (
            ".gitlab-ci.yml",
            ".gitlab/**",
            ".gitmodules",
            ".gitattributes",
            "**/.gitattributes",
            ".lfsconfig",
            "CODEOWNERS",
            "docs/CODEOWNERS",
        ),
        description="Globs, separated by commas: a change to such a file is not pushed.",
    )
    allowed_bots: Annotated[tuple[int, ...], NoDecode] = Field(
        (),
        description="User ids, separated by commas: other bots and service accounts that may ask, as far as a person "
        "with their role may. All others are ignored.",
    )
    draft: bool = Field(default=False, description="Whether merge requests are opened as drafts.")
    ci_fixes: int = Field(
        2,
        ge=0,
        description="How often the agent tries to mend the failed pipeline of one of its own merge requests; 0: never.",
    )
    label_prefix: str = Field(
        "agent", description="`<prefix>-ready` asks; `-running`, `-done` and `-failed` are what it becomes."
    )
    sweep_seconds: float = Field(300, gt=0, description="How often GitLab is searched for triggers that no hook told.")
    edit_seconds: float = Field(
        15, gt=0, description="How long a progress comment stays as it is before it is edited again."
    )
    writes_per_minute: int = Field(
        200,
        ge=4,
        description="Comments, edits and labels in any minute, for all tasks together; a quarter is kept for ends. "
        "GitLab.com allows 60 comments a minute.",
    )
    retry_seconds: float = Field(10, gt=0, description="How soon a step that did not get through is rung again.")
    gitlab_timeout_seconds: float = Field(10, gt=0, description="How long one call to GitLab may take.")
    leader_lease_seconds: float = Field(
        15, gt=0, description="How soon a standby reconciler takes over from one that has vanished."
    )
    retention_days: int = Field(30, ge=1, description="How long a task is kept after its end.")

    @property
    def log_seconds(self) -> int:
        """How long a log is kept after its last line: nobody may see one whose task is gone."""
        return min(self.log_days or self.retention_days, self.retention_days) * 86_400

    def agent_variable_names(self) -> tuple[str, ...]:
        """Name what the agents that may be chosen get, all together."""
        return self.agent_variables or model_variables(self.agent, *self.allowed_agents)

    def environment_of(self, agent: str) -> dict[str, SecretStr]:
        """Give the variables that *agent* gets: of several that may be chosen, each its own."""
        own = variables_of(agent, self.agent_variables, (self.agent, *self.allowed_agents))
        return {name: value for name, value in self.agent_environment.items() if name in own}

    def model_post_init(self, _context: object) -> None:
        """Take what is neither a setting nor to be asked for twice out of the environment."""
        self.take_environment(self.agent_variable_names())
        self.take_archive_secrets()

    @field_validator("gitlab_url", "public_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username):
            raise ValueError("must be an http(s) URL without credentials or query")
        return value.rstrip("/")

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, value: SecretStr) -> SecretStr:
        address = value.get_secret_value()
        if address and not address.startswith(REDIS_SCHEMES):
            raise ValueError(f"must begin with one of {', '.join(REDIS_SCHEMES)}")
        return value

    @field_validator("agent_command", mode="before")
    @classmethod
    def _split_command(cls, value: Any) -> Any:
        return tuple(shlex.split(value)) if isinstance(value, str) else value

    @field_validator(
        "agent_variables", "allowed_agents", "allowed_bots", "allowed_images", "allowed_models", "protected_paths",
        "sandbox_readable", mode="before",
    )  # fmt: skip
    @classmethod
    def _split_list(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def require(self, *names: str) -> None:
        """Check that the named fields are set.

        Raises:
            SettingsError: One is empty; the message lists the variables.
        """
        missing = [PREFIX + name.upper() for name in names if not _plain(getattr(self, name))]
        if missing:
            raise SettingsError(f"Set {', '.join(missing)}.")

    def secrets(self) -> list[str]:
        """Give every secret value that these settings hold, for the redactor."""
        handed_on = [*self.agent_environment.values(), *self.mcp_environment.values(), *self.archive_secrets]
        values = [getattr(self, name) for name in type(self).model_fields] + handed_on
        plain = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        keys = [key for value in plain if "://" not in value for key in value.split(",")]
        addresses = [urlsplit(value) for value in plain if "://" in value]
        passwords = [unquote(address.password or "") for address in addresses]
        passwords += [text for address in addresses for name, text in parse_qsl(address.query) if "password" in name]
        return [value for value in keys + passwords if value]

    def active_webhook_keys(self, field: Literal["webhook_signing_token", "webhook_secret"]) -> list[str]:
        """Give the keys that a delivery may be signed with, the newest first."""
        value: SecretStr = getattr(self, field)
        return [key.strip() for key in value.get_secret_value().split(",") if key.strip()]


def load(**overrides: Any) -> Settings:
    """Build the settings from the environment; *overrides* (the command line) win.

    Raises:
        SettingsError: A value is wrong; the message names the variable, never the value.
    """
    folder = os.environ.get(PREFIX + "SECRETS_DIR") or None
    try:
        return Settings(_secrets_dir=folder, **overrides)
    except ValidationError as error:
        problems = "; ".join(_problem(item["loc"], item["msg"]) for item in error.errors())
        raise SettingsError(problems) from None


def _problem(location: tuple[int | str, ...], message: str) -> str:
    return f"{PREFIX}{str(location[0]).upper()}: {message}" if location else message


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
