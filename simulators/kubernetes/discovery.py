"""What the API says of itself: versions, groups and resources, both one by one and aggregated, as kubectl asks."""

from typing import Any

from simulators.kubernetes.resources import RESOURCES, Resource

Object = dict[str, Any]

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2",
    "gitCommit": "simulated",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.26",
    "compiler": "gc",
    "platform": "linux/amd64",
}
AGGREGATED = "g=apidiscovery.k8s.io"
AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def document(path: str, accept: str) -> Object | None:
    """Return what stands at *path*, or None where nothing does. Aggregated where *accept* asks for it."""
    parts = path.strip("/").split("/")
    if path.strip("/") == "version":
        return VERSION
    if parts in (["api"], ["apis"]) and AGGREGATED in accept and "v=v2;" in accept + ";":
        return _aggregated(core=parts == ["api"])
    return _plain(parts)


def is_aggregated(found: Object) -> bool:
    """Whether *found* is a document of the aggregated kind, which is sent with `AGGREGATED_TYPE`."""
    return found.get("kind") == "APIGroupDiscoveryList"


def _plain(parts: list[str]) -> Object | None:
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"]}
    if parts == ["apis"]:
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _groups()]}
    if parts == ["api", "v1"]:
        return _resource_list("", "v1")
    if parts[0] == "apis" and len(parts) == 2 and parts[1] in _groups():
        return {"kind": "APIGroup", "apiVersion": "v1"} | _group(parts[1])
    if parts[0] == "apis" and len(parts) == 3 and parts[1] in _groups() and parts[2] == "v1":
        return _resource_list(parts[1], "v1")
    return None


def _groups() -> list[str]:
    return list(dict.fromkeys(row.group for row in RESOURCES.values() if row.group))


def _group(name: str) -> Object:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resource_list(group: str, version: str) -> Object:
    rows = [row for row in RESOURCES.values() if row.group == group]
    listed = [entry for row in rows for entry in _listed(row)]
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _listed(row: Resource) -> list[Object]:
    entry: Object = {"name": row.name, "singularName": row.singular, "namespaced": row.namespaced, "kind": row.kind}
    entry["verbs"] = list(row.verbs)
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    return [entry, *(_listed_subresource(row, name) for name in row.subresources)]


def _listed_subresource(row: Resource, name: str) -> Object:
    return {
        "name": f"{row.name}/{name}",
        "singularName": "",
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": subresource_verbs(name),
    }


def subresource_verbs(name: str) -> list[str]:
    """Return what can be done with a subresource."""
    if name == "log":
        return ["get"]
    return ["get", "patch", "update"] if name == "status" else ["create"]


def _aggregated(*, core: bool) -> Object:
    groups = [""] if core else _groups()
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [_aggregated_group(name) for name in groups],
    }


def _aggregated_group(group: str) -> Object:
    rows = [row for row in RESOURCES.values() if row.group == group]
    version = {"version": "v1", "freshness": "Current", "resources": [_aggregated_row(row) for row in rows]}
    return {"metadata": {"name": group, "creationTimestamp": None}, "versions": [version]}


def _aggregated_row(row: Resource) -> Object:
    kind = {"group": row.group, "version": row.version, "kind": row.kind}
    entry: Object = {
        "resource": row.name,
        "responseKind": kind,
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": list(row.verbs),
    }
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    if row.subresources:
        entry["subresources"] = [
            {"subresource": name, "responseKind": kind, "verbs": subresource_verbs(name)} for name in row.subresources
        ]
    return entry
