"""`python -m simulators.gitlab`: a seeded GitLab to click in."""

import signal
import subprocess
import sys
from pathlib import Path

import requests


def test_it_prints_its_address_serves_and_ends(tmp_path: Path) -> None:
    """The first line is the address, the next are tokens; an interrupt ends it cleanly."""
    command = [sys.executable, "-m", "simulators.gitlab", "--seed", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            url, alice = running.stdout.readline().strip(), running.stdout.readline().strip()
            token = alice.removeprefix("alice: ")
            answer = requests.get(f"{url}/api/v4/user", headers={"PRIVATE-TOKEN": token}, timeout=60)
            page = requests.get(f"{url}/shop/web/-/issues/1", timeout=60)
        finally:
            running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)

    assert (answer.json()["username"], page.status_code) == ("alice", 200)
    assert (running.returncode, errors) == (0, "")
