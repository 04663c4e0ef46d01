"""Which lines of a text GitLab takes out before saving it."""

import pytest

from simulators.gitlab.quick_actions import Command, extract
from simulators.gitlab.server import GitLabServer
from simulators.gitlab.state.notes import OnlyQuickActions
from tests.simulators.gitlab.conftest import Shop

LABEL = Command("label", "~y")


@pytest.mark.parametrize(
    ("text", "saved", "commands"),
    [
        pytest.param("hello", "hello", (), id="plain"),
        pytest.param("/agent do X", "/agent do X", (), id="ours is unknown"),
        pytest.param("/agentic", "/agentic", (), id="unknown word"),
        pytest.param("/label ~y", "", (LABEL,), id="alone"),
        pytest.param("/agent do X\n/label ~y", "/agent do X", (LABEL,), id="mixed"),
        pytest.param("/agent do X\r\n/label ~y\r\n", "/agent do X", (LABEL,), id="CRLF"),
        pytest.param("/LABEL ~y", "", (LABEL,), id="upper case"),
        pytest.param("/labels_of x", "/labels_of x", (), id="longer word"),
        pytest.param(" /label ~y", " /label ~y", (), id="indented"),
        pytest.param("say /label ~y", "say /label ~y", (), id="within a line"),
        pytest.param("```\n/close\n```\n/label ~y", "```\n/close\n```", (LABEL,), id="fenced"),
        pytest.param(">>>\n/close\n>>>", ">>>\n/close\n>>>", (), id="quoted"),
        pytest.param("> /close", "> /close", (), id="quoted line"),
        pytest.param("<div>\n/close\n</div>\n/label ~y", "<div>\n/close\n</div>", (LABEL,), id="HTML"),
        pytest.param("\\/close", "\\/close", (), id="escaped"),
        pytest.param("/close\n/reopen", "", (Command("close", ""), Command("reopen", "")), id="two"),
        pytest.param("/shrug oh", "oh ¯\\_(ツ)_/¯", (Command("shrug", "oh"),), id="substitution"),
        pytest.param("", "", (), id="empty"),
    ],
)
def test_known_commands_are_taken_out(text: str, saved: str, commands: tuple[Command, ...]) -> None:
    """Known names at the start of a line go, outside of code, quotes and HTML; all else stays."""
    extracted = extract(text)

    assert (extracted.text, extracted.commands) == (saved, commands)


def test_commands_act_for_who_wrote_them(gitlab: GitLabServer, shop: Shop) -> None:
    """A Developer's labels, assignment and title are applied at once."""
    text = '/agent go\n/label ~"two words" ~one\n/assign @ablehand\n/title New'

    note = gitlab.world.comment(shop.issue, author=shop.bob, body=text)

    assert note.body == "/agent go"
    assert gitlab.world.labels(shop.issue) == ["two words", "one"]
    assert (shop.issue.assignees, shop.issue.title) == ([shop.bot], "New")


def test_commands_of_a_guest_do_nothing(gitlab: GitLabServer, shop: Shop) -> None:
    """They are taken out of the text all the same."""
    with pytest.raises(OnlyQuickActions, match="Could not apply close command"):
        gitlab.world.comment(shop.issue, author=shop.guest, body="/close\n/label ~agent-ready")

    assert (shop.issue.state, gitlab.world.labels(shop.issue), gitlab.world.notes(shop.issue)) == ("opened", [], [])
