"""Stands in for an MCP server on standard input and output; the first argument says how it behaves."""

from __future__ import annotations

import json
import os
import sys
import time


def answer(number: object, **result: object) -> None:
    """Print one answer."""
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": number} | result) + "\n")
    sys.stdout.flush()


def serve(manner: str) -> None:
    """Answer what is asked until nobody asks any more."""
    for line in sys.stdin:
        message = json.loads(line)
        match message.get("method"), manner:
            case "initialize", "refuses":
                answer(message["id"], error={"code": -1, "message": "no"})
            case "initialize", "noisy":
                sys.stdout.write("starting up…\n{broken\n[1]\n")
                answer(None, result={})
                answer(message["id"], result={"serverInfo": {}})
            case "initialize", _:
                answer(message["id"], result={"serverInfo": {}})
            case "tools/list", "variables":
                answer(message["id"], result={"tools": [{"name": name} for name in sorted(os.environ)]})
            case "tools/list", _:
                answer(message["id"], result={"tools": [{"name": "read"}, {"name": "write"}, "odd"]})


if __name__ == "__main__":
    match sys.argv[1]:
        case "exits":
            sys.exit(3)
        case "silent":
            time.sleep(300)
        case "floods":
            while True:
                sys.stdout.write("x" * 65_536)
        case manner:
            serve(manner)
