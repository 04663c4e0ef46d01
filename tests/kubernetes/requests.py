"""The runs that these tests order."""

from __future__ import annotations

from dataclasses import replace

from runtime.contract import Order
from worker.executors.protocol import RunRequest

NAMESPACE = "agents"
IMAGE = "registry.example/ablehand-runtime:1.2.3"
SECRETS = {"canary-read", "canary-write", "canary-model"}


def run_request(**others: object) -> RunRequest:
    """Order the first attempt of task 7; *others* replace what it says."""
    order = Order(
        task_id=7,
        clone_url="https://gitlab.example/shop/web.git",
        default_branch="main",
        base_branch="main",
        base_commit="0" * 40,
        push_branch="agent/12-0123456789abcdef",
        commit_message="Add the endpoint",
        author_name="Ablehand",
        author_email="ablehand@noreply.invalid",
        commit_time=1,
        prompt="canary-prompt: add a health check",
    )
    request = RunRequest(
        name="agent-7-a1",
        task_id=7,
        unique_id="0123456789abcdef",
        attempt=1,
        project_id=3,
        order=order,
        notes={"issue": "3#12", "base-branch": "main", "created-at": "1.000"},
        deadline_seconds=4860,
        read_token="canary-read",
        write_token="canary-write",
        agent_variables={"ANTHROPIC_API_KEY": "canary-model", "ANTHROPIC_BASE_URL": "https://model.example"},
    )
    return replace(request, **others)  # type: ignore[arg-type]
