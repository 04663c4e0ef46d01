"""How a process comes to its cluster: by its environment, in one sentence where there is none, and at no other time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.kubernetes.server import KubernetesServer
from tests.kubernetes.requests import IMAGE, NAMESPACE
from tests.kubernetes.roles import grant
from worker.executors.kubernetes.rights import RECONCILER, WORKER, Right

PROJECT = Path(__file__).parents[2]
CHOOSE = "from core import settings; from worker.wiring import choose_executor; e = choose_executor(settings.load()); "
ASK = CHOOSE + "import sys; print(type(e).__name__, e.exists('agent-7-a1'), 'aiohttp' in sys.modules)"


def python(arguments: list[str], home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the settings of a worker on a cluster, and *variables*."""
    needed = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ABLEHAND_EXECUTOR": "kubernetes",
        "ABLEHAND_NAMESPACE": NAMESPACE,
        "ABLEHAND_RUNTIME_IMAGE": IMAGE,
        "ABLEHAND_GITLAB_URL": "http://127.0.0.1:9",
        "ABLEHAND_GITLAB_TOKEN": "canary-gitlab",
        "ABLEHAND_REDIS_URL": "unix:///nowhere/redis.sock",
        "ABLEHAND_PUBLIC_URL": "https://agents.example",
    }
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=needed | variables, capture_output=True, text=True, check=False, timeout=60
    )


def test_kubeconfig_leads_to_the_cluster(server: KubernetesServer, tmp_path: Path) -> None:
    """And a worker does without the reconciler's client."""
    done = python(["-c", ASK], tmp_path, KUBECONFIG=str(server.kubeconfig()))

    assert done.stdout.split() == ["KubernetesExecutor", "False", "False"], done.stderr


BAD: dict[str, tuple[dict[str, str], str]] = {
    "no-cluster": (
        {},
        "There is no cluster to run agents on: run inside one, or let KUBECONFIG name a file that leads",
    ),
    "no-file": ({"KUBECONFIG": "/nowhere/config"}, "There is no cluster to run agents on"),
    "no-kubeconfig": ({"KUBECONFIG": str(PROJECT / "pyproject.toml")}, "There is no cluster to run agents on"),
    "no-image": ({"ABLEHAND_RUNTIME_IMAGE": ""}, "Set ABLEHAND_RUNTIME_IMAGE."),
    "no-namespace": ({"ABLEHAND_NAMESPACE": "../kube-system"}, "ABLEHAND_NAMESPACE is no namespace's name"),
    "no-template": ({"ABLEHAND_POD_TEMPLATE": "/nowhere"}, "ABLEHAND_POD_TEMPLATE: /nowhere can't be read"),
}


@pytest.mark.parametrize(("variables", "sentence"), BAD.values(), ids=BAD.keys())
def test_a_worker_without_a_cluster_ends_with_one_sentence(
    tmp_path: Path, variables: dict[str, str], sentence: str, server: KubernetesServer
) -> None:
    """That says what to set."""
    # Where the fault lies elsewhere, the cluster is there.
    reachable = {} if "cluster" in sentence else {"KUBECONFIG": str(server.kubeconfig())}

    done = python(["ablehand.py", "worker"], tmp_path, **(reachable | variables))

    assert done.returncode == 1
    assert done.stderr.startswith(f"ablehand: {sentence}")
    assert done.stderr.count("\n") == 1
    assert "canary" not in done.stdout + done.stderr


def test_the_doctor_looks_at_the_cluster(server: KubernetesServer, tmp_path: Path) -> None:
    """And not for programs on its own machine: those are in the image."""
    done = python(["ablehand.py", "doctor"], tmp_path, KUBECONFIG=str(server.kubeconfig()))

    lines = done.stdout.splitlines()
    assert "✓ these credentials may do what a worker does" in lines
    assert "✓ cluster would take a run's Job (nothing was made)" in lines
    assert "✗ model credential is there" in lines
    assert "bubblewrap" not in done.stdout


@pytest.mark.parametrize(
    ("room", "rights", "told"),
    [
        ("worker", WORKER, "✗ webhook deliveries can be checked"),
        ("reconciler", RECONCILER, "✓ webhook deliveries are the bot's to check, not a reconciler's"),
    ],
)
def test_a_reconciler_needs_no_webhook_key(
    server: KubernetesServer, tmp_path: Path, room: str, rights: frozenset[Right], told: str
) -> None:
    """The chart gives it none, and the doctor asks to be run there too: no fault there, for a worker one."""
    grant(server, room, rights)

    done = python(["ablehand.py", "doctor"], tmp_path, KUBECONFIG=str(server.kubeconfig(f"ablehand/{room}")))

    assert told in done.stdout.splitlines()
