"""Git over HTTP on loopback: ``git http-backend`` behind a check of Basic credentials."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class GitServer(ThreadingHTTPServer):
    """Serves the bare repositories below *root* to who knows the token."""

    daemon_threads = True

    def __init__(self, root: Path, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.authorization = "Basic " + base64.b64encode(f"oauth2:{token}".encode()).decode()
        self.status = 0
        """Where set, the answer to every push request, with *words* as its body."""
        self.words = ""
        self.speaks_old_protocol = False
        """Where set, only the tips of branches can be fetched."""
        self.delay_seconds = 0.0
        """How long every answer is kept back, as a network and a busy server do."""
        self.fetches = 0
        """How often objects were asked for."""
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def url(self, name: str) -> str:
        """Give the clone URL of a repository."""
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"

    def stop(self) -> None:
        """Close the socket and wait for the thread."""
        self.shutdown()
        self.thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_GET  # noqa: N815 - the name is http.server's

    def log_message(self, *_arguments: Any) -> None:
        """Keep the tests' output clean."""

    def _answer(self) -> None:
        body = self._body()
        time.sleep(self.server.delay_seconds)
        if self.headers.get("Authorization") != self.server.authorization:
            self._send("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')], b"HTTP Basic: Access denied.")
        elif self.server.status and "git-receive-pack" in self.path:
            status = f"{self.server.status} Refused"
            self._send(status, [("Content-Type", "text/plain")], self.server.words.encode())
        else:
            self.server.fetches += self.path.endswith("git-upload-pack") and b"command=fetch" in body
            self._run_backend(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(pieces)

    def _run_backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "oauth2",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": "" if self.server.speaks_old_protocol else self.headers.get("Git-Protocol", ""),
        }
        command = ["git", "http-backend"]
        answer = subprocess.run(command, input=body, env=variables, capture_output=True, check=False).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in head.decode().splitlines())]
        self._send(dict(headers).get("Status", "200 OK"), headers, content)

    def _send(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(int(status.split(maxsplit=1)[0]))
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
