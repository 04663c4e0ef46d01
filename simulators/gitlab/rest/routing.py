"""Find the function of a REST call: method and path, with `%2F` still undecoded, as GitLab routes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote

from simulators.gitlab.rest.call import Call

Action = Callable[[Call], Any]
"""Returns what becomes JSON, or a Starlette response of its own."""

A = TypeVar("A", bound=Action)


@dataclass(slots=True)
class Routes:
    """The routes of one noun. `{name}` matches one segment; a fixed segment wins over it if it is added first."""

    entries: list[tuple[str, tuple[str, ...], Action]] = field(default_factory=list)

    def get(self, path: str) -> Callable[[A], A]:
        """Answer GET on a path below `/api/v4`."""
        return self._route("GET", path)

    def post(self, path: str) -> Callable[[A], A]:
        """Answer POST on a path below `/api/v4`; the answer's status is 201."""
        return self._route("POST", path)

    def put(self, path: str) -> Callable[[A], A]:
        """Answer PUT on a path below `/api/v4`."""
        return self._route("PUT", path)

    def delete(self, path: str) -> Callable[[A], A]:
        """Answer DELETE on a path below `/api/v4`; the answer is an empty 204."""
        return self._route("DELETE", path)

    def _route(self, method: str, path: str) -> Callable[[A], A]:
        def register(action: A) -> A:
            self.entries.append((method, tuple(path.strip("/").split("/")), action))
            return action

        return register


class Table:
    """All routes of the API, looked up by method and number of segments."""

    def __init__(self, nouns: list[Routes]) -> None:
        self._routes: dict[tuple[str, int], list[tuple[tuple[str, ...], Action]]] = {}
        for noun in nouns:
            for method, segments, action in noun.entries:
                self._routes.setdefault((method, len(segments)), []).append((segments, action))

    def find(self, method: str, raw_path: str) -> tuple[Action, dict[str, str]] | None:
        """Return the action for a raw path and its decoded parameters; None where nothing matches."""
        segments = raw_path.strip("/").split("/")
        for pattern, action in self._routes.get((method, len(segments)), ()):
            parameters = {}
            for expected, given in zip(pattern, segments, strict=True):
                if expected.startswith("{"):
                    parameters[expected[1:-1]] = unquote(given)
                elif expected != given:
                    break
            else:
                return action, parameters
        return None
