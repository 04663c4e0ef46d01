"""Finding attached files in texts, and telling what they are by what is in them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from core.gitlab.nouns import Project
from worker.context.attachments import Upload, find_uploads, recognise

SECRET = "0123456789abcdef0123456789abcdef"
PROJECT = Project(
    id=5, path="shop/web", default_branch="main", visibility="private", archived=False, empty=False,
    clone_url="https://git.example.com/shop/web.git", web_url="https://git.example.com/shop/web",
)  # fmt: skip
BELOW = replace(PROJECT, web_url="https://example.com/gitlab/shop/web")
SHOT = Upload(SECRET, "shot.png")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(f"![shot](/uploads/{SECRET}/shot.png)", [SHOT], id="as-gitlab-writes-it"),
        pytest.param(f"![](/uploads/{SECRET}/shot.png){{width=5}}", [SHOT], id="with-a-size"),
        pytest.param(f"https://git.example.com/shop/web/uploads/{SECRET}/shot.png", [SHOT], id="older-address"),
        pytest.param(f"https://git.example.com/-/project/5/uploads/{SECRET}/shot.png", [SHOT], id="newer-address"),
        pytest.param(f"/-/project/5/uploads/{SECRET}/shot.png", [SHOT], id="newer-path"),
        pytest.param(f"/uploads/{SECRET}/a%20b.png", [Upload(SECRET, "a b.png")], id="encoded"),
        pytest.param(f"/uploads/{SECRET}/shot.png /uploads/{SECRET}/shot.png", [SHOT], id="twice"),
        pytest.param(f'<img src="/uploads/{SECRET}/shot.png">', [SHOT], id="html"),
        pytest.param(f"/-/project/6/uploads/{SECRET}/shot.png", [], id="another-projects"),
        pytest.param(f"https://git.example.com/shop/other/uploads/{SECRET}/shot.png", [], id="another-path"),
        pytest.param(f"https://evil.example/uploads/{SECRET}/shot.png", [], id="another-host"),
        pytest.param(f"//evil.example/shop/web/uploads/{SECRET}/shot.png", [], id="another-host-without-scheme"),
        pytest.param("/uploads/0123/shot.png", [], id="short-secret"),
        pytest.param(f"/uploads/{SECRET}/..%2F..%2Fsecret", [], id="climbs"),
        pytest.param(f"/uploads/{SECRET}/..", [], id="climbs-plainly"),
        pytest.param(f"/uploads/{SECRET.upper()}/shot.png", [], id="no-hex-of-gitlabs"),
        pytest.param("", [], id="empty"),
    ],
)
def test_finds_the_projects_own(text: str, found: list[Upload]) -> None:
    """In each spelling that GitLab has, and in no other."""
    assert find_uploads([text], PROJECT) == found


def test_gitlab_may_lie_below_a_path() -> None:
    """Its addresses begin with that path."""
    text = f"https://example.com/gitlab/-/project/5/uploads/{SECRET}/shot.png"

    assert find_uploads([text], BELOW) == [SHOT]


@pytest.mark.parametrize(
    ("content", "ending", "given"),
    [
        pytest.param(b"\x89PNG\r\n\x1a\n...", "png", b"\x89PNG\r\n\x1a\n...", id="png"),
        pytest.param(b"\xff\xd8\xff\xe0...", "jpg", b"\xff\xd8\xff\xe0...", id="jpeg"),
        pytest.param(b"GIF89a...", "gif", b"GIF89a...", id="gif"),
        pytest.param(b"RIFF1234WEBPVP8 ", "webp", b"RIFF1234WEBPVP8 ", id="webp"),
        pytest.param("grün\r\n".encode(), "txt", "grün\n".encode(), id="text"),
        pytest.param("a\u202eb\u200b".encode(), "txt", b"ab", id="hidden-letters"),
        pytest.param(b"", "txt", b"", id="empty"),
        pytest.param(b"\x7fELF\x02\x01\x00", "", b"", id="program"),
        pytest.param(b"PK\x03\x04\x00", "", b"", id="zip"),
        pytest.param(b"caf\xe9", "", b"", id="other-encoding"),
        pytest.param(b"RIFF1234AVI \x00", "", b"", id="film"),
    ],
)
def test_content_tells_the_kind(content: bytes, ending: str, given: bytes) -> None:
    """Whatever the file was called."""
    assert recognise(content) == (ending, given)


@pytest.mark.parametrize("text", ["a" * 1_000_000, "/uploads/" * 110_000, f"/uploads/{SECRET}/" * 20_000])
def test_a_hostile_text_is_quick(text: str) -> None:
    """A mebibyte takes no second."""
    began = time.thread_time()

    find_uploads([text], PROJECT)

    assert time.thread_time() - began < 1
