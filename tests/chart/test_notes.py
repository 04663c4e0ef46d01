"""After the installation, helm says what is left to do, with this release's names."""

from __future__ import annotations

import pytest

from tests.chart.rendering import notes

EXEC = "kubectl --namespace tools exec deployment/ablehand-worker -- ablehand"


def test_what_is_left_is_listed() -> None:
    """The address, the doctor, the hook, the first comment, in this order."""
    said = notes("minimal")

    steps = [
        "Let DNS lead https://ablehand.example.com",
        f"{EXEC} doctor",
        f"{EXEC} hook install",
        "/agent Add a /health",
    ]
    assert [said.find(step) for step in steps] == sorted(said.find(step) for step in steps)
    assert -1 not in [said.find(step) for step in steps]
    assert "namespace tools-agents, 20 at once" in said


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("minimal", "Agents may send to any server on the ports of GitLab and the model API"),
        ("openshift", "There is no Ingress: see that https://ablehand.apps.example.com leads to"),
        ("openshift", "kubectl label namespace tools-agents pod-security.kubernetes.io/enforce=restricted"),
        ("openshift", "Give the service accounts ablehand-worker and ablehand-reconciler their rights"),
        ("minimal", "Nobody can sign in yet: the pages that comments link to are closed until signIn.clientId"),
        ("sentinel", "this redirect URI:\n     https://ablehand.example.com/sign-in/callback"),
        ("trial", "Agents may send to anywhere"),
        ("trial", "Redis has no volume"),
    ],
)
def test_notes_follow_the_values(values: str, sentence: str) -> None:
    """What is only so with these values is said."""
    assert sentence in notes(values)


def test_nothing_needless_is_said() -> None:
    """Where all is narrowed and kept, there is no warning."""
    said = notes("everything")

    assert said.rstrip().endswith("/agent Add a /health endpoint that returns a 200 OK status")
