"""What prepare and publish cost on top of plain git, on a thousand files with 50 MiB of history behind them.

Run ``python -m benchmarks runtime_overhead``. Both ways do the same work against the same server, in turns: clone at
depth 1, change a file, commit, push. By hand: three git commands and no checks. Ours: the three steps as processes.
The CPU time is that of all processes, the git server's too: on a busy machine it says more than the clock.
"""

from __future__ import annotations

import base64
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.runtime.conftest import TOKEN, Project, git
from tests.runtime.git_server import GitServer

ROUNDS = 9
FILES = 1_000
HISTORY_COMMITS = 25
HISTORY_BYTES = 50 * 1024 * 1024
DELAYS_SECONDS = (0.0, 0.2)
"""Of each answer: loopback, where nothing counts but processes, and what a GitLab elsewhere is like."""
Spent = tuple[float, float]
"""Seconds by the clock, and of CPU."""


def main() -> None:
    """Measure and print the medians and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "served").mkdir()
        server = GitServer(root / "served", TOKEN)
        project = Project(root, server)
        try:
            write_history(project)
            for delay in DELAYS_SECONDS:
                server.delay_seconds = delay
                print(f"-- a server that answers after {delay:.1f} s")
                measure(project, f"{delay:.1f}")
        finally:
            server.stop()


def measure(project: Project, name: str) -> None:
    """Go both ways in turns, and print the medians."""
    names = [f"{name}-{number}" for number in range(ROUNDS)]
    rounds = [(by_hand(project, one), by_steps(project, one)) for one in names]
    hand = median([plain for plain, _ in rounds])
    prepare, agent, publish = (median([ours[step] for _, ours in rounds]) for step in range(3))
    both = (prepare[0] + publish[0], prepare[1] + publish[1])
    print(f"by hand            {shown(hand)}   clone --depth 1, commit, push")
    print(f"prepare            {shown(prepare)}")
    print(f"publish            {shown(publish)}")
    print(f"prepare + publish  {shown(both)}   {both[0] - hand[0]:+.3f} s on top")
    print(f"agent              {shown(agent)}   a command that appends one line; includes the bundle")
    print(f"ratio              {both[0] / hand[0]:.2f} by the clock, {both[1] / hand[1]:.2f} of CPU")


def median(spent: list[Spent]) -> Spent:
    """Give the medians of both."""
    return statistics.median(clock for clock, _ in spent), statistics.median(cpu for _, cpu in spent)


def shown(spent: Spent) -> str:
    """Give both as text."""
    return f"{spent[0]:.3f} s, CPU {spent[1]:.3f} s"


def write_history(project: Project) -> None:
    """Commit what will not compress and is gone again, until the history is as large as wanted; then the files."""
    for number in range(HISTORY_COMMITS):
        blob = random.Random(number).randbytes(HISTORY_BYTES // HISTORY_COMMITS * 3 // 4)  # noqa: S311 - only bytes
        project.commit({"blob.bin": base64.b64encode(blob).decode()})
    project.commit({"blob.bin": ""})
    project.commit({f"d{number // 50}/f{number}.txt": f"line {number}\n" * 40 for number in range(FILES)})


class Stopwatch:
    """Measures what is done within it, by the clock and in the CPU time of processes that have ended."""

    def __enter__(self) -> Self:
        """Begin."""
        self.spent = (0.0, 0.0)
        self._began = (time.monotonic(), children_seconds())
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.spent = (time.monotonic() - self._began[0], children_seconds() - self._began[1])


def children_seconds() -> float:
    """Give the CPU time of this process's children until now, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def by_hand(project: Project, number: str) -> Spent:
    """Clone, commit and push with git alone; give what it took."""
    target = project.folder / f"hand-{number}"
    url = project.order.clone_url.replace("http://", f"http://oauth2:{TOKEN}@")
    with Stopwatch() as stopwatch:
        git("clone", "-q", "--depth", "1", url, str(target), at=project.folder)
        (target / "d0" / "f0.txt").write_text(f"by hand {number}\n")
        git("commit", "-qam", "change", at=target)
        git("push", "-q", "origin", f"HEAD:refs/heads/hand-{number}", at=target)
    return stopwatch.spent


def by_steps(project: Project, number: str) -> tuple[Spent, ...]:
    """Run the three steps; give what each took."""
    workspace = project.folder / f"steps-{number}"
    project.change(push_branch=f"agent/{number}")
    project.agent(f"open('d0/f0.txt', 'w').write('by steps {number}')")
    spent = []
    for step in ("prepare", "agent", "publish"):
        place = workspace / "publishing" if step == "publish" else workspace
        with Stopwatch() as stopwatch:
            run = project.run(step, workspace=place)
        spent.append(stopwatch.spent)
        assert run.result.ok, run.log
    return tuple(spent)


if __name__ == "__main__":
    subprocess.run([sys.executable, "-m", "compileall", "-q", "runtime"], check=True)
    main()
