"""Run the simulated GitLab for clicking: `python -m simulators.gitlab --port 0 --directory DIR --seed`."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from simulators.gitlab.seed import plant
from simulators.gitlab.server import GitLabServer


def main() -> None:
    """Serve until interrupted; print the address, and the tokens of the seed."""
    parser = argparse.ArgumentParser(prog="simulators.gitlab", description="A GitLab on loopback, in memory.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--directory", type=Path, help="where the repositories lie; a temporary folder by default")
    parser.add_argument("--seed", action="store_true", help="start with users, a project and an issue")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="simulated-gitlab-") as temporary,
        GitLabServer(arguments.directory or Path(temporary), arguments.port) as gitlab,
    ):
        lines = [gitlab.url]
        if arguments.seed:
            lines += [f"{name}: {token}" for name, token in plant(gitlab.world).items()]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
