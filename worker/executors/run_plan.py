"""What a run's supervisor is told: the command line and environment of each step, and the secrets apart from them.

`worker.executors.process` calls it at a launch. The plan goes into run.json; the secrets go through the supervisor's
standard input and are never in a file, in an argument or in the supervisor's own environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runtime.contract import (
    AGENT_VARIABLES_VARIABLE,
    CACHE_VARIABLE,
    GIT_TOKEN_VARIABLE,
    MCP_VARIABLES_VARIABLE,
    RUN_VARIABLE,
    Step,
)
from worker.executors.bubblewrap import View, enclose
from worker.executors.protocol import RunRequest
from worker.executors.run_directory import ORDER, RunDirectory

PROJECT: Final = Path(__file__).resolve().parents[2]
"""Where ``-m runtime`` works. Every step starts there: in a directory that an agent can write, Python would take its
modules for ours."""
_PRIVATE: Final = ("/home", "/root", "/run", "/var/run", "/var/lib/ablehand", "/etc/ablehand", "/etc/ssh")
_SCRATCH: Final = ("/tmp", "/var/tmp")  # noqa: S108 - where each step sees its run's own
_RESOLVER: Final = Path("/etc/resolv.conf")
_LOG_ALLOWANCE: Final = 1 << 21
"""For what we print ourselves; the most of it is a transcript (`runtime.parts`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSetting:
    """How the steps are started on this machine, the same for every run."""

    command: Sequence[str] = (sys.executable, "-m", "runtime")
    environment: Mapping[str, str] = field(default_factory=dict)
    """For all three steps, besides the path and the language: proxies, certificates. No secrets."""
    hidden: Sequence[Path] = ()
    """Directories that a sandboxed step shall not see, besides home directories, /run and other runs."""
    cache: Path | None = None
    """Where each project has a folder that its agent steps may write; see `runtime.setup_cache`."""
    readable: Sequence[Path] = ()
    """What it shall see although it lies in a hidden one: a coding agent that is installed in a home directory."""


def plan_run(run: RunDirectory, request: RunRequest, setting: StepSetting, *, sandboxed: bool) -> dict[str, object]:
    """Give the content of run.json."""
    steps: dict[str, object] = {}
    cache = _cache(request, setting)
    for step in Step:
        command = _command(run, step, setting)
        own = cache if step is Step.AGENT else None
        if sandboxed:
            command = enclose(command, _view(run, step, setting, own), cwd=PROJECT)
        environment = _environment(run, step, setting, sandboxed=sandboxed)
        environment |= {CACHE_VARIABLE: str(own)} if own else {}
        steps[step] = {"command": command, "environment": environment}
    return {
        "name": request.name,
        "task_id": request.task_id,
        "deadline_seconds": request.deadline_seconds,
        "log_limit_bytes": 2 * request.order.output_limit_bytes + _LOG_ALLOWANCE,
        "sandboxed": sandboxed,
        "steps": steps,
    }


def secrets_by_step(request: RunRequest) -> dict[str, dict[str, str]]:
    """Give each step's secret variables, and no step another's."""
    agent, servers = dict(request.agent_variables), dict(request.mcp_variables)
    names = {AGENT_VARIABLES_VARIABLE: ",".join(agent)}
    names |= {MCP_VARIABLES_VARIABLE: ",".join(servers)} if servers else {}
    return {
        Step.PREPARE: {GIT_TOKEN_VARIABLE: request.read_token},
        Step.AGENT: servers | agent | names,
        Step.PUBLISH: {GIT_TOKEN_VARIABLE: request.write_token},
    }


def _cache(request: RunRequest, setting: StepSetting) -> Path | None:
    """Make the project's folder; None where the run needs none."""
    if setting.cache is None or not request.order.setup_cache_key:
        return None
    folder = setting.cache / str(request.project_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _command(run: RunDirectory, step: Step, setting: StepSetting) -> list[str]:
    places = {
        "--order": run.path / ORDER,
        "--workspace": run.workspace(step),
        "--handover": run.handover,
        "--result": run.result(step),
    }
    return [*setting.command, step, *(str(part) for pair in places.items() for part in pair)]


def _environment(run: RunDirectory, step: Step, setting: StepSetting, *, sandboxed: bool) -> dict[str, str]:
    values = {
        "PATH": os.pathsep.join(os.get_exec_path()),
        "LANG": "C.UTF-8",
        **setting.environment,
        "HOME": str(run.workspace(step) / "home"),
        "PYTHONUNBUFFERED": "1",
        RUN_VARIABLE: str(run.path),
    }
    return values if sandboxed else values | {"TMPDIR": str(run.temporary)}


def _view(run: RunDirectory, step: Step, setting: StepSetting, cache: Path | None) -> View:
    """Hide what is private, then bind back what the step needs; prepare and publish don't see more than the agent."""
    interpreter = {Path(prefix) for prefix in (sys.prefix, sys.base_prefix)}
    private = [*map(Path, _PRIVATE), run.path.parent, *setting.hidden]
    if not any(PROJECT.is_relative_to(prefix) for prefix in interpreter):
        private.append(PROJECT)  # a checkout, which may hold an .env
    hidden = {path.resolve() for path in private if path.is_dir()}
    wanted = {*interpreter, PROJECT / "runtime", _RESOLVER.resolve(), *setting.readable, run.path / ORDER}
    if step is Step.PUBLISH:
        wanted.add(run.handover)
    places = [run.workspace(step), run.result(step)]
    if step is Step.AGENT:
        places.append(run.handover)
    if cache is not None:
        places.append(cache)
    scratch = {Path(path).resolve(): run.temporary for path in _SCRATCH if Path(path).is_dir()}
    covered = hidden | set(scratch)
    readable = {
        spelling for path in wanted if path.exists() or path == run.path / ORDER for spelling in (path, path.resolve())
    }
    return View(
        hidden=sorted(hidden - set(scratch)),
        # What lies in a directory that is bound already is not bound again: bubblewrap can't mount over its links.
        readable=sorted(
            path for path in readable if not covered.isdisjoint(path.parents) and readable.isdisjoint(path.parents)
        ),
        writable={**scratch, **{place: place for place in places}},
    )
