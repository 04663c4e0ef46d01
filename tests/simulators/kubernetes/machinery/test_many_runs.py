"""Many runs at once, and what is left when the cluster stops: nothing."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
import yaml

from simulators.kubernetes.images import Script, Scripted
from tests.simulators.kubernetes.machinery.cluster import Cluster, job, true_conditions

RUNS = 50


@pytest.mark.anyio
async def test_fifty_runs_of_three_containers_end_well_at_once(cluster: Cluster) -> None:
    """Each has its own volumes and its own log; none is lost, and no process is left."""
    for number in range(RUNS):
        steps = {"prepare": f"echo {number} > /data/n", "agent": "cat /data/n", "publish": f"grep -x {number} /data/n"}
        cluster.create("jobs", job(f"run-{number}", **steps))

    def all_complete() -> bool:
        """Whether every Job has ended well."""
        return all("Complete" in true_conditions(one) for one in cluster.objects.list("jobs", "agents")[0])

    await cluster.until(all_complete, seconds=120)

    assert len(cluster.pods()) == RUNS
    assert cluster.machinery.kubelet.runs == {}


@pytest.mark.anyio
async def test_scripted_containers_run_without_a_process(cluster: Cluster) -> None:
    """A script prints its lines, leaves its message and ends with its code; each container may have its own."""
    agent = Script(first=("first",), seconds=0.3, lines_per_second=10, line="number {}".format, exit_code=5)
    cluster.images["process"] = Scripted(script=Script(message="well"), containers={"agent": agent})
    cluster.create("jobs", job())
    failed = await cluster.until_job("Failed")

    assert "Container agent" in failed["status"]["conditions"][-1]["message"]
    assert (await cluster.log("agent")).splitlines() == ["first", "number 0", "number 1", "number 2"]
    ended = [one["state"].get("terminated", {}) for one in cluster.pod()["status"]["initContainerStatuses"]]
    assert [(one["exitCode"], one.get("message")) for one in ended] == [(0, "well"), (5, None)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_every_container_ends_with_the_server(tmp_path: Path, number: signal.Signals) -> None:
    """However the command line's process ends, nothing that it started outlives it."""
    command = [sys.executable, "-m", "simulators.kubernetes", "--directory", str(tmp_path), "--image", "process"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        kubeconfig = server.stdout.readline().removeprefix("export KUBECONFIG=").strip()
        start_pod(Path(kubeconfig))
        processes = below(server.pid)

        server.send_signal(number)
        server.wait(60)

    # Bubblewrap outside, the shell that became a sleep, and the sleep that it left in the background.
    assert len(processes) >= 3
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < deadline, "a process has outlived the server"
        time.sleep(0.01)


def start_pod(kubeconfig: Path) -> None:
    """Create a Pod with two processes, and wait until both run."""
    config = yaml.safe_load(kubeconfig.read_text())
    container = {"name": "main", "image": "process", "command": ["sh", "-c", "sleep 61 & echo up; exec sleep 62"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    with httpx2.Client(
        base_url=config["clusters"][0]["cluster"]["server"],
        headers={"Authorization": f"Bearer {config['users'][0]['user']['token']}"},
        timeout=30,
    ) as client:
        client.post("/api/v1/namespaces/default/pods", json=pod).raise_for_status()
        deadline = time.monotonic() + 30
        while client.get("/api/v1/namespaces/default/pods/p/log").content != b"up\n":
            assert time.monotonic() < deadline, "the Pod has not started"
            time.sleep(0.05)


def below(process: int) -> list[int]:
    """Return all processes that *process* and what it started have started."""
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        # Another test's process may end between the listing and the reading.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
    found = [process]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found[1:]
