"""The few words that progress, replies and merge requests share: who asked, what it took, where the change is."""

from __future__ import annotations

import re
from typing import Final

from core.failure_sentences import UNFINISHED
from core.figures import duration, money, plural
from core.task import Place, Task
from worker.conversation import sanitize

_USERNAME: Final = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-])?", re.ASCII)


def is_username(name: str) -> bool:
    """Whether *name* is one person's username on GitLab; ``all`` mentions everybody."""
    return bool(_USERNAME.fullmatch(name)) and name.lower() != "all"


def requester(task: Task) -> str:
    """Give the mention of who asked, which mails them; their name, dead, where the username is odd."""
    if is_username(task.requester_username):
        return f"@{task.requester_username}"
    return sanitize.inline(task.requester_name, 100) or "Somebody"


def place(task: Task) -> str:
    """Give the reference of the issue or merge request that the task hangs on; "" where there is none."""
    sigil = {Place.ISSUE: "#", Place.MERGE_REQUEST: "!", Place.NOWHERE: ""}[task.trigger.place]
    return f"{sigil}{task.trigger.iid}" if sigil else ""


def where(task: Task) -> str:
    """Give the words for where the task was asked."""
    nouns = {Place.ISSUE: "issue", Place.MERGE_REQUEST: "merge request"}
    return f"{nouns[task.trigger.place]} {place(task)}" if task.trigger.place in nouns else "the web page"


def merge_request(task: Task) -> str:
    """Give the link to the merge request; "" where there is none."""
    return sanitize.link(f"!{task.merge_request_iid}", task.merge_request_url) if task.merge_request_url else ""


def unfinished(task: Task) -> str:
    """Give the sentence for work that is pushed although the agent was ended before it was done; "" where it was."""
    return UNFINISHED.get(task.unfinished, UNFINISHED[""]) if task.unfinished else ""


def is_follow_up(task: Task) -> bool:
    """Whether the work goes to a merge request that was there before."""
    return task.trigger.place is Place.MERGE_REQUEST


def changed(task: Task) -> str:
    """Give the link to the merge request that the work is in; "" where nothing came of it."""
    return "" if is_follow_up(task) and not task.commit else merge_request(task)


def pipeline(task: Task) -> str:
    """Give the link to the pipeline that a task was to mend."""
    project, found, _ = task.merge_request_url.partition("/-/merge_requests/")
    number = task.trigger.event_id
    return sanitize.link(f"pipeline {number}", f"{project}/-/pipelines/{number}") if found else f"pipeline {number}"


def work(task: Task) -> list[str]:
    """Give steps and cost so far, those that are known."""
    turns = task.turns or task.progress.turns
    return [*([plural(turns, "step")] if turns else []), *_cost(task)]


def spent(task: Task) -> list[str]:
    """Give duration and cost of an ended task, those that are known."""
    return [*([duration(task.duration)] if task.duration else []), *_cost(task)]


def _cost(task: Task) -> list[str]:
    # Dead, like all text: "$1.20" on GitLab is a reference to snippet 1.
    cost = task.cost_usd or task.progress.cost_usd
    return [sanitize.plain(money(cost), 20)] if cost > 0 else []
