"""What prepare and publish cost on top of plain git, on a repository of a thousand files.

Run ``python -m benchmarks.runtime_overhead``. Both ways do the same work against the same server, in turns: clone at
depth 1, change a file, commit, push. By hand: three git commands and no checks. Ours: the three steps as processes.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.runtime.conftest import TOKEN, Project, git
from tests.runtime.git_server import GitServer

ROUNDS = 7
FILES = 1_000


def main() -> None:
    """Measure and print the medians and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "served").mkdir()
        server = GitServer(root / "served", TOKEN)
        project = Project(root, server)
        project.commit({f"d{number // 50}/f{number}.txt": f"line {number}\n" * 40 for number in range(FILES)})
        rounds = [(by_hand(project, number), by_steps(project, number)) for number in range(ROUNDS)]
        server.stop()
    hand = statistics.median(plain for plain, _ in rounds)
    prepare, agent, publish = (statistics.median(ours[step] for _, ours in rounds) for step in range(3))
    print(f"by hand           {hand:.3f} s   clone --depth 1, commit, push")
    print(f"prepare + publish {prepare + publish:.3f} s   {prepare:.3f} + {publish:.3f}")
    print(f"agent             {agent:.3f} s   a command that appends one line; includes the bundle")
    print(f"ratio             {(prepare + publish) / hand:.2f}   of prepare + publish to by hand")


def by_hand(project: Project, number: int) -> float:
    """Clone, commit and push with git alone; give the seconds."""
    target = project.folder / f"hand-{number}"
    url = project.order.clone_url.replace("http://", f"http://oauth2:{TOKEN}@")
    began = time.monotonic()
    git("clone", "-q", "--depth", "1", url, str(target), at=project.folder)
    (target / "d0" / "f0.txt").write_text(f"by hand {number}\n")
    git("commit", "-qam", "change", at=target)
    git("push", "-q", "origin", f"HEAD:refs/heads/hand-{number}", at=target)
    return time.monotonic() - began


def by_steps(project: Project, number: int) -> tuple[float, ...]:
    """Run the three steps; give the seconds of each."""
    workspace = project.folder / f"steps-{number}"
    project.change(push_branch=f"agent/{number}")
    project.agent(f"open('d0/f0.txt', 'w').write('by steps {number}')")
    seconds = []
    for step in ("prepare", "agent", "publish"):
        place = workspace / "publishing" if step == "publish" else workspace
        began = time.monotonic()
        run = project.run(step, workspace=place)
        seconds.append(time.monotonic() - began)
        assert run.result.ok, run.log
    return tuple(seconds)


if __name__ == "__main__":
    subprocess.run([sys.executable, "-m", "compileall", "-q", "runtime"], check=True)
    main()
