"""Every kind of delivery that GitLab sends, in each of its shapes: one row says what becomes of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Malformed, decode
from core.identity import Identity
from core.task import Place, Source, Trigger
from tests.bot.deliveries import changed, encoded, issue, merge_request_note, note, person, pipeline

BOT = Identity(username="ablehand", ids=frozenset({40, 41}))
WHEN = "2026-11-22T11:00:00Z"
MERGE_REQUEST = {"id": 7, "iid": 3, "source_branch": "agent/17-abc", "source_project_id": 5, "target_project_id": 5}
LABELS = [{"id": 1, "title": "agent-ready", "type": "GroupLabel", "group_id": 3, "project_id": None}]


def trigger(source: Source, place: Place = Place.ISSUE, iid: int = 17, event_id: int = 0, when: str = WHEN) -> Trigger:
    """Give the trigger in project 5."""
    happened_at = "" if event_id else when
    return Trigger(source=source, place=place, project_id=5, iid=iid, event_id=event_id, happened_at=happened_at)


COMMENT = trigger(Source.COMMENT, event_id=1244)
LINE_COMMENT = trigger(Source.COMMENT, Place.MERGE_REQUEST, 3, 1244)
LABEL, REQUEST_LABEL = trigger(Source.LABEL), trigger(Source.LABEL, Place.MERGE_REQUEST)
ASSIGNMENT, REQUEST_ASSIGNMENT = trigger(Source.ASSIGNMENT), trigger(Source.ASSIGNMENT, Place.MERGE_REQUEST)
REVIEW = trigger(Source.REVIEW_REQUEST, Place.MERGE_REQUEST)
PIPELINE = trigger(Source.PIPELINE, Place.MERGE_REQUEST, 3, 31)
BRANCH_PIPELINE = trigger(Source.PIPELINE, Place.NOWHERE, 0, 31)

MEANT = {
    "mention": (note("@ablehand please mend it"), COMMENT),
    "mention-within": (note("Could you mend it, @AbleHand?"), COMMENT),
    "command": (note(), COMMENT),
    "confidential-note": (note(internal=True) | {"event_type": "confidential_note"}, COMMENT),
    "reply-in-thread": (note(type="DiscussionNote", discussion_id="c3d97fd471f2"), COMMENT),
    "note-on-task": (note() | {"issue": {"id": 92, "iid": 17, "type": "Task"}}, COMMENT),
    "note-on-work-item": (
        {**note(noteable_type="WorkItem"), "issue": None, "work_item": {"iid": 17}, "object_kind": "note"},
        COMMENT,
    ),
    "note-without-project-object": ({**note(), "project": None, "project_id": 5}, COMMENT),
    "note-iso-dates": (note(created_at="2026-11-22T11:00:00Z", updated_at=None), COMMENT),
    "note-hook-dates": (note(created_at="2026-11-22 11:00:00 UTC"), COMMENT),
    "note-huge-id": (note(id=2**63 - 1), trigger(Source.COMMENT, event_id=2**63 - 1)),
    "note-without-action": (note(action=None), COMMENT),
    "note-on-line": (merge_request_note(), LINE_COMMENT),
    "note-on-merge-request": (merge_request_note("@ablehand go", type=None, position=None), LINE_COMMENT),
    "label-added": (changed(changes={"labels": {"previous": [], "current": LABELS}}), LABEL),
    "label-previous-null": (changed(changes={"labels": {"previous": None, "current": LABELS}}), LABEL),
    "label-on-open": (changed(action="open", labels=LABELS), LABEL),
    "label-on-open-empty-change": (
        changed(action="open", labels=LABELS, changes={"labels": {"previous": [], "current": []}}),
        LABEL,
    ),
    "label-without-action": (changed(action=None, changes={"labels": {"previous": [], "current": LABELS}}), LABEL),
    "label-on-work-item": (changed("work_item", changes={"labels": {"previous": [], "current": LABELS}}), LABEL),
    "label-on-merge-request": (
        changed("merge_request", changes={"labels": {"previous": [], "current": LABELS}}),
        REQUEST_LABEL,
    ),
    "label-among-nulls": (changed(changes={"labels": {"previous": [None], "current": [None, *LABELS]}}), LABEL),
    "assigned": (
        changed(changes={"assignees": {"previous": [person(2)], "current": [person(2), person(40)]}}),
        ASSIGNMENT,
    ),
    "assigned-to-former-self": (changed(changes={"assignees": {"current": [person(41)]}}), ASSIGNMENT),
    "opened-assigned": (changed(action="open", assignees=[person(40)], changes=None), ASSIGNMENT),
    "merge-request-assigned": (
        changed("merge_request", changes={"assignees": {"previous": [], "current": [person(40)]}}),
        REQUEST_ASSIGNMENT,
    ),
    "review-requested": (
        changed("merge_request", changes={"reviewers": {"previous": [], "current": [person(40, state="unreviewed")]}}),
        REVIEW,
    ),
    "review-requested-as-pair": (changed("merge_request", changes={"reviewers": [[], [person(40)]]}), REVIEW),
    "review-requested-again": (
        changed("merge_request", changes={"reviewers": [[person(40)], [person(40, re_requested=True)]]}),
        REVIEW,
    ),
    "review-requested-again-as-object": (
        changed(
            "merge_request",
            changes={"reviewers": {"previous": [person(40)], "current": [person(40, re_requested=True)]}},
        ),
        REVIEW,
    ),
    "opened-with-reviewer": (changed("merge_request", action="open", reviewers=[person(40)]), REVIEW),
    "system-hook-merge-request": (
        changed("merge_request", changes={"labels": {"current": LABELS}}) | {"event_name": "merge_request"},
        REQUEST_LABEL,
    ),
    "pipeline-of-merge-request": (pipeline(request=MERGE_REQUEST, source="merge_request_event"), PIPELINE),
    "pipeline-of-merge-request-ref": (pipeline(request=MERGE_REQUEST, ref="refs/merge-requests/3/head"), PIPELINE),
    "pipeline-of-branch": (pipeline(), BRANCH_PIPELINE),
}


@pytest.mark.parametrize(("body", "expected"), MEANT.values(), ids=MEANT.keys())
def test_what_is_meant_for_us_is_a_trigger(body: object, expected: Trigger) -> None:
    """Each way to ask, in every shape that GitLab gives it."""
    assert decode(encoded(body), ready_label="agent-ready", bot=BOT) == expected


def event(kind: str, **top: Any) -> dict[str, Any]:
    """Give the body of another kind, which names the label, the bot and a command wherever it could."""
    return changed(kind, changes={"labels": {"current": LABELS}}, note={"note": "/agent do it"}, **top)


NOT_MEANT = {
    "push": event("push", ref="refs/heads/agent/1", commits=[{"message": "/agent do it"}], project_id=5),
    "tag-push": event("tag_push", checkout_sha=None),
    "job": event("build", build_status="failed", build_failure_reason="script_failure", ref="agent/1"),
    "deployment": event("deployment", status="failed"),
    "release": event("release", action="create"),
    "milestone": event("milestone"),
    "wiki-page": event("wiki_page"),
    "feature-flag": event("feature_flag"),
    "vulnerability": event("vulnerability"),
    "emoji": event("emoji", event_type="award", object_attributes={"name": "eyes", "awardable_type": "Note"}),
    "access-token": {"object_kind": "access_token", "event_name": "expiring_access_token", "group": {"id": 3}},
    "member": {"event_name": "user_add_to_group", "group_id": 3, "user_id": 1, "group_access": "Developer"},
    "project": {"event_name": "project_create", "project_id": 5, "name": "web"},
    "subgroup": {"event_name": "subgroup_create", "group_id": 3, "parent_group_id": 2},
    "system-push": {"event_name": "push", "object_kind": "push", "project_id": 5},
    "system-repository-update": {"event_name": "repository_update", "project_id": 5, "changes": []},
    "unknown": {"object_kind": "brand_new", "object_attributes": None},
    "kind-null": {"object_kind": None, "event_name": "user_create"},
    "edited": note("@ablehand do it", action="update", updated_by_id=9),
    "system-note": note("@ablehand", system=True),
    "note-on-commit": {**note(noteable_type="Commit"), "issue": None, "commit": {"id": "b" * 40}},
    "note-on-snippet": {**note(noteable_type="Snippet"), "snippet": {"id": 1}},
    "note-on-epic": {**note(noteable_type="Epic"), "project": None, "issue": None, "group": {"id": 3}},
    "note-on-design": note(noteable_type="DesignManagement::Design"),
    "our-own-note": note("@ablehand /agent do it", author_id=40),
    "note-of-former-self": note("/agent do it", author_id=41),
    "mention-of-another": note("@ablehan do it"),
    "note-null": note(note=None),
    "note-id-null": note(id=None),
    "note-attributes-null": {**note(), "object_attributes": None},
    "note-project-null": {**note(), "project": None},
    "note-issue-null": {**note(), "issue": None},
    "label-kept": issue(before=("agent-ready",), now=("agent-ready", "bug")),
    "label-off": issue(before=("agent-ready",), now=()),
    "label-there-on-close": changed(action="close", labels=LABELS),
    "label-by-ourselves": {**issue(before=(), now=("agent-ready",)), "user": person(40)},
    "changes-empty-list": changed(changes=[]),
    "changes-null": changed() | {"changes": None},
    "changes-missing": {key: value for key, value in changed(labels=LABELS).items() if key != "changes"},
    "labels-of-wrong-type": changed(changes={"labels": "agent-ready"}),
    "attributes-null": changed() | {"object_attributes": None},
    "epic": changed("work_item", action="open", labels=LABELS) | {"project": None, "group": {"id": 3}},
    "unassigned": changed(changes={"assignees": {"previous": [person(40)], "current": []}}),
    "assigned-to-another": changed(changes={"assignees": {"previous": [], "current": [person(4)]}}),
    "still-assigned": changed(assignees=[person(40)], changes={"title": {"previous": "a", "current": "b"}}),
    "reviewer-kept": changed("merge_request", changes={"reviewers": [[person(40)], [person(40), person(2)]]}),
    "reviewer-approved": changed("merge_request", action="approved", reviewers=[person(40, state="approved")]),
    "reviewers-of-wrong-shape": changed("merge_request", changes={"reviewers": [[person(40)]]}),
    "merge-request-prepared": changed("merge_request", changes={"prepared_at": {"previous": None, "current": WHEN}}),
    "pipeline-passed": pipeline(status="success", detailed_status="passed"),
    "pipeline-canceled": pipeline(status="canceled"),
    "pipeline-running": pipeline(status="running", finished_at=None),
    "pipeline-of-tag": pipeline(tag=True, ref="agent/v1"),
    "pipeline-of-other-branch": pipeline(ref="main"),
    "pipeline-of-other-request": pipeline(request={**MERGE_REQUEST, "source_branch": "feature"}),
    "pipeline-of-child": {**pipeline(), "source_pipeline": {"pipeline_id": 1, "project": {"id": 5}}},
    "pipeline-attributes-null": {**pipeline(), "object_attributes": None},
}


@pytest.mark.parametrize("body", NOT_MEANT.values(), ids=NOT_MEANT.keys())
def test_what_is_not_meant_for_us_is_ignored(body: object) -> None:
    """Kinds that do not concern us, and shapes of the others in which nothing is asked."""
    assert decode(encoded(body), ready_label="agent-ready", bot=BOT) is None


UNKNOWN_BOT = {
    "mention": (note("@somebody do it"), COMMENT),
    "assignment": (changed(changes={"assignees": {"current": [person(9)]}}), ASSIGNMENT),
    "review": (changed("merge_request", changes={"reviewers": [[], [person(9)]]}), REVIEW),
}


@pytest.mark.parametrize(("body", "expected"), UNKNOWN_BOT.values(), ids=UNKNOWN_BOT.keys())
def test_while_nobody_knows_the_bot_everybody_may_be_it(body: object, expected: Trigger) -> None:
    """In the first moments after an installation nothing is lost; the worker finds out."""
    assert decode(encoded(body), ready_label="agent-ready") == expected


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """List the path to everything in a body."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(inner, (*path, key))


