"""The files of a context: their limits, and what is left out first."""

from __future__ import annotations

import base64
import json

from worker.context.files import ATTACHMENTS, MEMBERS, NOTICE, OTHERS, TEXT_LIMIT_BYTES, TOTAL_LIMIT_BYTES, make_files
from worker.context.material import Attachment, Material, Remark


def remark(body: str, *, author: str = "anna", trusted: bool = True) -> Remark:
    """Make a comment."""
    return Remark(author=author, at="2026-01-01", body=body, is_trusted=trusted)


def attached(number: int, size: int) -> Attachment:
    """Make an attachment."""
    return Attachment(name=f"attachment-{number}.png", was=f"shot {number}.png", content=b"x" * size)


def test_nothing_makes_no_files() -> None:
    """What has nothing to say is missing."""
    made = make_files(Material())

    assert (made.texts, made.files) == ({}, {})


def test_members_and_others_are_apart() -> None:
    """Each comment is quoted under its author, and only others' are marked as untrusted."""
    made = make_files(Material(conversation=(remark("One.\n# Two"), remark("Three.", author="eve", trusted=False))))

    assert made.texts == {
        MEMBERS: "anna, 2026-01-01:\n\n> One.\n> # Two\n",
        OTHERS: f"{NOTICE}\neve, 2026-01-01:\n\n> Three.\n",
    }


def test_the_latest_are_kept() -> None:
    """A conversation that is too long loses its beginning, and says so."""
    said = tuple(remark(f"{number} " + "x" * 10_000) for number in range(30))

    text = make_files(Material(conversation=said)).texts[MEMBERS]

    assert text.startswith("… (earlier ones are left out)")
    assert "> 29 x" in text
    assert "> 3 x" not in text
    assert len(text.encode()) <= TEXT_LIMIT_BYTES + 100


def test_a_long_comment_does_not_crowd_out_all_others() -> None:
    """It is cut itself."""
    text = make_files(Material(conversation=(remark("First."), remark("計" * 90_000)))).texts[MEMBERS]

    assert "> First." in text
    assert text.endswith("… (cut)\n")


def test_attachments_have_their_bytes() -> None:
    """Under our name; what they were called is told in a file."""
    made = make_files(Material(attachments=(attached(1, 3),), left_out=("a\nb.zip: it is too large",)))

    assert {name: base64.b64decode(content) for name, content in made.files.items()} == {"attachment-1.png": b"xxx"}
    assert made.texts[ATTACHMENTS] == (
        f"{NOTICE}\n- attachment-1.png: 3 bytes, was called shot 1.png\n- left out: a b.zip: it is too large\n"
    )


def test_what_does_not_fit_is_left_out() -> None:
    """The earlier ones first, and a smaller one that still fits; all in all it fits into an order."""
    sizes = (300_000, 200_000, 100_000)
    said = tuple(remark("x" * 15_000, trusted=number % 2 == 0) for number in range(30))
    material = Material(
        conversation=said, attachments=tuple(attached(number, size) for number, size in enumerate(sizes, 1))
    )

    made = make_files(material)

    assert list(made.files) == ["attachment-1.png"]
    assert "- left out: shot 2.png: there is no room for it" in made.texts[ATTACHMENTS]
    assert len(json.dumps([made.texts, made.files], ensure_ascii=False).encode()) < TOTAL_LIMIT_BYTES + 2_000
