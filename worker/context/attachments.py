"""Finds the files that hang on texts, and tells what may be given on: images and texts, by what is in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from core.gitlab.nouns import Project
from worker.conversation import sanitize

FILES_MOST: Final = 10
FILES_TRIED: Final = 20
FILE_LIMIT_BYTES: Final = 400_000
"""Of one file. A whole order has to fit into a Secret."""
_REFERENCE: Final = re.compile(r"/uploads/([0-9a-f]{32})/([^\s()<>\"'\[\]`\\?#]{1,300})", re.ASCII)
_NO_ADDRESS: Final = re.compile(r"[^\w:/.~%-]", re.ASCII)
_ADDRESS_CHARACTERS: Final = 500
_IMAGES: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))


@dataclass(frozen=True, slots=True)
class Upload:
    """Where GitLab keeps a file that was attached in the project: under a secret and a name."""

    secret: str
    name: str


def find_uploads(texts: Iterable[str], project: Project) -> list[Upload]:
    """List the files of *project* that the texts show or link, each once, in the order of their first mention."""
    here = urlsplit(project.web_url)
    own = {"", f"/-/project/{project.id}", f"{project.web_url}"}
    own |= {f"{here.scheme}://{here.netloc}{prefix}/-/project/{project.id}" for prefix in ("", _root(project))}
    found: dict[str, Upload] = {}
    for text in texts:
        for reference in _REFERENCE.finditer(text):
            before = text[max(0, reference.start() - _ADDRESS_CHARACTERS) : reference.start()]
            name = unquote(reference[2])
            if _NO_ADDRESS.split(before)[-1] in own and "/" not in name and name not in {".", ".."}:
                found.setdefault(reference[1], Upload(reference[1], name))
    return list(found.values())


def recognise(content: bytes) -> tuple[str, bytes]:
    """Give the ending that *content* deserves, whatever it was called, and what is given on; "" for what is not."""
    for beginning, ending in _IMAGES:
        if content.startswith(beginning):
            return ending, content
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp", content
    if b"\0" in content:
        return "", b""
    try:
        return "txt", sanitize.clean(content.decode()).encode()
    except UnicodeDecodeError:
        return "", b""


def _root(project: Project) -> str:
    """Give the path below which GitLab itself lies: it need not have a host of its own."""
    return urlsplit(project.web_url).path.removesuffix(f"/{project.path}")
