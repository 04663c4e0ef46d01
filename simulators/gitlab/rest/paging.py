"""Cut a list into pages and say so in GitLab's headers."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.responses import JSONResponse, Response

from simulators.gitlab.rest.call import Call

T = TypeVar("T")
LARGEST_PAGE = 100


def page_of(call: Call, items: Sequence[T], view: Callable[[T], object]) -> Response:
    """Return the page that the caller asks for; only what is on it is turned into JSON."""
    page = max(1, call.number("page", 1))
    size = min(LARGEST_PAGE, max(1, call.number("per_page", 20)))
    pages = max(1, -(-len(items) // size))
    shown = items[(page - 1) * size : page * size]
    following = page + 1 if page < pages else None
    earlier = page - 1 if page > 1 else None
    links = [("prev", earlier), ("next", following), ("first", 1), ("last", pages)]
    headers = {
        "X-Page": str(page),
        "X-Per-Page": str(size),
        "X-Next-Page": str(following or ""),
        "X-Prev-Page": str(earlier or ""),
        "X-Total": str(len(items)),
        "X-Total-Pages": str(pages),
        "Link": ", ".join(f'<{_url_of(call.url, number, size)}>; rel="{name}"' for name, number in links if number),
    }
    return JSONResponse([view(item) for item in shown], headers=headers)


def _url_of(url: str, page: int, size: int) -> str:
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("page", "per_page")]
    query += [("page", str(page)), ("per_page", str(size))]
    return urlunsplit(parts._replace(query=urlencode(query)))
