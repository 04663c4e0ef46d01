"""What the cache of agent-setup.sh saves, on projects with real dependencies from npm and from the Python index.

Run ``python -m benchmarks setup_cache``. The same task twice, each with a workspace of its own; the seconds are those
of agent-setup.sh, or of bringing back what it made. The packages come from the indexes that npm and pip are set up for.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.runtime.conftest import TOKEN, Project
from tests.runtime.git_server import GitServer

PACKAGES = {"express": "^4.19.0", "eslint": "^8.57.0", "typescript": "^5.4.0", "jest": "^29.7.0"}
REQUIREMENTS = "requests\npytest\npydantic\nmypy\n"


@dataclass(frozen=True)
class Case:
    """A kind of project: its files, what its setup depends on, and where that leaves its result."""

    files: dict[str, str]
    keys: list[str]
    folders: list[str]


CASES = {
    "npm": Case(
        {
            "package.json": json.dumps({"name": "shop", "version": "1.0.0", "dependencies": PACKAGES}),
            "agent-setup.sh": "npm install --no-audit --no-fund --loglevel=error\n",
        },
        ["package.json"],
        ["node_modules"],
    ),
    "pip": Case(
        {
            "requirements.txt": REQUIREMENTS,
            "agent-setup.sh": "python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt\n",
        },
        ["requirements.txt"],
        [".venv"],
    ),
}


def main() -> None:
    """Print both starts of each kind of project."""
    for name, case in CASES.items():
        if not shutil.which({"npm": "npm", "pip": "python3"}[name]):
            print(f"{name}  is not installed here")
            continue
        with tempfile.TemporaryDirectory() as folder:
            first, second, size = measure(case, Path(folder))
        share = f"{second / first:.2f} of the first"
        print(f"{name}  first start {first:.1f} s, second {second:.2f} s, {share}; {size / 1e6:.0f} MB kept")


def measure(case: Case, root: Path) -> tuple[float, float, int]:
    """Run two tasks; give the seconds of each setup, and the size of the entry."""
    (root / "served").mkdir()
    (root / "cache").mkdir()
    server = GitServer(root / "served", TOKEN)
    project = Project(root, server)
    project.commit(case.files | {".gitignore": "\n".join(case.folders) + "\n"})
    project.agent("print('ready')")
    project.change(setup_cache_key=case.keys, setup_cache_paths=case.folders)
    try:
        first, second = (start(project, root / "cache", number) for number in range(2))
    finally:
        server.stop()
    return first, second, sum(entry.stat().st_size for entry in (root / "cache").iterdir())


def start(project: Project, cache: Path, number: int) -> float:
    """Run prepare and agent in a workspace of their own; give what the setup took."""
    workspace = project.folder / f"task-{number}"
    # Where the package managers' settings lie, so that they ask the same indexes as by hand.
    own = {name: os.environ[name] for name in os.environ if name.startswith(("npm_config_", "NPM_CONFIG_", "PIP_"))}
    variables = own | {"ABLEHAND_TOOL_VARIABLES": ",".join(own), "ABLEHAND_SETUP_CACHE": str(cache)}
    for step in ("prepare", "agent"):
        run = project.run(step, variables, workspace=workspace)
        assert run.result.ok, run.log
    return next(event.seconds for event in run.events if (event.kind, event.mark) == ("ended", "setup"))


if __name__ == "__main__":
    main()
