"""What a project says about its runs in `.ablehand.yml` on its default branch: so far, the image of its agent.

Whoever may merge there decides; the operator bounds it. The text is hostile: it is parsed as plain data, and every
value is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

import yaml

from core.errors import Refusal
from core.task import Reason

NAME: Final = ".ablehand.yml"
SIZE_LIMIT_BYTES: Final = 64 * 1024
_IMAGE: Final = re.compile(r"[a-z0-9][A-Za-z0-9._/:@-]{0,300}", re.ASCII)


def image_of(text: str, allowed: Iterable[str]) -> str:
    """Give the image that the project asks for; empty where it asks for none.

    Raises:
        Refusal: The file is no YAML mapping, or the image is no image's name or is not among *allowed* (globs).
    """
    try:
        values = yaml.safe_load(text) if len(text) <= SIZE_LIMIT_BYTES else None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Refusal(Reason.IMAGE, f"{NAME} is no YAML: {str(error)[:200]}") from None
    if not isinstance(values, dict | None) or len(text) > SIZE_LIMIT_BYTES:
        raise Refusal(Reason.IMAGE, f"{NAME} has to be a mapping of at most 64 KiB")
    image = (values or {}).get("image", "")
    if image == "":
        return ""
    if not isinstance(image, str) or not _IMAGE.fullmatch(image):
        raise Refusal(Reason.IMAGE, f"{str(image)[:200]!r} is no name of an image")
    if not any(fnmatchcase(image, pattern) for pattern in allowed):
        raise Refusal(Reason.IMAGE, f"{image} is not allowed here")
    return image
