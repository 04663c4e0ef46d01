"""Our comments are found again, others' are not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.task import Source, Trigger
from tests.conversation.tasks import ASKED, FAILED, NOW, PAGE
from worker.conversation.markers import Marker, final_marker, find_final, find_progress, progress_marker
from worker.conversation.progress import progress_comment
from worker.conversation.replies import closing_reply

OURS = Marker(task_id=42, trigger_key="comment:5:17:1244")


def test_comments_are_found_by_kind() -> None:
    """Progress and final comments are told apart, also with the line ends that GitLab may make."""
    progress, final = progress_comment(ASKED, PAGE, NOW), closing_reply(FAILED, PAGE)

    assert find_progress(progress) == find_progress(progress.replace("\n", "\r\n") + "\r\n") == OURS
    assert find_final(final) == OURS
    assert find_final(progress) is None
    assert find_progress(final) is None


@given(st.text(max_size=40))
def test_any_trigger_key_comes_back(happened_at: str) -> None:
    """A label's key holds a time as the delivery spelt it; nothing in it ends the HTML comment."""
    trigger = Trigger(source=Source.LABEL, project_id=5, iid=17, event_id=0, happened_at=happened_at)

    marker = progress_marker(replace(ASKED, trigger=trigger))

    assert marker.count("-->") == 1
    assert find_progress(marker) == Marker(42, trigger.key)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param(f"{progress_marker(ASKED)}\n\nmore", id="not the last line"),
        pytest.param(f"a {progress_marker(ASKED)}", id="not a line of its own"),
        pytest.param(progress_marker(ASKED).replace("42", "0"), id="no task"),
        pytest.param(progress_marker(ASKED).replace("42", "4 2"), id="malformed"),
        pytest.param(f"```\n{progress_marker(ASKED)}\n```", id="in a fence"),
        pytest.param(f"> {progress_marker(ASKED)}", id="quoted"),
        pytest.param(final_marker(ASKED), id="the other kind"),
    ],
)
def test_other_texts_have_no_marker(body: str) -> None:
    """Only a marker that is the last line counts."""
    assert find_progress(body) is None
