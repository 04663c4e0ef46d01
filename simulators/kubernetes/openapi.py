"""The OpenAPI documents, as far as kubectl reads them: which requests take `fieldValidation`.

So it need not check a manifest itself. There are no schemas here: what is sent is checked by `schema`.
"""

from typing import Any

from simulators.kubernetes.resources import RESOURCES, Resource

Object = dict[str, Any]
_PREFIX = "openapi/v3"
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def openapi(path: str) -> Object | None:
    """Return the document at *path*, or None where there is none."""
    stripped = path.strip("/")
    if stripped == _PREFIX:
        versions = dict.fromkeys(_version_path(row) for row in RESOURCES.values())
        return {"paths": {name: {"serverRelativeURL": f"/{_PREFIX}/{name}?hash=1"} for name in versions}}
    rows = [row for row in RESOURCES.values() if f"{_PREFIX}/{_version_path(row)}" == stripped]
    return _document(rows) if rows else None


def _document(rows: list[Resource]) -> Object:
    paths: Object = {}
    for row in rows:
        collection = f"/{_version_path(row)}/{'namespaces/{namespace}/' if row.namespaced else ''}{row.name}"
        kind = {"group": row.group, "version": row.version, "kind": row.kind}
        paths[collection] = {"post": _operation("post", kind)}
        if row.stored:
            paths[f"{collection}/{{name}}"] = {"patch": _operation("patch", kind), "put": _operation("put", kind)}
    information = {"title": "Kubernetes", "version": "v1.36.2"}
    return {"openapi": "3.0.0", "info": information, "paths": paths, "components": {"schemas": {}}}


def _operation(verb: str, kind: Object) -> Object:
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS]
    return {
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": kind,
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
    }


def _version_path(row: Resource) -> str:
    return f"apis/{row.api_version}" if row.group else f"api/{row.version}"
