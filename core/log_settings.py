"""What is kept of tasks' logs, and where. Part of `core.settings.Settings`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import Field, PrivateAttr, SecretStr, field_validator
from pydantic_settings import BaseSettings

ARCHIVE_SCHEMES: Final = ("file:///", "s3://", "gs://", "az://")
ARCHIVE_SECRETS: Final = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_CLIENT_SECRET", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY",
)  # fmt: skip
"""Variables that the archive's client reads by itself: the redactor has to know them too."""


class LogSettings(BaseSettings):
    """Built as a part of the whole only."""

    log_lines: int = Field(
        20_000,
        ge=100,
        description="Most lines of a task's log that are kept: half of them its first, half its last; between them a "
        "line says how many are left out.",
    )
    log_bytes: int = Field(
        10_000_000, ge=100_000, description="Most bytes of a task's log that are kept; its beginning and end as above."
    )
    log_archive: str = Field(
        "",
        description="Where logs are kept beside Redis: `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix` or "
        "`az://container/prefix` (docs/operations.md, Logs). Bot and reconciler have to reach it. Empty: Redis alone.",
    )
    log_days: int = Field(
        0, ge=0, description="How long a log is kept after its last line; 0, and at most: `ABLEHAND_RETENTION_DAYS`."
    )

    _archive_secrets: tuple[SecretStr, ...] = PrivateAttr(())

    @property
    def log_folder(self) -> Path | None:
        """The archive's folder, where it is one of this machine's."""
        parts = urlsplit(self.log_archive)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    @property
    def archive_secrets(self) -> tuple[SecretStr, ...]:
        """What the archive's client found in the environment at the start."""
        return self._archive_secrets

    def take_archive_secrets(self) -> None:
        """Look for them in the environment, once."""
        self._archive_secrets = tuple(SecretStr(os.environ[name]) for name in ARCHIVE_SECRETS if name in os.environ)

    @field_validator("log_archive")
    @classmethod
    def _archive_address(cls, value: str) -> str:
        if value and (not value.startswith(ARCHIVE_SCHEMES) or "?" in value or "@" in value):
            raise ValueError(f"must begin with one of {', '.join(ARCHIVE_SCHEMES)} and hold no credentials")
        return value
