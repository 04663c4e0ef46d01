"""Run the simulated cluster for trying: `python -m simulators.kubernetes --directory DIR --image debian:12`."""

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

from simulators.kubernetes.images import Image
from simulators.kubernetes.server import KubernetesServer

EXAMPLE = "kubectl create job hello --image={image} -- sh -c 'echo hello; sleep 2' && kubectl logs -f job/hello"


def main() -> None:
    """Serve until interrupted; print how to reach it with kubectl."""
    parser = argparse.ArgumentParser(prog="simulators.kubernetes", description="A Kubernetes API on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--directory", type=Path, help="where Pods write; a temporary folder by default")
    parser.add_argument(
        "--image", action="append", default=[], help="an image name whose containers see this machine's programs"
    )
    arguments = parser.parse_args()
    # Handled, not blocked: what a container's process inherits would keep it from hearing its own SIGTERM.
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: interrupted.set())
    names = arguments.image or ["debian:12"]
    with tempfile.TemporaryDirectory(prefix="simulated-kubernetes-") as temporary:
        directory = arguments.directory or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        images = {name: Image() for name in names}
        with KubernetesServer(directory, port=arguments.port, images=images) as cluster:
            sys.stdout.write(f"export KUBECONFIG={cluster.kubeconfig()}\n{EXAMPLE.format(image=names[0])}\n")
            sys.stdout.flush()
            interrupted.wait()


if __name__ == "__main__":
    main()
