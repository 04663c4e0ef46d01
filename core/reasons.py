"""Why a task was not done, or not finished: a word each, for which `core.failure_sentences` says what to do."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a task failed or was rejected; `core.failure_sentences` has the sentence for each.

    The first block are the runtime's own failures (`runtime.contract.Failure`), word for word.
    """

    CLONE = "clone"
    EMPTY_REPOSITORY = "empty-repository"
    CREDENTIALS = "credentials"
    SETUP = "setup"
    SETUP_MISSING = "setup-missing"
    AGENT = "agent"
    AGENT_MISSING = "agent-missing"
    BUDGET = "budget"
    TURNS = "turns"
    MODEL = "model"
    TIMEOUT = "timeout"
    UNBEGUN = "unbegun"
    STALLED = "stalled"
    OUTPUT = "output"
    BUNDLE = "bundle"
    POLICY = "policy"
    BRANCH_EXISTS = "branch-exists"
    BRANCH_MOVED = "branch-moved"  # somebody pushed to the merge request while the agent worked
    PUSH_REJECTED = "push-rejected"
    INFRASTRUCTURE = "infrastructure"

    OUT_OF_MEMORY = "out-of-memory"
    DISK = "disk"  # more files than its volumes may hold
    IMAGE = "image"  # can't be pulled, or is not allowed
    UNSCHEDULABLE = "unschedulable"  # no node takes the pod
    POD = "pod"  # the cluster can't make its containers: a missing Secret, a wrong command
    QUOTA = "quota"  # of the agents' namespace
    ADMISSION = "admission"  # a rule of the cluster refuses the pod
    RIGHTS = "rights"  # ours on the cluster do not suffice, or the namespace is missing
    POD_TEMPLATE = "pod-template"  # the operator's breaks what every run must be
    NAME_TAKEN = "name-taken"  # something of that name is not ours
    EVICTED = "evicted"  # a node needed its resources back
    PREEMPTED = "preempted"  # something more important took the place
    NODE_LOST = "node-lost"
    POD_DELETED = "pod-deleted"  # by somebody
    CLUSTER = "cluster"  # did not answer for as long as we try
    LOST = "lost"  # the run is gone and left no result
    MERGE_REQUEST = "merge-request"  # pushed, but GitLab refused the merge request
    GITLAB = "gitlab"  # GitLab did not answer for as long as we try
    INTERNAL = "internal"  # a step of ours failed each time

    NOT_ALLOWED = "not-allowed"
    CONFIDENTIAL = "confidential"
    ARCHIVED = "archived"
    PROMPT = "prompt"  # empty, or too long
    COMMAND = "command"  # a word that is nearly a command, a flag with a wrong value
    ANSWERED = "answered"  # asked for words alone (help, status, logs)
    FORK = "fork"  # the merge request comes from a project that the bot can't push to
    PROTECTED = "protected"  # the merge request's branch takes no push of the bot's, or of the requester's
    CLOSED = "closed"  # the merge request is merged or closed
    LIMIT = "limit"  # of runs, tasks or money; the detail says which and when it frees
    PROJECT_FILE = "project-file"  # `.ablehand.yml` can't be read
    SHOWN = "shown"  # what it did is told elsewhere: a cancelled task tells of it itself
    IGNORED = "ignored"  # nothing was asked of us: no comment is written
    BRANCH = "branch"  # no branch of the name that was asked for
    DUPLICATE = "duplicate"  # another task does it: no comment is written
    GONE = "gone"  # the comment, the label or the issue is not there any more


RETRIED_REASONS = frozenset({Reason.EVICTED, Reason.PREEMPTED, Reason.NODE_LOST, Reason.LOST})
"""Nobody's fault: a new attempt is made, where nothing was pushed."""
SILENT_REASONS = frozenset({Reason.SHOWN, Reason.IGNORED, Reason.DUPLICATE, Reason.GONE})
"""Rejections that nobody is told of."""
UNLISTED_REASONS = SILENT_REASONS | {Reason.COMMAND, Reason.ANSWERED}
"""Nothing was to be worked on: lists leave them out."""
