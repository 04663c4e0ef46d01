"""A simulated cluster in a process of its own, whose agents only print a line a second: ``… DIRECTORY``."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from simulators.kubernetes.images import Script, Scripted
from simulators.kubernetes.server import KubernetesServer

NAMESPACE = "agents"
IMAGE = "registry.example.com/runtime:1"
LINE = "{number} " + "compiling the package and running its tests " * 2


def main() -> None:
    """Serve until stopped; print the kubeconfig's path once it works."""
    done = Script(message='{"ok": true}')
    works = Script(seconds=float("inf"), lines_per_second=1.0, line=lambda number: LINE.format(number=number))
    image = Scripted(script=done, containers={"agent": works})
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
    with KubernetesServer(Path(sys.argv[1]), images={IMAGE: image}) as cluster:
        cluster.world.add_namespace(NAMESPACE)
        print(cluster.kubeconfig(), flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
