"""A merged merge request, from the comment to the sums and the metrics, in the whole product."""

from __future__ import annotations

import time

import httpx2

from operate.up import free_port
from tests.bot.scrape import Value, parsed, value
from tests.product.stack import Stack


def scraped(port: int) -> dict[Value, float]:
    """Scrape a bot; empty while it does not answer yet."""
    try:
        return parsed(httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text)
    except httpx2.TransportError:
        return {}


def test_a_merge_is_told_by_its_hook_and_shown(stack: Stack) -> None:
    """GitLab tells that it was merged; page, API and metrics of any bot know, with the times that people waited."""
    project, token = stack.project(), stack.gitlab.world.add_token(stack.alice)
    issue = stack.issue(project)
    stack.ask(issue, "/agent DO edit=new.txt")
    stack.wait_for_closing(issue)
    [request] = stack.merge_requests(project)

    def total() -> dict[str, float]:
        address = f"{stack.settings.public_url}/api/v1/outcomes?project={project.id}"
        answer = httpx2.get(address, headers={"PRIVATE-TOKEN": token}, timeout=30)
        found: dict[str, float] = answer.raise_for_status().json()["total"]
        return found

    assert (total()["completed"], total()["merge_requests_open"]) == (1, 1)
    stack.gitlab.world.merge(request, stack.alice, squash=True, remove_source_branch=True)
    stack.wait(lambda: total()["merge_requests_merged"], "the merge", pause_seconds=0.2)

    assert total()["merge_requests_open"] == 0
    assert 0 < (total()["median_seconds"] or 0) < 120
    port = free_port()
    with stack.another("bot", port=str(free_port()), metrics_port=str(port)):
        found = stack.wait(lambda: scraped(port), "the metrics", pause_seconds=0.2)
    assert value(found, "merge_requests_total", event="merged") >= 1
    for waited in ("reaction", "start", "merge_request"):
        assert value(found, f"time_to_{waited}_seconds_count") >= 1
    assert value(found, "reconciler_leaders") == 1
    assert value(found, "workers") >= 2
    assert value(found, "webhook_deliveries_total", result="accepted", why="none") >= 1
    assert abs(time.time() - value(found, "reconciler_turn_timestamp_seconds", turn="ring_due")) < 120
    assert abs(time.time() - value(found, "reconciler_turn_timestamp_seconds", turn="look_over_runs")) < 120
    stack.wait_until_quiet()
