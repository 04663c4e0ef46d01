"""Fill the templates: what every page needs, escaping on, and headers that let nothing run."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from simulators.gitlab.links import item_url, noun, project_url, reference
from simulators.gitlab.pages.markdown import emoji, render
from simulators.gitlab.records import Label, User
from simulators.gitlab.state.world import World

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_TONES = 8


class Pages:
    """The templates, and the world that they show."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"markdown": render, "emoji": emoji, "tone": _tone, "initials": _initials}
        self._environment.filters |= {"moment": _moment, "clock": _clock, "noun": noun, "reference": reference}
        self._environment.globals |= {
            "project_url": lambda project: project_url("", project),
            "item_url": lambda item: item_url("", item),
        }

    def page(self, template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
        """Return a page; its values are read under the world's lock."""
        with self.world.lock:
            people = sorted(self.world.users.values(), key=lambda user: (user.bot, user.id))
            text = self._environment.get_template(template).render(values, people=people)
        return HTMLResponse(text, status, HEADERS)


def _tone(thing: Label | User) -> int:
    """Return which of the style sheet's colours a label or an avatar has."""
    name = thing.name if isinstance(thing, Label) else thing.username
    return hashlib.sha256(name.encode()).digest()[0] % _TONES


def _initials(user: User) -> str:
    words = user.name.split() or [user.username]
    return "".join(word[0] for word in words[:2]).upper()


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"
