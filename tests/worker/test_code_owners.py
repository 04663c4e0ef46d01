"""Who is asked to review: what CODEOWNERS says, read as GitLab reads it, and quickly whatever it says."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.code_owners import owners_of

CASES: dict[str, tuple[str, list[str], list[str]]] = {
    "nothing": ("", ["a.py"], []),
    "everything": ("* @anna", ["a.py", "x/.b/c"], ["anna"]),
    "a comment": ("# * @anna\n*.py @bert", ["a.py"], ["bert"]),
    "the last one counts": ("* @anna\n*.py @bert @carl", ["x/a.py"], ["bert", "carl"]),
    "nobody's": ("* @anna\n*.py", ["a.py"], []),
    "a folder": ("docs/ @anna", ["docs/a/b.md", "x/docs/c.md"], ["anna"]),
    "a folder is not a file": ("/docs/ @anna", ["docs"], []),
    "at the root only": ("/docs/ @anna", ["x/docs/c.md"], []),
    "files of one folder": ("/docs/* @anna", ["docs/a/b.md"], []),
    "any depth between": ("/a/**/z @anna", ["a/z", "a/b/c/z"], ["anna"]),
    "any depth below": ("/a/** @anna", ["a/b/c/z"], ["anna"]),
    "a name anywhere": ("Makefile @anna", ["x/y/Makefile"], ["anna"]),
    "a name and no more": ("Makefile @anna", ["x/Makefile.old"], []),
    "an escaped blank": ("a\\ b.md @anna", ["a b.md"], ["anna"]),
    "an escaped hash": ("\\#file @anna", ["#file"], ["anna"]),
    "groups, roles and mail": ("* @shop/web @@developer anna@example.com @anna", ["a"], ["anna"]),
    "a comment behind": ("* @anna # @bert", ["a"], ["anna"]),
    "sections all count": ("[Back]\n*.py @anna\n[Front]\n*.py @bert", ["a.py"], ["anna", "bert"]),
    "a section's owners": ("^[Docs][2] @anna\n*.md\n*.txt @bert", ["a.md", "b.txt", "c.md"], ["anna", "bert"]),
    "sections of one name": ("[A]\n*.py @anna\n[B]\n[a]\n*.py @bert", ["x.py"], ["bert"]),
    "taken out": ("* @anna\n!*.lock", ["a.lock"], []),
    "who owns most comes first": ("*.py @anna\n*.go @bert", ["a.py", "a.go", "b.go"], ["bert", "anna"]),
    "CRLF": ("* @anna\r\n*.py @bert\r\n", ["a.py"], ["bert"]),
}


@pytest.mark.parametrize(("text", "paths", "owners"), CASES.values(), ids=CASES)
def test_owners(text: str, paths: list[str], owners: list[str]) -> None:
    """As GitLab would name them."""
    assert owners_of(text, paths) == owners


@given(st.text(), st.lists(st.text(), max_size=5))
def test_never_raises(text: str, paths: list[str]) -> None:
    """Anybody may write the file."""
    assert isinstance(owners_of(text, paths), list)


@pytest.mark.parametrize(
    "line", ["*a" * 140 + "b @x", "**/a/" * 50 + "b @x", "[" * 300, "\\" * 300, "[!" * 99 + "] @x"]
)
def test_a_hostile_file_takes_no_more_than_a_step_may(line: str) -> None:
    """Of a thousand such lines, on a change of many files."""
    began = time.process_time()

    owners_of(f"{line}\n" * 1_000, ["a/" * 60 + "a" * 200] * 1_000)

    assert time.process_time() - began < 20
