"""A bucket as S3 has it, as far as an archive of logs needs one: put, get, list, delete. Runs in the GitLab's pod.

Who signs with another key is refused; the signature itself is not checked. ``GET /objects``, which nobody has to sign,
lists what there is, as a JSON array. Alone in its ConfigMap: it imports nothing of this folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEY_ID: Final = "invented-key-id"
WRITTEN: Final = "2026-01-01T00:00:00.000Z"
OBJECTS: Final[dict[str, bytes]] = {}


class Bucket(BaseHTTPRequestHandler):
    """Answers one connection; the first part of a path is the bucket's name."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Take an object."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_signed():
            OBJECTS[self._name()] = content
            self._answer(200, tag=content)

    def do_GET(self) -> None:
        """Give an object, or list those that begin with a prefix."""
        if self.path == "/objects":
            self._answer(200, json.dumps(sorted(OBJECTS)).encode(), kind="application/json")
        elif self._is_signed() and "list-type=2" in self.path:
            self._answer(200, self._list().encode(), kind="application/xml")
        elif self._is_signed():
            found = OBJECTS.get(self._name())
            self._answer(200 if found else 404, found or b"", tag=found or b"")

    def do_DELETE(self) -> None:
        """Forget an object."""
        if self._is_signed():
            OBJECTS.pop(self._name(), None)
            self._answer(204)

    def log_message(self, *_words: object) -> None:
        """Say nothing: every readiness probe would be a line."""

    def _is_signed(self) -> bool:
        known = f"Credential={KEY_ID}/" in self.headers.get("Authorization", "")
        if not known:
            self._answer(403)
        return known

    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    def _list(self) -> str:
        prefix = parse_qs(urlsplit(self.path).query).get("prefix", [""])[0]
        items = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>{WRITTEN}</LastModified><Size>{len(content)}</Size>"
            f"<ETag>{_tag(content)}</ETag></Contents>"
            for name, content in OBJECTS.items()
            if name.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"

    def _answer(self, status: int, body: bytes = b"", *, kind: str = "binary/octet-stream", tag: bytes = b"") -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "ETag": _tag(tag), "Last-Modified": formatdate(0, usegmt=True)}
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ["PORT"])), Bucket).serve_forever()
