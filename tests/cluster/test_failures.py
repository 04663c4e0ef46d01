"""What goes wrong in a run ends in its own sentence, and leaves no Job behind."""

from __future__ import annotations

import pytest

from tests.cluster.gitlab import GitLab
from tests.cluster.installation import Installation


@pytest.mark.parametrize(
    ("words", "project", "sentence"),
    [
        pytest.param("edit=x", "shop/broken", "`agent-setup.sh` failed", id="setup-script"),
        pytest.param("fail=3", "shop/web", "The agent stopped with an error", id="agent-exits-3"),
        pytest.param("remember=1024", "shop/web", "needed more memory than it may use", id="out-of-memory"),
        pytest.param("write=400", "shop/web", "wrote more files than its disk may hold", id="volume-over-its-size"),
        pytest.param("edit=.gitlab-ci.yml", "shop/web", "files that the agent may not change", id="protected-path"),
        pytest.param("nothing", "shop/web", "Nothing needed changing", id="nothing-changed"),
    ],
)
def test_a_failure_says_its_cause(
    installation: Installation, gitlab: GitLab, words: str, project: str, sentence: str
) -> None:
    """Each cause has its sentence; nothing is pushed, nothing is tried again, nothing is left."""
    issue = gitlab.ask(f"Do it DO {words}", project=project)

    closing = gitlab.wait_for_closing(issue)

    assert sentence in closing
    assert gitlab.merge_requests(issue) == []
    assert len(gitlab.replies(issue)) == 2
    installation.wait_until_idle()
