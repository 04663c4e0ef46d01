"""The sandbox: what a step under bubblewrap can see and write, and what is said where there is none."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from core.errors import SettingsError
from runtime.contract import Step
from tests.executors.runs import ended, request_for, text_of
from worker.executors.bubblewrap import View, bubblewrap_problem, enclose
from worker.executors.process import ProcessExecutor
from worker.executors.run_plan import PROJECT

SCRATCH = ("/tmp/ablehand-probe", "/var/tmp/ablehand-probe")  # noqa: S108 - each step sees its run's own


def test_deepest_path_decides() -> None:
    """Mounts come from the root down, so a hidden directory hides neither what is bound back nor the reverse."""
    view = View(
        hidden=[Path("/home"), Path("/home/me/tool/runs"), Path("/srv")],
        readable=[Path("/home/me/tool")],
        writable={Path("/home/me/tool/runs/a/work"): Path("/home/me/tool/runs/a/work"), Path("/srv"): Path("/scratch")},
    )
    arguments = enclose(["tool", "--flag"], view, cwd=Path("/work"))
    text = " ".join(arguments)

    assert text.endswith(
        "--tmpfs /home --ro-bind /home/me/tool /home/me/tool --tmpfs /home/me/tool/runs"
        " --bind /home/me/tool/runs/a/work /home/me/tool/runs/a/work --bind /scratch /srv"
        " --remount-ro /home --remount-ro /home/me/tool/runs --chdir /work -- tool --flag"
    )
    assert {"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"} <= set(arguments)
    assert "--unshare-net" not in arguments


@pytest.mark.parametrize(
    ("step", "writable"),
    [
        (Step.PREPARE, {"work"}),
        (Step.AGENT, {"work", "handover"}),
        (Step.PUBLISH, {"publish-work"}),
    ],
)
def test_step_writes_only_where_it_may(sandboxed: ProcessExecutor, step: Step, writable: set[str]) -> None:
    """Each step can write in its own places and /tmp, and nowhere else."""
    run = sandboxed.directory / "run"
    places = {name: str(run / name / "probe") for name in ("work", "publish-work", "handover")}
    outside = [f"{run}/order.json", f"{run}/end.json", "/etc/probe", f"{PROJECT}/probe", f"{PROJECT}/runtime/probe"]
    probes = [*places.values(), *outside, "/root/probe", "/home/probe", "/run/probe", *SCRATCH]
    sandboxed.launch(request_for("run", {step: [["touch", path] for path in probes]}))
    ended(sandboxed.directory, "run")
    written = {
        line.removesuffix(": written") for line in text_of(sandboxed, "run", step).splitlines() if "written" in line
    }

    assert written == {places[name] for name in writable} | set(SCRATCH)
    assert not any(Path(path).exists() for path in SCRATCH)


def test_homes_and_the_checkout_are_hidden(sandboxed: ProcessExecutor, tmp_path: Path) -> None:
    """A file beside the project's code, in a hidden directory or among other tests' files can't be seen."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("canary")
    object.__setattr__(sandboxed.setting, "hidden", (secret,))
    paths = [str(PROJECT / "pyproject.toml"), str(secret / "key"), str(PROJECT / "runtime" / "contract.py")]
    sandboxed.launch(request_for("run", {"agent": [["stat", path] for path in paths]}))
    ended(sandboxed.directory, "run")

    lines = text_of(sandboxed, "run", Step.AGENT).splitlines()
    assert lines == [f"{paths[0]}: absent", f"{paths[1]}: absent", f"{paths[2]}: present"]


def test_missing_bubblewrap_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where bwrap is not installed, one warning says so and runs work; where it is asked for, nothing starts."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bubblewrap_problem() == "bwrap is not installed"
    with caplog.at_level(logging.WARNING):
        executor = ProcessExecutor(directory=tmp_path / "runs")
    assert [record.getMessage() for record in caplog.records] == [
        "agents run without a sandbox, as this user, because of bubblewrap: bwrap is not installed"
    ]
    with pytest.raises(SettingsError, match="install it"):
        ProcessExecutor(directory=tmp_path / "runs", sandbox=True)
    executor.cancel("unknown")


def test_bubblewrap_that_does_not_work_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bwrap that is there but fails gives its own words."""
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert bubblewrap_problem() == "bwrap: No permissions to create new namespace"
