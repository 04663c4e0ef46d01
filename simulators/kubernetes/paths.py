"""What a request is about, read from its method and path as the API server reads it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.kubernetes.resources import BY_PATH, Resource

_ONE = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_MANY = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """One request. `resource` is None for a path outside of the resources; `namespace` is "" for all or for none."""

    verb: str
    path: str
    resource: Resource | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def plural(self) -> str:
        """Return the resource's plural name, or ""."""
        return self.resource.name if self.resource else ""


def read_path(method: str, path: str, query: Mapping[str, str]) -> RequestInfo:
    """Return what the request asks for; an unknown resource has none."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        return _resource_request(method, path, "", parts[1:], query)
    if parts[0] == "apis" and len(parts) > 3:
        return _resource_request(method, path, parts[1], parts[2:], query)
    return RequestInfo(method.lower(), path)


def _resource_request(method: str, path: str, group: str, parts: list[str], query: Mapping[str, str]) -> RequestInfo:
    version, rest, namespace = parts[0], parts[1:], ""
    # /namespaces/NAME/pods is of a namespace, while /namespaces/NAME and /namespaces/NAME/status are the namespace.
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = BY_PATH.get((group, version, rest[0]))
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if resource is None or len(rest) > 3 or (subresource and subresource not in resource.subresources):
        return RequestInfo(method.lower(), path)
    verb = (_ONE if name else _MANY).get(method, method.lower())
    if verb == "list" and query.get("watch") in ("true", "1"):
        verb = "watch"
    return RequestInfo(verb, path, resource, namespace, name, subresource)
