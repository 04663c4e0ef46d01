"""The error tree.

AblehandError
├── Refusal            a sentence for the person who asked; ends in a comment
├── SettingsError      the operator must change a setting; ends the process with the sentence
├── StoreError         Redis did not take it
│   ├── Fenced         another leader has taken over
│   └── ArchiveError   the archive of logs did not take it, or did not answer
├── LeaseLost          somebody else works on this now
├── ExecutorError      a run can't be launched
│   └── ExecutorUnavailable  nobody answered: try again later
└── GitLabError        GitLab's answer, or that there was none
    ├── GitLabUnavailable   5xx, 429, timeout, no connection: try again later
    ├── GitLabNotFound      404, also for what we may not see
    ├── GitLabDenied        401 or 403
    │   └── TokenRefused    401: the token itself is the trouble
    └── GitLabConflict      409
"""

from __future__ import annotations


class AblehandError(Exception):
    """Every error of ours."""


class Refusal(AblehandError):
    """What was asked will not be done; *reason* is a `core.reasons.Reason`, the message what was seen."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail


class SettingsError(AblehandError):
    """A setting is missing or wrong; the message names it and says how to mend it."""


class StoreError(AblehandError):
    """Redis is gone, full or refuses writes."""


class Fenced(StoreError):
    """A younger leader has written since: stop at once."""


class ArchiveError(StoreError):
    """The archive of logs is gone, full or refuses us; the message says what it answered."""


class LeaseLost(AblehandError):
    """A lease ran out or is somebody else's."""


class ExecutorError(AblehandError):
    """The executor can't start a run; the message says why, *reason* (a `core.reasons.Reason`) what people are told."""

    def __init__(self, message: str, reason: str = "infrastructure") -> None:
        super().__init__(message)
        self.reason = reason


class ExecutorUnavailable(ExecutorError):
    """The executor did not answer, or asked to wait."""


class GitLabError(AblehandError):
    """GitLab refused; the message says what was tried on what, and the answer."""


class GitLabUnavailable(GitLabError):
    """GitLab did not answer, or asked to wait."""


class GitLabNotFound(GitLabError):
    """It is not there, or not for us."""


class GitLabDenied(GitLabError):
    """The token is not enough."""


class TokenRefused(GitLabDenied):
    """The token is revoked, expired or unknown."""


class GitLabConflict(GitLabError):
    """It exists already."""