@pytest.mark.parametrize("name", MEANT)
def test_a_null_anywhere_is_no_error_to_gitlab(name: str) -> None:
    """GitLab switches off a hook that answers 400: whatever is null, the delivery is a trigger or ignored."""
    body = MEANT[name][0]
    for path in places(body):
        if path != ("object_kind",):
            decode(encoded(with_value(body, path, None)), ready_label="agent-ready", bot=BOT)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.data(), st.sampled_from(sorted(MEANT)), json_values)
def test_no_value_anywhere_is_a_traceback(data: st.DataObject, name: str, value: object) -> None:
    """Whatever stands wherever in a real delivery: the answer is a trigger, None or Malformed."""
    body = MEANT[name][0]
    path = data.draw(st.sampled_from(sorted(places(body), key=repr)))
    try:
        found = decode(encoded(with_value(body, path, value)), ready_label="agent-ready", bot=BOT)
    except Malformed:
        return
    assert found is None or isinstance(found, Trigger)


@given(json_values)
def test_no_body_at_all_is_a_traceback(value: object) -> None:
    """Any JSON, as a body."""
    try:
        assert decode(encoded(value), ready_label="agent-ready", bot=BOT) is None
    except Malformed:
        return


def with_value(body: dict[str, Any], path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """Give a copy of *body* with *value* at *path*."""
    made: Any = copy.deepcopy(body)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return dict(made)
