"""What the pods run, run here: Redis with its settings and password, and the probe of a heartbeat."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from operate.embedded_redis import _binary
from tests.chart.rendering import containers, one, pods, render

PASSWORD = "invented-redis-password"
START_SECONDS = 60.0
HEARTBEAT = "/tmp/heartbeat"  # noqa: S108 - the container's own


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def redis_process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the container's command as the chart has it, with folders and port of this test's, on a Valkey."""
    manifests = render("everything")
    port = free_port()
    settings = one(manifests, "ConfigMap", "ablehand-redis")["data"]["redis.conf"]
    (tmp_path / "redis.conf").write_text(
        settings.replace("port 6379", f"port {port}\nbind 127.0.0.1").replace("dir /data", f"dir {tmp_path}")
    )
    (tmp_path / "redis-password").write_text(PASSWORD)
    (tmp_path / "redis-server").symlink_to(_binary())
    shell, flag, script = containers(pods(manifests)["redis"])[0]["command"]
    script = script.replace("/etc/redis-password/", f"{tmp_path}/").replace("/etc/redis/", f"{tmp_path}/")
    path = f"{tmp_path}:{os.environ['PATH']}"
    with subprocess.Popen([shell, flag, script], env={"PATH": path}, stdout=subprocess.DEVNULL) as process:
        try:
            yield process, port
        finally:
            process.kill()


def connected(port: int) -> Redis:
    """Wait until the server answers, and give a connection."""
    redis = Redis(port=port, password=PASSWORD)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            redis.ping()
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return redis


def test_redis_keeps_what_it_is_given(redis_process: tuple[subprocess.Popen[bytes], int]) -> None:
    """It takes the settings: a file that is written each second, and no eviction."""
    with connected(redis_process[1]) as redis:
        found = redis.config_get("appendonly", "appendfsync", "maxmemory", "maxmemory-policy")

    assert found == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": str(2 * 1024**3),
        "maxmemory-policy": "noeviction",
    }


def test_redis_asks_for_its_password(redis_process: tuple[subprocess.Popen[bytes], int]) -> None:
    """Nobody without it gets an answer, and no list of processes shows it."""
    process, port = redis_process
    connected(port).close()

    with Redis(port=port) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()


def test_redis_is_the_containers_first_process(redis_process: tuple[subprocess.Popen[bytes], int]) -> None:
    """The signal that stops a container reaches it, so that its file is written to the end."""
    process, port = redis_process
    connected(port).close()

    process.send_signal(signal.SIGTERM)

    assert process.wait(START_SECONDS) == 0


@pytest.mark.parametrize(
    ("component", "age", "is_well"),
    [
        pytest.param("worker", 0, True, id="fresh"),
        pytest.param("worker", 200, True, id="in-a-long-step"),
        pytest.param("worker", 300, False, id="old"),
        pytest.param("worker", None, False, id="missing"),
        pytest.param("reconciler", 60, True, id="reconciler"),
        pytest.param("reconciler", 120, False, id="old-reconciler"),
    ],
)
def test_a_heartbeats_age_decides(component: str, age: int | None, is_well: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """The probe is content with a young heartbeat, and with nothing else."""
    container = containers(pods(render())[component])[0]
    file = tmp_path / "heartbeat"
    if age is not None:
        file.touch()
        os.utime(file, (time.time() - age, time.time() - age))

    command = [str(file) if word == HEARTBEAT else word for word in container["livenessProbe"]["exec"]["command"]]
    ended = subprocess.run(command, capture_output=True, check=False)

    assert (ended.returncode == 0) is is_well
    assert {"name": "ABLEHAND_HEARTBEAT_FILE", "value": HEARTBEAT} in container["env"]
