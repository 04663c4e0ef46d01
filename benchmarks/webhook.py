"""Webhook throughput beside a bare Starlette app with one Redis write, in one run.

One bot process, the load on the other core. Deliveries are signed as GitLab 19 signs them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import Outcome, request, run
from operate.embedded_redis import EmbeddedRedis

KEY = b"k" * 32
CONNECTIONS = 16
ROUNDS = 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis(Path(folder) / "redis", persistent=False) as redis:
        ignored, tasks, bare = [], [], []
        with _server("-m", "benchmarks.bare_app", redis.url, port_last=True) as bare_port, _bot(redis.url) as port:
            for number in range(ROUNDS):
                bare.append(run(bare_port, [_signed(_note("hello", 1))] * 5000, connections=CONNECTIONS))
                ignored.append(run(port, [_signed(_note("hello", 1))] * 5000, connections=CONNECTIONS))
                requests = [_signed(_note("/agent do it", 10_000 * (number + 1) + i)) for i in range(4000)]
                tasks.append(run(port, requests, connections=CONNECTIONS))
            steady = [_signed(_note("/agent do it", 900_000 + i)) for i in range(3000)]
            calm = run(port, steady, connections=CONNECTIONS, per_second=300)
        _print("bare Starlette, one Redis write", bare)
        _print("bot, ignored", ignored)
        _print("bot, becomes a task", tasks)
        ratio = statistics.median(o.rate for o in ignored) / statistics.median(o.rate for o in bare)
        print(f"ignored / bare: {ratio:.2f} (asked: 0.50)")
        p50, p99 = calm.percentile(0.5), calm.percentile(0.99)
        print(f"tasks at 300 a second: p50 {p50:.1f} ms, p99 {p99:.1f} ms (asked: 50 ms)")


def _print(name: str, outcomes: list[Outcome]) -> None:
    rate = statistics.median(outcome.rate for outcome in outcomes)
    p99 = statistics.median(outcome.percentile(0.99) for outcome in outcomes)
    print(f"{name:34} {rate:8.0f} a second  p99 {p99:6.1f} ms  {outcomes[-1].statuses}")


def _note(text: str, note_id: int) -> bytes:
    """A note hook of the usual size, about 6 KB."""
    return json.dumps({
        "object_kind": "note",
        "project": {"id": 5, "path_with_namespace": "shop/web", "description": "d" * 1500},
        "object_attributes": {
            "id": note_id, "note": text, "noteable_type": "Issue", "action": "create", "system": False,
        },
        "issue": {"iid": 7, "title": "A title", "description": "word " * 800, "labels": []},
    }).encode()  # fmt: skip


def _signed(body: bytes) -> bytes:
    delivery, moment = hashlib.sha256(body).hexdigest()[:32], str(int(time.time()))
    digest = hmac.new(KEY, b".".join((delivery.encode(), moment.encode(), body)), hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": moment,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    return request("/webhooks/gitlab", headers, body)


@contextmanager
def _bot(redis_url: str) -> Iterator[int]:
    environment = {
        "ABLEHAND_REDIS_URL": redis_url,
        "ABLEHAND_GITLAB_URL": "http://127.0.0.1:1",
        "ABLEHAND_WEBHOOK_SIGNING_TOKEN": "whsec_" + base64.b64encode(KEY).decode(),
    }
    port = _free_port()
    with _server("ablehand.py", "bot", port=port, environment={**environment, "ABLEHAND_PORT": str(port)}) as port:
        yield port


@contextmanager
def _server(
    *command: str, port: int = 0, port_last: bool = False, environment: dict[str, str] | None = None
) -> Iterator[int]:
    port = port or _free_port()
    line = [sys.executable, *command] + ([str(port)] if port_last else [])
    process = subprocess.Popen(line, env={**os.environ, **(environment or {})}, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing listens on {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
