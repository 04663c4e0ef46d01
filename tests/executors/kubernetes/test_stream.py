"""How the asynchronous half reaches a cluster, and what it says where it can't."""

from __future__ import annotations

import asyncio
import contextlib
import json
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from core.errors import ExecutorUnavailable, SettingsError
from core.reasons import Reason
from simulators.kubernetes.server import KubernetesServer
from tests.executors.kubernetes.raw_objects import job
from tests.executors.kubernetes.watched import NAMESPACE, QUICK, SECONDS
from worker.executors.kubernetes.cluster_view import JOBS
from worker.executors.kubernetes.labels import selector
from worker.executors.kubernetes.prune import SeenJob, read_job
from worker.executors.kubernetes.stream import ApiStream, Ask, Refused, Silent
from worker.executors.kubernetes.watch import Change, Kind, ObjectWatch, Selection

pytestmark = pytest.mark.anyio

LIST = Ask(what="list jobs", path=JOBS, read_seconds=5.0)


@contextlib.asynccontextmanager
async def stream_to(
    kubeconfig: Path, namespace: str = NAMESPACE, *, reload_seconds: float = 0.0
) -> AsyncIterator[ApiStream]:
    """Give a stream that is closed at the end."""
    stream = ApiStream(namespace, kubeconfig=kubeconfig, reload_seconds=reload_seconds)
    try:
        yield stream
    finally:
        await stream.close()


async def test_an_answer_is_read_and_the_clocks_are_compared(cluster: KubernetesServer) -> None:
    """The server's own time is known after its first answer: a second is what its header tells."""
    async with stream_to(cluster.kubeconfig()) as stream:
        answer = json.loads(await stream.read(LIST))

        assert answer["items"] == []
        assert abs(stream.clock_offset) < 5


@pytest.mark.parametrize(
    "text", ["", "clusters: [", "apiVersion: v1\nkind: Config\n"], ids=["empty", "no-yaml", "nothing"]
)
async def test_no_cluster_is_said_with_the_mend(tmp_path: Path, text: str) -> None:
    """A file that leads nowhere ends with a sentence, not with a library's error."""
    path = tmp_path / "kubeconfig"
    path.write_text(text)

    async with stream_to(path) as stream:
        with pytest.raises(SettingsError, match=r"no cluster to follow.*KUBECONFIG"):
            await stream.read(LIST)


async def test_a_missing_right_is_named(cluster: KubernetesServer) -> None:
    """An operator reads which right is missing where, and how to find out more."""
    async with stream_to(cluster.kubeconfig(f"{NAMESPACE}/default")) as stream:
        with pytest.raises(Refused, match=r"list jobs in namespace agents.*ablehand doctor") as caught:
            await stream.read(LIST)

    assert (caught.value.status, caught.value.reason) == (403, Reason.RIGHTS)


async def test_a_server_that_asks_to_wait_says_how_long(cluster: KubernetesServer) -> None:
    """Who is told to come back later knows when."""
    cluster.faults.answer("list", "jobs", 429, retry_after=7)
    async with stream_to(cluster.kubeconfig()) as stream:
        with pytest.raises(Refused) as caught:
            await stream.read(LIST)

    assert (caught.value.status, caught.value.seconds) == (429, 7.0)


async def test_silence_is_told_from_absence(cluster: KubernetesServer) -> None:
    """A server that is there and says nothing is another trouble than none."""
    cluster.faults.delay("list", "jobs", seconds=1)
    async with stream_to(cluster.kubeconfig()) as stream:
        with pytest.raises(Silent):
            await stream.read(Ask(what="list jobs", path=JOBS, read_seconds=0.3))
        cluster.set_reachable(reachable=False)
        with pytest.raises(ExecutorUnavailable) as caught:
            await stream.read(LIST)

    assert not isinstance(caught.value, Silent)


async def test_a_token_that_is_refused_is_asked_for_anew(cluster: KubernetesServer, tmp_path: Path) -> None:
    """A plugin's token that has run out is renewed by the next call."""
    asked, plugin = tmp_path / "asked", tmp_path / "plugin"
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t"}}
    plugin.write_text(f"#!{sys.executable}\nopen({str(asked)!r}, 'a').write('x')\nprint({json.dumps(credential)!r})\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    config = yaml.safe_load(cluster.kubeconfig().read_text())
    token = config["users"][0]["user"]["token"]
    plugin.write_text(plugin.read_text().replace('"token": "t"', f'"token": "{token}"'))
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": command}
    path = tmp_path / "exec.yaml"
    path.write_text(yaml.safe_dump(config))
    cluster.faults.answer("list", "jobs", 401)

    async with stream_to(path) as stream:
        with pytest.raises(Refused):
            await stream.read(LIST)
        await stream.read(LIST)

    assert asked.read_text() == "xx"


async def test_a_watch_that_sends_nonsense_is_made_up_for_by_a_list(tmp_path: Path) -> None:
    """An object that can't be read is passed over, a line that can't be read leads to a new list."""
    page = {"metadata": {"resourceVersion": "5"}, "items": [3, {"metadata": 4}, job()]}
    lists, changes = 0, asyncio.Queue[Change[SeenJob]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a list with the page, and a watch with half an event."""
        nonlocal lists
        head = await reader.readuntil(b"\r\n\r\n")
        lists += b"watch=true" not in head
        body = b'{"type": "ADDED", "object": {"metadata"\n' if b"watch=true" in head else json.dumps(page).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    named = {"clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {"token": "t"}}]}
    context = {"contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **named, **context}))
    async with server, stream_to(path) as stream:
        watch = ObjectWatch(
            stream, Selection(JOBS, selector("ablehand")), read=read_job, tell=changes.put_nowait, pace=QUICK.watch
        )
        running = asyncio.create_task(watch.run())
        async with asyncio.timeout(SECONDS):
            told = [await changes.get() for _ in range(3)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert [(change.kind, [item.name for item in change.items]) for change in told] == [(Kind.ALL, ["agent-7-a1"])] * 3
    assert lists >= 3


async def test_a_closed_stream_opens_again(cluster: KubernetesServer) -> None:
    """Closing hangs up; the next call makes a new session."""
    async with stream_to(cluster.kubeconfig()) as stream:
        await stream.read(LIST)
        await stream.close()
        began = time.monotonic()
        await stream.read(LIST)

    assert time.monotonic() - began < SECONDS
