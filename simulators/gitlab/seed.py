"""A small world to click in: a project, its people and a bot, an issue with a conversation, a merge request."""

from simulators.gitlab.access import DEVELOPER, MAINTAINER
from simulators.gitlab.state.world import World

_README = "# Web\n\nThe shop's website.\n\n```sh\npython -m web\n```\n"
_SERVER = 'def health() -> str:\n    """Say that the shop is open."""\n    return "ok"\n'
_CHANGED = 'def health() -> dict[str, str]:\n    """Say that the shop is open."""\n    return {"status": "ok"}\n'
_PROGRESS = """<!-- ablehand:task=1 -->
🤖 Working on it · [live log](http://127.0.0.1/tasks/1) · `/agent cancel` to stop

- [x] Cloned `shop/web` at `main` (2 s)
- [x] Ran `agent-setup.sh` (21 s)
- [ ] Adding the endpoint — editing `server.py`
"""


def plant(world: World) -> dict[str, str]:
    """Fill an empty world and return a token for each user, by name."""
    alice = world.add_user("alice", name="Alice Doe")
    bob = world.add_user("bob", name="Bob Ray")
    bot = world.add_user("ablehand", name="Ablehand", bot=True)
    project = world.add_project(
        "shop/web",
        description="The shop's website",
        files={"README.md": _README, "server.py": _SERVER, "agent-setup.sh": "#!/bin/sh\ntrue\n"},
    )
    world.add_member(project, alice, MAINTAINER)
    world.add_member(project, bob, DEVELOPER)
    world.add_member(project, bot, DEVELOPER)
    issue = world.add_issue(
        project,
        author=alice,
        title="The health check should answer JSON",
        description='The load balancer wants `{"status": "ok"}` from `/health`.\n\n1. Change it\n2. Add a test\n',
        labels=["backend"],
    )
    asked = world.comment(issue, author=bob, body="/agent change it as the issue says")
    world.award(asked, bot, "eyes")
    world.comment(issue, author=bot, body=_PROGRESS)
    world.label(issue, alice, add=["agent-ready"])
    world.commit_files(
        project, files={"server.py": _CHANGED}, message="Answer JSON", branch="agent/issue-1", author=bot
    )
    world.add_merge_request(
        project,
        author=bot,
        title="Answer JSON from the health check",
        branches={"source_branch": "agent/issue-1", "target_branch": "main"},
        description=f"@bob asked for it in a comment.\n\nCloses #{issue.iid}",
        squash=True,
        force_remove_source_branch=True,
    )
    return {user.username: world.add_token(user) for user in (alice, bob, bot)}
