"""Makes of a task the order that the runtime gets, and the secrets that go with it. Pure."""

from __future__ import annotations

from typing import Final

from core.gitlab.nouns import Project
from core.settings import Settings
from core.task import BRANCH_PREFIX, Place, Task
from runtime.contract import Order
from worker.context.material import Material
from worker.conversation.agent_prompt import agent_prompt
from worker.conversation.merge_request import commit_message
from worker.executors.protocol import RunRequest
from worker.mcp_servers import read_servers

GIT_SECONDS: Final = 300
SPARE_SECONDS: Final = 60
LATE_SECONDS: Final = 120
"""What a run may be late before the reconciler ends it from outside."""
AUTHOR_NAME: Final = "Ablehand"
AUTHOR_EMAIL: Final = "ablehand@noreply.invalid"
"""GitLab attributes no commit to an address that nobody can have; the merge request names who asked."""


def run_name(task: Task) -> str:
    """Name the task's present run: also the name of its folder, or Job."""
    return f"agent-{task.id}-a{task.attempt}"


def push_branch(task: Task) -> str:
    """Name the branch that the work is pushed to. Never the issue's title: it may be confidential."""
    if task.trigger.place is Place.MERGE_REQUEST:
        return task.branch
    if task.trigger.place is Place.NOWHERE:
        return f"{BRANCH_PREFIX}task-{task.unique_id[:8]}"
    return f"{BRANCH_PREFIX}{task.trigger.iid}-{task.unique_id[:8]}"


def deadline_seconds(settings: Settings) -> int:
    """Give the time in which a run must have ended, all its steps together."""
    return settings.setup_timeout_seconds + settings.agent_timeout_seconds + 2 * GIT_SECONDS + SPARE_SECONDS


def overdue_seconds(settings: Settings) -> int:
    """Give when after its launch the reconciler ends a run from outside; on a cluster it may have waited for a node."""
    waiting = settings.start_timeout_seconds if settings.executor == "kubernetes" else 0
    return waiting + deadline_seconds(settings) + LATE_SECONDS


def notes(task: Task) -> dict[str, str]:
    """Give what is kept with a run about where it came from: enough to know its task again, and no prompt."""
    return {
        "trigger": task.trigger.key,
        "place": f"{task.trigger.project_id}/{task.trigger.place}/{task.trigger.iid}",
        "event-id": str(task.trigger.event_id),
        "requester": f"{task.requester_id}",
        "base-branch": task.branch,
        "base-commit": task.base_commit,
        "created-at": f"{task.created_at:.3f}",
    }


def build(settings: Settings, task: Task, project: Project, material: Material, *, push_url: str = "") -> RunRequest:
    """Put the run together; *push_url* is the fork that is pushed to, where there is one."""
    fallback = settings.gitlab_token.get_secret_value()
    return RunRequest(
        name=run_name(task),
        task_id=task.id,
        unique_id=task.unique_id,
        attempt=task.attempt,
        project_id=task.trigger.project_id,
        installation=settings.installation,
        order=_order(settings, task, project, material, push_url),
        notes=notes(task),
        deadline_seconds=deadline_seconds(settings),
        read_token=settings.git_read_token.get_secret_value() or fallback,
        write_token=settings.git_write_token.get_secret_value() or fallback,
        agent_variables={name: value.get_secret_value() for name, value in settings.environment_of(task.agent).items()},
        mcp_variables={name: value.get_secret_value() for name, value in settings.mcp_environment.items()},
    )


def _order(settings: Settings, task: Task, project: Project, material: Material, push_url: str) -> Order:
    prompt, made = agent_prompt(task, material)
    return Order(
        task_id=task.id,
        clone_url=project.clone_url,
        default_branch=project.default_branch,
        base_branch=task.branch,
        base_commit=task.base_commit,
        push_branch=push_branch(task),
        push_url=push_url,
        push_expected=task.base_commit if task.trigger.place is Place.MERGE_REQUEST else "",
        commit_message=commit_message(task),
        author_name=AUTHOR_NAME,
        author_email=AUTHOR_EMAIL,
        commit_time=int(task.created_at),
        mode=task.mode,
        prompt=prompt,
        context=made.texts,
        files=made.files,
        compare_commit=task.compare_commit,
        agent=task.agent,
        agent_command=list(settings.agent_command),
        model=task.model,
        budget_usd=task.budget_usd,
        max_turns=settings.max_turns,
        prices={model: {str(name): usd for name, usd in entry.items()} for model, entry in settings.prices.items()},
        mcp_servers=read_servers(settings),
        project_mcp=settings.project_mcp,
        publish_on_timeout=settings.publish_on_timeout,
        first_event_seconds=settings.first_event_seconds,
        setup_required=settings.setup_required,
        setup_timeout_seconds=settings.setup_timeout_seconds,
        agent_timeout_seconds=task.timeout_seconds or settings.agent_timeout_seconds,
        idle_timeout_seconds=settings.idle_timeout_seconds,
        git_timeout_seconds=GIT_SECONDS,
        output_limit_bytes=settings.output_limit_bytes,
        protected_paths=list(settings.protected_paths),
    )
