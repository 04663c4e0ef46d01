"""``ablehand task``: what the pages do, for terminals and scripts, over the REST API.

Status 0: done; with ``--wait``, the task completed. 1: refused, not there, or not completed. What comes from people and
agents is shown without control characters.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from operate.api_client import ApiClient

STATUSES: Final = ("pending", "running", "completed", "failed", "cancelled", "rejected")
ENDED: Final = frozenset(STATUSES[2:])
RECONNECT_SECONDS: Final = 1.0
RECONNECTS: Final = 30
MOST_LISTED: Final = 100
_SHOWN: Final = (
    "id", "status", "phase", "reason", "detail", "repository", "branch", "requester", "agent", "model", "created_at",
    "duration", "cost_usd", "merge_request_url", "url",
)  # fmt: skip


@click.group()
@click.option("--url", envvar="ABLEHAND_PUBLIC_URL", metavar="URL", help="Where Ablehand is; ABLEHAND_PUBLIC_URL.")
@click.option("--token", envvar="ABLEHAND_TOKEN", metavar="TOKEN", help="GitLab access token; better ABLEHAND_TOKEN.")
@click.pass_context
def task(context: click.Context, url: str | None, token: str | None) -> None:
    """Have something done, and look how far it is. To change anything, the token needs the scope api."""
    context.obj = lambda: _client(url, token)


@task.command()
@click.argument("repository", metavar="GROUP/PROJECT")
@click.argument("prompt", metavar="PROMPT")
@click.option("--branch", default="", metavar="NAME", help="The branch that the work starts from.")
@click.option("--agent", default="", metavar="NAME", help="Which agent works.")
@click.option("--model", default="", metavar="NAME", help="Which model it uses.")
@click.option("--key", default="", metavar="KEY", help="Asked again with the same key, it is the same task.")
@click.option("--wait", is_flag=True, help="Wait until it has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the task as JSON.")
@click.pass_obj
def run(connect: Callable[[], ApiClient], /, *, key: str, wait: bool, as_json: bool, **wish: str) -> None:
    """Have PROMPT done in a project; `-` reads the prompt from standard input."""
    if wish["prompt"] == "-":
        wish["prompt"] = sys.stdin.read()
    with connect() as client:
        asked = client.post("/tasks", wish, key=key or uuid.uuid4().hex)
        if wait:
            click.echo(f"Task {asked['id']}: {asked['url']}", err=True)
            asked = _wait(client, asked)
    _print(asked, as_json=as_json)
    if wait and asked["status"] != "completed":
        sys.exit(1)


@task.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only these.")
@click.option("--requester", default="", metavar="NAME", help="Only what this person asked for.")
@click.option("--text", default="", metavar="TEXT", help="Only where this is in title, prompt, project or branch.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_obj
def list_tasks(connect: Callable[[], ApiClient], /, *, limit: int, as_json: bool, **query: str | None) -> None:
    """List the tasks that you may see, the youngest first."""
    with connect() as client:
        found = list(_pages(client, limit, query))
    if as_json:
        for one in found:
            click.echo(json.dumps(one))
    elif found:
        _print_table(found)
    else:
        click.echo("No tasks.", err=True)


@task.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="Print the task as JSON.")
@click.pass_obj
def show(connect: Callable[[], ApiClient], number: int, *, as_json: bool) -> None:
    """Show one task."""
    with connect() as client:
        _print(client.get(f"/tasks/{number}"), as_json=as_json)


@task.command()
@click.argument("number", type=click.IntRange(1))
@click.option("-f", "--follow", is_flag=True, help="Go on until the task has ended.")
@click.pass_obj
def logs(connect: Callable[[], ApiClient], number: int, *, follow: bool) -> None:
    """Print a task's log."""
    with connect() as client:
        if not follow:
            for text in client.text(f"/tasks/{number}/log"):
                click.echo(text, nl=False)
            return
        for name, data in _followed(client, f"/tasks/{number}/log"):
            if name == "line":
                click.echo(_plain(data["text"]))


@task.command()
@click.argument("number", type=click.IntRange(1))
@click.pass_obj
def cancel(connect: Callable[[], ApiClient], number: int) -> None:
    """End a task, its run, and what it spends."""
    with connect() as client:
        client.post(f"/tasks/{number}/cancel")
    click.echo(f"Task {number} is being cancelled.")


@task.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="Print the new task as JSON.")
@click.pass_obj
def retry(connect: Callable[[], ApiClient], number: int, *, as_json: bool) -> None:
    """Do once more what has ended, as a new task."""
    with connect() as client:
        _print(client.post(f"/tasks/{number}/retry"), as_json=as_json)


def _client(url: str | None, token: str | None) -> ApiClient:
    from operate.api_client import ApiClient

    if not url:
        raise click.UsageError("Where is Ablehand? Set ABLEHAND_PUBLIC_URL, or use --url before the command.")
    if token is None and sys.stdin.isatty():
        token = click.prompt("GitLab access token", hide_input=True, default="", show_default=False)
    return ApiClient(url, token or "")


def _wait(client: ApiClient, asked: dict[str, Any]) -> dict[str, Any]:
    for name, data in _followed(client, f"/tasks/{asked['id']}/events"):
        asked = data if name == "task" else asked
    return asked


def _followed(client: ApiClient, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield events until the last; a connection that breaks is made again, behind what was seen."""
    from operate.api_client import ApiError

    last, tried = "", 0
    while True:
        try:
            for name, data, event_id in client.events(path, last):
                last, tried = event_id or last, 0
                yield name, data
                if name == "end":
                    return
        except ApiError:
            if not last:
                raise
        tried += 1
        if tried > RECONNECTS:
            raise ApiError("Ablehand ends the stream again and again.")
        time.sleep(RECONNECT_SECONDS)


def _pages(client: ApiClient, limit: int, query: dict[str, str | None]) -> Iterator[dict[str, Any]]:
    cursor = ""
    while limit > 0:
        page = client.get(
            "/tasks", **{name: text or "" for name, text in query.items()}, limit=min(limit, MOST_LISTED), cursor=cursor
        )
        yield from page["tasks"]
        limit -= len(page["tasks"])
        cursor = page["next"] or ""
        if not cursor:
            return


def _print(one: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(one))
        return
    for name in _SHOWN:
        value = one[name]["username"] if name == "requester" else one[name]
        if value not in {None, ""}:
            click.echo(f"{name:18} {_plain(str(value))}")
    click.echo(f"\n{_plain(one['prompt'])}" if one["prompt"] else "")


def _print_table(found: list[dict[str, Any]]) -> None:
    rows = [["ID", "STATUS", "PROJECT", "ASKED BY", "CREATED", "WHAT"]]
    for one in found:
        what = one["title"] or one["prompt"]
        rows.append(
            [
                str(one["id"]),
                one["status"],
                one["repository"],
                one["requester"]["username"],
                one["created_at"][:16],
                what,
            ]
        )
    plain = [[_plain(" ".join(cell.split())) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in plain) for at in range(len(rows[0]) - 1)]
    for row in plain:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[-1][:60]]).rstrip())


def _plain(text: str) -> str:
    from core.plain_text import plain_line

    return "\n".join(plain_line(line) for line in text.split("\n"))
