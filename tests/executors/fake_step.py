"""A step that obeys the runtime's command line and does what the order's prompt says.

The prompt is JSON: a step's name to the list of its actions, each ``[verb, argument]``. Standard library only.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    """Do the step's actions; the exit code is that of the ``exit`` action, or 0."""
    options = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    step, workspace = sys.argv[1], Path(options["--workspace"])
    script = json.loads(json.loads(Path(options["--order"]).read_text())["prompt"]).get(step, [])
    Path(options["--result"]).write_text(json.dumps({"ok": True, "summary": step}))
    for verb, argument in script:
        if verb == "exit":
            return int(argument)
        ACTIONS[verb](argument, workspace, options)
    return 0


def _say(*parts: object) -> None:
    sys.stdout.write(" ".join(map(str, parts)) + "\n")


def _print(text: str, _workspace: Path, _options: dict[str, str]) -> None:
    sys.stdout.buffer.write(text.encode(errors="surrogateescape"))
    sys.stdout.buffer.flush()


def _environment(_: object, workspace: Path, _options: dict[str, str]) -> None:
    """Print the own environment, that of every process in sight, and every file below the run directory's parent."""
    _say(json.dumps(dict(os.environ)))
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            _say(file, file.read_bytes())
        except OSError as exc:
            _say(file, exc.strerror)
    for folder, _folders, files in os.walk(workspace.parent.parent):
        for name in files:
            path = Path(folder, name)
            _say("file", path, path.read_bytes() if path.suffix != ".log" else "")


def _wait(mark: str, workspace: Path, _options: dict[str, str]) -> None:
    """Wait until somebody makes the file."""
    while not (workspace / mark).exists():
        time.sleep(0.01)


def _stubborn(_: object, workspace: Path, _options: dict[str, str]) -> None:
    """Leave a child that ignores TERM, and a daemon of a session of its own; each writes its heartbeat for ever."""
    for name, session in (("child", False), ("daemon", True)):
        subprocess.Popen([sys.executable, "-S", "-c", HEARTBEAT, str(workspace / name), str(int(session))])
    while not all((workspace / name).exists() for name in ("child", "daemon")):
        time.sleep(0.01)


def _ignore_term(_: object, _workspace: Path, _options: dict[str, str]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _flood(_: object, _workspace: Path, _options: dict[str, str]) -> None:
    block = b"x" * 99_999 + b"\n"
    while True:
        os.write(1, block)


def _touch(path: str, _workspace: Path, _options: dict[str, str]) -> None:
    """Try to write, and say whether it worked."""
    try:
        Path(path).write_text("written")
    except OSError as exc:
        _say(f"{path}: {type(exc).__name__}")
    else:
        _say(f"{path}: written")


def _stat(path: str, _workspace: Path, _options: dict[str, str]) -> None:
    _say(f"{path}: {'present' if Path(path).exists() else 'absent'}")


def _hand_over(text: str, _workspace: Path, options: dict[str, str]) -> None:
    Path(options["--handover"], "change.bundle").write_text(text)


def _take_over(_: object, _workspace: Path, options: dict[str, str]) -> None:
    _say(Path(options["--handover"], "change.bundle").read_text())


HEARTBEAT = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[2] == "1":
    if os.fork(): os._exit(0)
    os.setsid()
    if os.fork(): os._exit(0)
while True:
    with open(sys.argv[1], "w") as file: file.write(str(time.monotonic_ns()))
    time.sleep(0.01)
"""
ACTIONS = {
    "print": _print,
    "environment": _environment,
    "wait": _wait,
    "stubborn": _stubborn,
    "ignore-term": _ignore_term,
    "flood": _flood,
    "touch": _touch,
    "stat": _stat,
    "hand-over": _hand_over,
    "take-over": _take_over,
}

if __name__ == "__main__":
    sys.exit(main())
