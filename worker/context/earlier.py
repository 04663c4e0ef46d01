"""Which tasks a task goes on with: the one that it names, or those whose work its merge request is."""

from __future__ import annotations

from core.store import TaskStore
from core.task import Place, Task
from core.transcripts import TranscriptStore


async def remember_opener(store: TaskStore, task: Task, iid: int) -> None:
    """Note that the merge request *iid* is *task*'s work, unless it is known as an earlier one's."""
    await store.claim(_key(task.trigger.project_id, iid), task.id)


async def find_earlier(store: TaskStore, transcripts: TranscriptStore, task: Task) -> list[Task]:
    """Read the tasks that *task* goes on with, the oldest first; those that are forgotten are missing."""
    wanted = []
    if task.trigger.place is Place.MERGE_REQUEST:
        wanted.append(await store.claimed(_key(task.trigger.project_id, task.trigger.iid)))
        kept = await transcripts.get(task.trigger.project_id, task.trigger.iid)
        wanted.append(kept.task_id if kept else 0)
    wanted.append(task.parent_id)
    found = await store.get_all([task_id for task_id in dict.fromkeys(wanted) if task_id and task_id != task.id])
    # Numbers begin anew with an empty Redis: another project's task is none of ours.
    return [other for other in found.values() if other.trigger.project_id == task.trigger.project_id]


def _key(project_id: int, iid: int) -> str:
    return f"work:{project_id}:!{iid}"
