"""The policy's judgements, one by one; `test_publish_attacks` has them in place."""

from __future__ import annotations

import pytest

from runtime.policy import Entry, is_protected, judge_entries, judge_links, judge_sizes, read_entries


def entry(path: str = "a", mode: str = "100644") -> Entry:
    """Give an entry for a new path."""
    return Entry(old_mode="000000", new_mode=mode, blob="1" * 40, path=path.encode())


def test_reads_raw_entries() -> None:
    """Facts and paths in turns, paths with any byte in them."""
    raw = b":100644 000000 " + b"1" * 40 + b" " + b"0" * 40 + b" D\0a\tb\0"

    assert read_entries(raw) == [Entry(old_mode="100644", new_mode="000000", blob="0" * 40, path=b"a\tb")]


@pytest.mark.parametrize("raw", [b"x\0", b":1 2\0a\0"])
def test_refuses_what_is_no_listing(raw: bytes) -> None:
    """Half an entry is an error, not an entry."""
    with pytest.raises(ValueError, match=r"zip|unpack"):
        read_entries(raw)


@pytest.mark.parametrize(
    ("glob", "path", "covered"),
    [
        (".gitlab-ci.yml", ".gitlab-ci.yml", True),
        (".gitlab-ci.yml", "sub/.gitlab-ci.yml", True),
        (".gitlab-ci.yml", ".GitLab-CI.yml", True),
        (".gitlab-ci.yml", "x.gitlab-ci.yml", False),
        ("/CODEOWNERS", "CODEOWNERS", True),
        ("/CODEOWNERS", "docs/CODEOWNERS", False),
        (".gitlab/", ".gitlab/x/y", True),
        (".gitlab/**", ".gitlab/x/y", True),
        ("ci/*.yml", "ci/a.yml", True),
        ("ci/*.yml", "ci/sub/a.yml", False),
        ("ci/**/*.yml", "ci/a.yml", True),
        ("ci/**/*.yml", "ci/s/t/a.yml", True),
        ("*.lock", "deep/down/x.lock", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("", "a", False),
        ("/", "a", False),
        ("**", "anything/at/all", True),
    ],
)
def test_matches_globs(glob: str, path: str, *, covered: bool) -> None:
    """The meaning of a glob, case by case."""
    assert is_protected(path.encode(), [glob]) is covered


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(entry(), "", id="ordinary"),
        pytest.param(entry("ünïcode 文.txt"), "", id="unicode"),
        pytest.param(entry(mode="100755"), "", id="program"),
        pytest.param(
            entry(mode="160000"), "a is a submodule (or a repository inside of the repository)", id="submodule"
        ),
        pytest.param(entry(mode="100664"), "a has the file mode 100664", id="mode"),
        pytest.param(entry(".GIT/config"), "the file name .GIT/config is not allowed", id="git-folder"),
        pytest.param(entry("git~1/x"), "the file name git~1/x is not allowed", id="short-name"),
        pytest.param(entry("a/.git. "), "the file name a/.git.  is not allowed", id="trailing-dot"),
        pytest.param(entry("a/../b"), "the file name a/../b is not allowed", id="dots"),
        pytest.param(entry("x\u2066y"), "the file name x\\u2066y has invisible characters", id="bidi"),
        pytest.param(entry("x" * 5_000), f"the file name {'x' * 200} is too long", id="long"),
        pytest.param(entry("ci.yml"), "protected paths are changed: ci.yml", id="protected"),
        pytest.param(entry("bad\n", mode="000000"), "", id="deleted"),
        pytest.param(entry("ci.yml", mode="000000"), "protected paths are changed: ci.yml", id="protected-deleted"),
    ],
)
def test_judges_entries(given: Entry, words: str) -> None:
    """One entry, one sentence or none."""
    assert judge_entries([given], ["ci.yml"]) == words


def test_names_five_protected_paths() -> None:
    """A long list is cut."""
    entries = [entry(f"ci/{number}") for number in range(8)]

    assert judge_entries(entries, ["ci/"]) == "protected paths are changed: ci/0, ci/1, ci/2, ci/3, ci/4 and 3 more"


def test_judges_sizes() -> None:
    """Fifty megabytes for a file, a path's length for a link."""
    assert judge_sizes([entry()], {"1" * 40: 50_000_000}) == ""
    assert judge_sizes([entry()], {"1" * 40: 50_000_001}) == "a has 50000001 bytes, 50000000 are allowed"
    assert judge_sizes([entry(mode="120000")], {"1" * 40: 1_025}) == "a has 1025 bytes, 1024 are allowed"
    assert judge_sizes([entry(mode="000000")], {}) == ""


@pytest.mark.parametrize(
    ("path", "target", "passes"),
    [
        (b"l", b"a/b", True),
        (b"d/l", b"../a", True),
        (b"d/l", b"../../a", False),
        (b"l", b"..", False),
        (b"l", b"/etc", False),
        (b"l", b"", False),
        (b"l", b"a\0b", False),
        (b"d/l", b"../.git/hooks", False),
    ],
)
def test_judges_links(path: bytes, target: bytes, *, passes: bool) -> None:
    """Relative and inside."""
    assert (judge_links({path: target}) == "") is passes
