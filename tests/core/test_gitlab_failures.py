"""How our calls to GitLab fail: what is tried again, what each answer means, and where the token never goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from core.errors import (
    GitLabConflict,
    GitLabDenied,
    GitLabError,
    GitLabNotFound,
    GitLabUnavailable,
    SettingsError,
    TokenRefused,
)
from core.gitlab.client import GitLab, connect
from core.settings import Settings
from core.task import Noteable, Place
from simulators.gitlab.faults import Outage
from tests.worker.town import Town


class _Listener(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Listener)
        self.server.headers.append(dict(self.headers))
        body = b'{"id": 1, "username": "mallory"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@pytest.fixture
def elsewhere() -> Iterator[_Listener]:
    """Give another host, which keeps the headers that it is sent."""
    with _Listener() as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        yield listener
        listener.shutdown()
        thread.join()


READS: dict[str, Callable[[GitLab, int], object]] = {
    "one": lambda gitlab, project: gitlab.issue(project, 1),
    "list": lambda gitlab, project: gitlab.notes(Noteable(project_id=project, place=Place.ISSUE, iid=1)),
}
each_read = pytest.mark.parametrize("read", READS.values(), ids=READS.keys())


@each_read
def test_a_read_survives_two_hiccups(town: Town, read: Callable[[GitLab, int], object]) -> None:
    """Two bad gateways and then an answer is an answer."""
    town.server.faults.answer("GET", "/issues/1", status=502, times=2)

    read(town.client(), town.project.id)

    assert [call.status for call in town.server.calls] == [502, 502, 200]


@each_read
def test_reads_are_bounded(town: Town, read: Callable[[GitLab, int], object]) -> None:
    """A GitLab that is down is asked three times."""
    town.server.faults.down = Outage.BAD_GATEWAY

    with pytest.raises(GitLabUnavailable):
        read(town.client(), town.project.id)

    assert len(town.server.calls) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_write_is_sent_once(town: Town, status: int) -> None:
    """What became of a write is for its caller to look up."""
    town.server.faults.answer("POST", "/notes$", status=status, times=5, headers={"Retry-After": "60"})

    with pytest.raises(GitLabUnavailable, match=f"create_note: {status}"):
        town.client().create_note(town.place, "Hello")

    assert town.count("POST", "/notes") == 1


def test_a_write_whose_answer_is_lost_is_sent_once(town: Town) -> None:
    """The comment is there, and the caller is told that nobody knows."""
    town.server.faults.drop_answer("POST", "/notes$")

    with pytest.raises(GitLabUnavailable):
        town.client().create_note(town.place, "Hello")

    assert town.bodies() == ["Hello"]


@pytest.mark.parametrize(
    ("status", "kind", "calls"),
    [
        (400, GitLabError, 1), (401, TokenRefused, 1), (403, GitLabDenied, 1), (404, GitLabNotFound, 1),
        (409, GitLabConflict, 1), (422, GitLabError, 1), (429, GitLabUnavailable, 3), (500, GitLabUnavailable, 3),
        (504, GitLabUnavailable, 3),
    ],
)  # fmt: skip
def test_each_refusal_has_its_class(town: Town, status: int, kind: type[GitLabError], calls: int) -> None:
    """The message names the call, the status and GitLab's words, and holds no token."""
    town.server.faults.answer("GET", "/issues/1$", status=status, times=9, body='{"message": "no\\n  way"}')

    with pytest.raises(GitLabError) as caught:
        town.client().issue(town.project.id, 1)

    assert type(caught.value) is kind
    assert str(caught.value) == f"issue: {status} no way"
    assert len(town.server.calls) == calls


def test_a_closed_connection_is_no_answer(town: Town) -> None:
    """A GitLab that hangs up is unavailable, and the message has no token."""
    town.server.faults.down = Outage.CLOSED

    with pytest.raises(GitLabUnavailable) as caught:
        town.client().issue(town.project.id, 1)

    assert town.token not in str(caught.value)


def test_a_slow_gitlab_is_no_answer(town: Town) -> None:
    """A read that takes longer than the limit is tried again, and then given up."""
    town.server.faults.delay("GET", "/issues/1$", seconds=1, times=3)

    with pytest.raises(GitLabUnavailable, match="issue: "):
        town.client(timeout_seconds=0.05).issue(town.project.id, 1)


GARBAGE = {
    "broken": ("{not JSON", "application/json"),
    "page": ("<html>Sign in</html>", "text/html"),
    "null": ("null", "application/json"),
    "number": ("17", "application/json"),
    "empty": ("", "application/json"),
    "wrong-fields": ('{"iid": {}}', "application/json"),
    "no-fields": ("{}", "application/json"),
}
each_garbage = pytest.mark.parametrize(("body", "kind"), GARBAGE.values(), ids=GARBAGE.keys())


@each_garbage
@each_read
def test_garbage_is_no_answer(town: Town, read: Callable[[GitLab, int], object], body: str, kind: str) -> None:
    """A proxy's page or half an object under status 200 means that GitLab is not well."""
    town.server.faults.answer("GET", "/issues/1", status=200, times=9, body=body, headers={"content-type": kind})

    with pytest.raises(GitLabUnavailable):
        read(town.client(), town.project.id)


@each_garbage
def test_garbage_after_a_write_is_no_answer(town: Town, body: str, kind: str) -> None:
    """Nobody knows what became of that write."""
    town.server.faults.answer("POST", "/merge_requests", status=201, body=body, headers={"content-type": kind})

    with pytest.raises(GitLabUnavailable):
        town.client().create_merge_request(town.project.id, {})


def test_a_redirect_elsewhere_gets_no_token(town: Town, elsewhere: _Listener) -> None:
    """The other host sees the request, and neither header nor query that would let it in."""
    headers = {"Location": f"{elsewhere.url}/api/v4/user"}
    town.server.faults.answer("GET", "/user$", status=302, headers=headers)

    town.client().me()

    assert len(elsewhere.headers) == 1
    assert town.token not in str(elsewhere.headers)


def test_a_next_page_elsewhere_gets_no_token(town: Town, elsewhere: _Listener) -> None:
    """A list's link to the next page does not lead the token to another host."""
    link = f'<{elsewhere.url}/api/v4/projects?page=2>; rel="next"'
    town.server.faults.answer("GET", "/projects$", status=200, body='[{"id": 1}]', headers={"Link": link})

    town.client().memberships()

    assert town.token not in str(elsewhere.headers)


def test_without_an_address_nothing_is_asked() -> None:
    """An empty address is not silently gitlab.com, which would get our token."""
    with pytest.raises(SettingsError, match="ABLEHAND_GITLAB_URL"):
        connect(Settings.model_validate({"gitlab_token": "glpat-canary-canary-canary"}))
