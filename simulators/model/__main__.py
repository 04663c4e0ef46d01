"""Run the simulated model API for trying: `python -m simulators.model --script turns.json`."""

import argparse
import signal
import sys
from pathlib import Path

from simulators.model.script import Turn, read_turns
from simulators.model.server import ModelServer

SCRIPT = """\
The script is a JSON list of turns, one for each request that offers tools:
  [{"text": "I will look.", "calls": [{"tool": "run", "arguments": {"command": "ls"}}]},
   {"status": 529, "times": 2}, {"text": "Done.", "usage": {"read": 2000, "written": 40}}]
Tools: run {command}, read {path}, write {path, text}, edit {path, old, new}, plan {items: [[title, status]]}; any
other name goes to the agent as it is.
Failures: status and message, cut, delay_seconds, stall_seconds.
"""


def main() -> None:
    """Serve until interrupted; print the address, and at the end what was asked."""
    parser = argparse.ArgumentParser(
        prog="simulators.model",
        description="A model API on loopback: Anthropic Messages, OpenAI Responses and Gemini, answered by a script.",
        epilog=SCRIPT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--script", type=Path, help="the turns; without it every request is answered by one sentence")
    arguments = parser.parse_args()
    turns = read_turns(arguments.script.read_text("utf-8")) if arguments.script else [Turn(text="Done.", times=10**9)]
    with ModelServer(*turns, port=arguments.port) as model:
        sys.stdout.write(f"{model.url}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        sys.stdout.writelines(f"{request.method} {request.path}\n" for request in model.requests)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
