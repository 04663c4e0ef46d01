"""The processes of one machine: they end with their parent, come back when they end, and stop all together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from operate.embedded_redis import EmbeddedRedis
from operate.processes import FIRST_PAUSE_SECONDS, Child, Processes


def until(condition: Callable[[], object]) -> None:
    """Wait for *condition*, at most ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs: a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


PARENT = """
import sys, time
from pathlib import Path
from operate.embedded_redis import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]), persistent=False)
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder; a unix socket's path may be about 100 characters long."""
    if len(str(tmp_path)) > 80:
        pytest.skip("pytest's own folders are too deep here for a unix socket")
    return tmp_path / "r"


def test_an_embedded_redis_dies_with_its_parent(folder: Path) -> None:
    """Also where the parent is killed and can't say so."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()

    until(lambda: not is_alive(pid))


@pytest.mark.parametrize("end", [EmbeddedRedis.stop, EmbeddedRedis.kill], ids=["stopped", "killed"])
def test_persistent_data_survive(folder: Path, end: Callable[[EmbeddedRedis], None]) -> None:
    """What was answered a second ago is there after a restart, a killed server included."""
    server = EmbeddedRedis(folder)
    server.start()
    with Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
    end(server)

    with EmbeddedRedis(folder) as again, Redis.from_url(again.url) as client:
        assert client.get("kept") == b"yes"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give what the children get: a module `ablehand` of the test's own, which writes its pid and waits or ends."""
    (tmp_path / "ablehand.py").write_text(
        "import os, sys, time\n"
        f"open({str(tmp_path / 'started')!r}, 'a').write(f'{{sys.argv[1]}} {{os.getpid()}}\\n')\n"
        "time.sleep(0 if sys.argv[1] == 'ends' else 60)\n"
    )
    return {"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}


def started(tmp_path: Path, name: str) -> list[int]:
    """List the pids under which a child was started."""
    file = tmp_path / "started"
    lines = file.read_text().splitlines() if file.exists() else []
    return [int(line.split()[1]) for line in lines if line.split()[0] == name]


@pytest.mark.usefixtures("folder")
def test_a_child_that_ends_is_started_anew(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With growing pauses; the other child is left alone."""
    monkeypatch.chdir(tmp_path)
    ends, waits = Child("ends", ["ends"]), Child("waits", ["waits"])
    processes = Processes([ends, waits], environment, log_file=tmp_path / "log")
    processes.start()
    pauses = []
    try:
        for _ in range(2):
            before = ends.pause

            def noticed(before: float = before) -> bool:
                processes.look_after()
                return ends.pause > before

            until(noticed)
            pauses.append(ends.pause)
        until(lambda: started(tmp_path, "waits"))
        assert pauses == [2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
        assert len(started(tmp_path, "ends")) == 2
        assert started(tmp_path, "waits") == [processes.pid("waits")]
    finally:
        processes.stop()


def test_stopping_ends_all(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And none is started anew after it."""
    monkeypatch.chdir(tmp_path)
    children = [Child(name, [name]) for name in ("one", "two")]
    processes = Processes(children, environment, log_file=None)
    processes.start()
    until(lambda: started(tmp_path, "one") and started(tmp_path, "two"))
    pids = [processes.pid("one"), processes.pid("two")]
    os.kill(pids[0], signal.SIGKILL)
    until(lambda: not processes.pid("one"))

    processes.stop()
    processes.look_after()

    assert not any(is_alive(pid) for pid in pids)
    assert [processes.pid(name) for name in ("one", "two")] == [0, 0]
