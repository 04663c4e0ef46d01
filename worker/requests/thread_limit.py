"""How much one conversation may ask for: two bots that answer each other come to an end, and nobody floods an issue."""

from __future__ import annotations

from core.errors import Refusal
from core.figures import duration
from core.reasons import Reason
from worker.requests.request import Case
from worker.wiring import Desk


async def check_thread(desk: Desk, case: Case) -> None:
    """Count this request among those of its issue or merge request.

    Raises:
        Refusal: There were as many as there may be in an hour. It is said once an hour, and then nothing.
    """
    limit = desk.settings.thread_tasks_per_hour
    if not limit:
        return
    has_place, says_so, seconds = await desk.store.enter_thread(_thread(case), case.task.id, limit=limit)
    if has_place:
        return
    if not says_so:
        raise Refusal(Reason.IGNORED)
    raise Refusal(
        Reason.LIMIT,
        f"I was asked {limit} times here within an hour, which is the most for one conversation: "
        f"ask again in {duration(seconds)}.",
    )


async def is_first_refusal(desk: Desk, case: Case) -> bool:
    """Tell whether this person's being refused here was not said within the last hour."""
    key = f"{_thread(case)}:{case.request.requester.id}"
    _, says_so, _ = await desk.store.enter_thread(key, case.task.id, limit=0)
    return says_so


def _thread(case: Case) -> str:
    on = case.request.trigger.noteable
    return f"{on.project_id}:{on.place}:{on.iid}"
