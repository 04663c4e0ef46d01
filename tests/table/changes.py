"""Merge requests in a test's town, and comments on their lines."""

from __future__ import annotations

from typing import Any

from core.task import Place, Source, Trigger
from simulators.gitlab.records import MergeRequest, Note, Project, User
from tests.worker.town import Town

FILES = {"app.py": "one\ntwo\nthree\nfour\n"}
CHANGED = {"app.py": "one\n2\nthree\nfour\nfive\n"}


def open_change(town: Town, *, author: User | None = None, fork: Project | None = None, **fields: Any) -> MergeRequest:
    """Open a merge request from ``work``, which changes line 2 of ``app.py`` and adds a fifth."""
    if "app.py" not in [entry[3] for entry in town.project.repository.tree("main")]:
        town.world.commit_files(town.project, files=FILES)
    town.world.commit_files(fork or town.project, files={**FILES}, branch="work")
    town.world.commit_files(fork or town.project, files=CHANGED, branch="work")
    return town.world.add_merge_request(
        town.project,
        author=author or town.alice,
        title=fields.pop("title", "Count in figures"),
        branches={"source_branch": "work", "target_branch": fields.pop("target_branch", "main")},
        fork=fork,
        **fields,
    )


def on_line(request: MergeRequest, new_line: int | None, old_line: int | None = None) -> dict[str, object]:
    """Give a place in ``app.py``."""
    shas: dict[str, object] = {"base_sha": request.base_sha, "start_sha": request.base_sha, "head_sha": request.sha}
    lines: dict[str, object] = {"new_line": new_line, "old_line": old_line, "line_range": None}
    return {"position_type": "text", "old_path": "app.py", "new_path": "app.py", **lines, **shas}


def ask(town: Town, request: MergeRequest, text: str, **fields: Any) -> Trigger:
    """Comment on a merge request as alice, and give the trigger."""
    return trigger_of(town.world.comment(request, author=fields.pop("author", town.alice), body=text, **fields))


def trigger_of(note: Note) -> Trigger:
    """Give the trigger of a comment on a merge request."""
    where = {"project_id": note.item.project.id, "iid": note.item.iid, "place": Place.MERGE_REQUEST}
    return Trigger(source=Source.COMMENT, event_id=note.id, **where)  # type: ignore[arg-type]
