"""The answers by which GitLab refuses, with its exact status and body. Raised anywhere, sent by `rest.routing`."""


class Refusal(Exception):
    """GitLab answers this instead; `body` is JSON-able."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def not_found(what: str = "Not found") -> Refusal:
    """Return a 404 that names what is missing, such as `Project Not Found`."""
    return Refusal(404, {"message": f"404 {what}"})


def forbidden() -> Refusal:
    """Return the 403 for a role that is too small."""
    return Refusal(403, {"message": "403 Forbidden"})


def unauthorized() -> Refusal:
    """Return the 401 for a missing or unknown token."""
    return Refusal(401, {"message": "401 Unauthorized"})


def bad_parameter(sentence: str) -> Refusal:
    """Return the 400 of the parameter check, such as `title is missing`."""
    return Refusal(400, {"error": sentence})


def invalid(**problems: list[str]) -> Refusal:
    """Return the 400 of a record that does not validate."""
    return Refusal(400, {"message": problems})
