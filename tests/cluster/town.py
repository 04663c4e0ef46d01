"""The simulated GitLab as the suite runs it in a pod: its people and projects, and gates that agents wait at.

Runs in the runtime image, which has git, with the libraries of the other image. The first line that it prints is a JSON
object with the tokens and the projects' ids. Alone in its ConfigMap: it imports nothing of this folder.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from simulators.gitlab.access import DEVELOPER, MAINTAINER
from simulators.gitlab.app import make_app
from simulators.gitlab.edge import CuttableProtocol
from simulators.gitlab.faults import Faults
from simulators.gitlab.state.world import World

SETUP_FAILS = "#!/bin/sh\necho 'no compiler here' >&2\nexit 4\n"


@dataclass
class Gates:
    """Stands before the application: ``POST /gates/NAME/arrivals``, ``GET /gates/NAME`` and ``POST /gates/NAME/open``.

    A gate answers with a JSON object: how many agents have come, and whether it is open.
    """

    application: ASGIApp
    arrivals: dict[str, int] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        parts = scope.get("path", "").strip("/").split("/")
        if parts[0] != "gates" or len(parts) < 2:
            await self.application(scope, receive, send)
            return
        name, verb = parts[1], parts[2] if len(parts) > 2 else ""
        if verb == "arrivals":
            self.arrivals[name] = self.arrivals.get(name, 0) + 1
        elif verb == "open":
            self.opened.add(name)
        await _answer(send, {"arrivals": self.arrivals.get(name, 0), "open": name in self.opened})


def plant(world: World) -> dict[str, dict[str, str | int]]:
    """Make people and projects; give tokens and the application by what they are for, projects' ids by path."""
    alice = world.add_user("alice", name="Alice Moreau")
    world.add_user("eve", name="Eve")
    bot = world.add_user("ablehand", name="Ablehand", bot=True)
    agent = Path(__file__).with_name("agent.py").read_text("utf-8")
    projects: dict[str, str | int] = {}
    for path, further in {"shop/web": {}, "shop/broken": {"agent-setup.sh": SETUP_FAILS}}.items():
        files = {"README.md": "# Web\n", "CLAUDE.md": "Be brief.\n", "agent.py": agent, **further}
        project = world.add_project(path, visibility="private", files=files)
        world.add_member(project, alice, access_level=DEVELOPER)
        world.add_member(project, bot, access_level=MAINTAINER)
        projects[path] = project.id
    tokens: dict[str, str | int] = {
        "alice": world.add_token(alice, scopes={"api"}),
        "api": world.add_token(bot, scopes={"api"}),
        "read": world.add_token(bot, scopes={"read_repository"}),
        "write": world.add_token(bot, scopes={"write_repository"}),
    }
    application = world.add_application("Ablehand", [f"{os.environ['TOWN_PRODUCT']}/sign-in/callback"])
    sign_in: dict[str, str | int] = {"clientId": application.client_id, "clientSecret": application.secret}
    return {"tokens": tokens, "projects": projects, "sign_in": sign_in}


def main() -> None:
    """Serve until the pod ends."""
    faults = Faults()
    world = World(Path(os.environ["TOWN_FOLDER"]), faults)
    world.url = world.sender.instance = os.environ["TOWN_ADDRESS"]
    print(json.dumps(plant(world)), flush=True)
    config = uvicorn.Config(
        Gates(make_app(world, faults, [])),
        host="0.0.0.0",  # noqa: S104 - the pod's own address
        port=int(os.environ["PORT"]),
        http=CuttableProtocol,
        loop="asyncio",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    asyncio.run(uvicorn.Server(config).serve())


async def _answer(send: Send, value: dict[str, object]) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    main()
