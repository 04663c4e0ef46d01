"""The answers by which an API server refuses, in the words of a real one. Raised anywhere, sent by `rest`."""

from typing import Any

from simulators.kubernetes.resources import RESOURCES

Cause = dict[str, str]


class Refusal(Exception):
    """The API server answers this Status instead; `headers` go with it."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}
        self.headers: dict[str, str] = {}

    @property
    def status(self) -> dict[str, Any]:
        """Return the Status object that is sent."""
        status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        if self.details:
            status["details"] = self.details
        return status | {"code": self.code}


def not_found(resource: str, name: str) -> Refusal:
    """Return the 404 for one object, such as `jobs.batch "x" not found`."""
    return Refusal(404, "NotFound", f'{_qualified(resource)} "{name}" not found', _details(resource, name))


def no_such_path() -> Refusal:
    """Return the 404 for a path that no resource has."""
    return Refusal(404, "NotFound", "the server could not find the requested resource")


def already_exists(resource: str, name: str) -> Refusal:
    """Return the 409 of a second create."""
    return Refusal(409, "AlreadyExists", f'{_qualified(resource)} "{name}" already exists', _details(resource, name))


def conflict(resource: str, name: str, why: str = "") -> Refusal:
    """Return the 409 of a stale resourceVersion, or of a precondition that says *why*."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {_qualified(resource)} "{name}": {why}'
    return Refusal(409, "Conflict", message, _details(resource, name))


def forbidden(resource: str, name: str, why: str, causes: list[Cause] | None = None) -> Refusal:
    """Return the 403 of an admission check."""
    # Without a name the real words have no quotes: `pods is forbidden: …`.
    subject = f'{_qualified(resource)} "{name}"' if name else _qualified(resource)
    details = _details(resource, name) | ({"causes": causes} if causes else {})
    return Refusal(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def invalid(resource: str, name: str, causes: list[Cause]) -> Refusal:
    """Return the 422 of an object that does not validate; each cause comes from `field_error`."""
    kind = RESOURCES[resource]
    problems = [f"{cause['field']}: {cause['message']}" for cause in causes]
    told = problems[0] if len(problems) == 1 else "[" + ", ".join(problems) + "]"
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": causes}
    if not kind.group:
        del details["group"]
    return Refusal(422, "Invalid", f'{qualified} "{name}" is invalid: {told}', details)


def field_error(field: str, reason: str, message: str) -> Cause:
    """Return one cause of an `invalid`: *reason* such as FieldValueInvalid, *message* as the real one words it."""
    return {"reason": reason, "message": message, "field": field}


def bad_request(message: str) -> Refusal:
    """Return the 400 of a request that cannot be read."""
    return Refusal(400, "BadRequest", message)


def unauthorized() -> Refusal:
    """Return the 401 of an unknown token."""
    return Refusal(401, "Unauthorized", "Unauthorized")


def expired(message: str) -> Refusal:
    """Return the 410 of a resourceVersion or continue token that is too old."""
    return Refusal(410, "Expired", message)


def _qualified(resource: str) -> str:
    group = RESOURCES[resource].group
    return f"{resource}.{group}" if group else resource


def _details(resource: str, name: str) -> dict[str, Any]:
    details = {"name": name, "group": RESOURCES[resource].group, "kind": resource}
    return {key: value for key, value in details.items() if value}
