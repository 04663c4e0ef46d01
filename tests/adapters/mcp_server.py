"""A small MCP server on standard input: writes down what it was asked and given, and has one tool."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

TOOL = {"name": "look", "description": "Look at the desk.", "inputSchema": {"type": "object", "properties": {}}}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Give the result of one request."""
    match request["method"]:
        case "initialize":
            version = request["params"]["protocolVersion"]
            about = {"name": "desk", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
        case "tools/list":
            return {"tools": [TOOL]}
        case "tools/call":
            return {"content": [{"type": "text", "text": "a lamp"}]}
        case _:
            return {}


def main() -> None:
    """Answer until the input ends."""
    client, methods = "", []
    for line in sys.stdin:
        request = json.loads(line)
        methods.append(request.get("method", ""))
        client = client or request["params"]["clientInfo"]["name"]
        if methods[-1] == "tools/list":
            given = {"DESK": os.environ.get("DESK", ""), "arguments": Path("/proc/self/cmdline").read_text()}
            with Path(sys.argv[1]).open("a") as asked:
                asked.write(json.dumps({"client": client, **given}) + "\n")
        if "id" in request:
            print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer(request)}), flush=True)


if __name__ == "__main__":
    main()
