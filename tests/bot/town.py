"""A simulated GitLab with people, a bot's settings that let them sign in there, and tasks that were asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import requests
from redis import Redis
from starlette.testclient import TestClient

from bot.app import build
from core.settings import Settings
from simulators.gitlab.records import Application, Issue, Project, User
from simulators.gitlab.server import GitLabServer
from tests.bot.deliveries import SIGNING_TOKEN

HERE = "http://127.0.0.1:8080"
DEVELOPER, REPORTER, GUEST = 30, 20, 10
JSON = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Town:
    """Alice is Developer of shop/web, Rob Reporter, Gus Guest; Eve is nobody there."""

    gitlab: GitLabServer
    raw: Redis
    settings: Settings
    application: Application
    project: Project
    people: dict[str, User]
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def bot(self) -> TestClient:
        """Give a client of a bot; a context."""
        return TestClient(build(self.settings), base_url=HERE, follow_redirects=False)

    def token(self, username: str, *scopes: str) -> str:
        """Give a personal access token."""
        key = (username, " ".join(scopes or ("api",)))
        if key not in self.tokens:
            self.tokens[key] = self.gitlab.world.add_token(self.people[username], scopes=scopes or ("api",))
        return self.tokens[key]

    def bearer(self, username: str, *scopes: str) -> dict[str, str]:
        """Give the header that carries it."""
        return {"Authorization": f"Bearer {self.token(username, *scopes)}"}

    def task(self, issue: Issue | None = None, *, project: Project | None = None, **fields: Any) -> int:
        """Put a task into the ledger as if it had been asked for on *issue*, or nowhere; give its id."""
        project = project or self.project
        task_id = int(self.raw.incr("{ablehand}:last"))
        place, iid = ("issues", issue.iid) if issue else ("", 0)
        trigger = (
            f'{{"source": "comment", "place": "{place}", "project_id": {project.id}, "iid": {iid}, '
            f'"event_id": {task_id}, "happened_at": ""}}'
        )
        told: dict[Any, Any] = {
            "id": task_id, "phase": "working", "version": 1, "created_at": "1800000000.0", "unique_id": f"u{task_id}",
            "trigger": trigger, "project_id": project.id, "prompt": "Add a thing", **fields,
        }  # fmt: skip
        self.raw.hset(f"{{ablehand}}:task:{task_id}", mapping=told)
        status = {"failed": "failed", "completed": "completed", "received": "pending"}.get(
            str(told["phase"]), "running"
        )
        person = str(told.get("requester_username", "nobody"))
        for name in ("", f":project:{project.id}", f":status:{status}", f":person:{person}"):
            self.raw.zadd(f"{{ablehand}}:tasks{name}", {str(task_id): task_id})
        self.raw.sadd("{ablehand}:projects", project.id)
        self.raw.hset("{ablehand}:paths", str(project.id), project.path_with_namespace)
        return task_id

    def sign_in(self, client: TestClient, username: str, path: str = "/") -> httpx2.Response:
        """Sign in as a browser would that was sent from *path*; give the answer that ends it."""
        back = self.consent(client.get("/sign-in", params={"next": path}).headers["location"], username)
        return client.get(back)

    def consent(self, place: str, username: str, **more: str) -> str:
        """Do on GitLab's page what a person does there; give where they are sent back to."""
        requests.get(place, timeout=60).raise_for_status()
        form = dict(parse_qsl(urlsplit(place).query))
        answer = requests.post(
            f"{self.gitlab.url}/oauth/authorize",
            data={**form, "person": username, **more},
            allow_redirects=False,
            timeout=60,
        )
        return str(answer.headers["location"])


def build_town(gitlab: GitLabServer, redis_url: str, raw: Redis, *, here: str = HERE) -> Town:
    """Give the town; *here* is where its bot will be found."""
    world = gitlab.world
    people = {name: world.add_user(name, name=name.capitalize()) for name in ("alice", "rob", "gus", "eve")}
    project = world.add_project("shop/web", files={"README.md": "# Web\n"})
    for name, level in (("alice", DEVELOPER), ("rob", REPORTER), ("gus", GUEST)):
        world.add_member(project, people[name], access_level=level)
    application = world.add_application("Ablehand", [f"{here}/sign-in/callback"])
    settings = Settings(
        redis_url=redis_url,
        gitlab_url=gitlab.url,
        webhook_signing_token=SIGNING_TOKEN,
        public_url=here,
        oidc_client_id=application.client_id,
        oidc_client_secret=application.secret,
        session_secret="an invented secret of enough length",
    )
    return Town(gitlab=gitlab, raw=raw, settings=settings, application=application, project=project, people=people)


def changed(raw: Redis, task_id: int, **fields: str) -> None:
    """Change a task as the ledger does: one version on, and told."""
    key = f"{{ablehand}}:task:{task_id}"
    told: dict[Any, Any] = {**fields, "version": int(raw.hget(key, "version") or 0) + 1}
    raw.hset(key, mapping=told)
    raw.xadd("{ablehand}:changes", {"id": task_id})
