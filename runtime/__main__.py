"""Runs one step of a run: ``python -m runtime STEP --order FILE --workspace DIR --handover DIR --result FILE``.

Exit code 0: the step reached its goal; 1: the result file says why not; 2: the command line was wrong.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final

from runtime.console import Console, known_secrets
from runtime.contract import Failure, Order, Step, StepResult, encode_result
from runtime.sandbox import Sandbox, StepFailed

BY_HAND: Final = "task"
EPILOG: Final = """\
environment:
  ABLEHAND_GIT_TOKEN        to prepare (read_repository) and publish (write_repository); never to agent
  ANTHROPIC_*, CLAUDE_*     to agent: the model's key and address
  ABLEHAND_AGENT_VARIABLES  to agent: names, separated by commas, of further variables for the agent alone
  ABLEHAND_MCP_VARIABLES    to agent: names of those for its MCP servers
  ABLEHAND_TOOL_VARIABLES   to agent: names of those for agent-setup.sh as well
  ABLEHAND_SETUP_CACHE      to agent: a folder of the project's, for what agent-setup.sh makes

a whole task by hand, all three steps, nothing pushed unless asked for:
  docker run --rm -it -e ABLEHAND_GIT_TOKEN -e ANTHROPIC_API_KEY IMAGE \\
    python3 -m runtime task --clone-url https://gitlab.example.com/shop/web.git --prompt "Add a /health endpoint"
  python3 -m runtime task --help
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the step that the command line names and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == [BY_HAND]:
        return int(importlib.import_module("runtime.by_hand").main(given[1:]))
    options = _parser().parse_args(given)
    signal.signal(signal.SIGTERM, _stop)
    console = Console(sys.stdout.buffer, known_secrets(os.environ))
    result = _run(options, console)
    shown = replace(result, detail=console.plain(result.detail), summary=console.plain(result.summary))
    options.result.write_text(encode_result(shown), encoding="utf-8")
    return 0 if result.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runtime",
        description="One step of a run, inside the sandbox: prepare clones, agent works, publish pushes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("step", choices=[step.value for step in Step], help="which of the three")
    for name, what in (
        ("order", "the run as the worker ordered it, JSON; the same for all three"),
        ("workspace", "folder that prepare fills and agent works in; publish gets an empty one"),
        ("handover", "folder where agent leaves its bundle and publish takes it"),
        ("result", "file to write the step's result to, JSON"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=what)
    return parser


def _run(options: argparse.Namespace, console: Console) -> StepResult:
    try:
        sandbox = Sandbox(
            order=Order.from_json(options.order.read_text(encoding="utf-8")),
            workspace=options.workspace.absolute(),
            handover=options.handover.absolute(),
            console=console,
            environ=dict(os.environ),
        )
        result: StepResult = importlib.import_module(f"runtime.{options.step}").run(sandbox)
    except StepFailed as failed:
        result = StepResult(ok=False, failure=failed.failure, detail=failed.detail)
    except Exception as error:  # noqa: BLE001 - the one place where a step's own fault becomes a result
        import traceback  # who needs it no more counts milliseconds

        console.write(traceback.format_exc())
        result = StepResult(ok=False, failure=Failure.INFRASTRUCTURE, detail=f"{type(error).__name__}: {error}"[:500])
    if not result.ok:
        console.write(f"{options.step} failed ({result.failure}): {result.detail}")
    return result


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """End by an exception, so that what was started is ended on the way out."""
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
