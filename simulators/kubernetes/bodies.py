"""What the body and the query of a request say, decoded; and the answers' shapes. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import yaml

from simulators.kubernetes.deletion import Deletion, Propagation
from simulators.kubernetes.protobuf import CONTENT_TYPE, decode_protobuf
from simulators.kubernetes.refusals import Refusal, bad_request
from simulators.kubernetes.resources import RESOURCES

Object = dict[str, Any]
_POLICIES = ("Background", "Foreground", "Orphan")
_ORPHANS = (
    "child pods are preserved by default when jobs are deleted; "
    "set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning"
)
_BODY_TYPES = ("application/json", "application/yaml")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request apart from its path. `token` is that of its address; `user` is "" until it is known who asks."""

    token: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    user: str = ""

    def by(self, user: str) -> "Asked":
        """Return the same request, with who asks."""
        return replace(self, user=user)

    @property
    def accept(self) -> str:
        """Return what the client takes."""
        return self.headers.get("accept", "")

    @property
    def content_type(self) -> str:
        """Return the type of the body, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return "dryRun" in self.query


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of one piece."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, obj: Object, status: int = 200, *, warnings: tuple[str, ...] = ()) -> "Reply":
        """Return the answer that holds *obj*; each warning is one that kubectl shows."""
        headers = {"content-type": "application/json"}
        if warnings:
            headers["warning"] = ", ".join(f"299 - {json.dumps(warning)}" for warning in warnings)
        return cls(status, json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode(), headers)


def read_object(asked: Asked) -> Object:
    """Return the object in the body; refuse with 415 or 400 what is none."""
    kind = asked.content_type or "application/json"
    if kind == CONTENT_TYPE:
        return decode_protobuf(asked.body)
    if kind not in _BODY_TYPES:
        accepted = ", ".join((*_BODY_TYPES, CONTENT_TYPE))
        message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        raise Refusal(415, "UnsupportedMediaType", message)
    obj = decode(asked.body)
    if not isinstance(obj, dict):
        raise bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value")
    return obj


def decode(body: bytes) -> Any:
    """Return what the JSON or YAML in *body* stands for."""
    try:
        return json.loads(body) if body.lstrip()[:1] in (b"{", b"[") else yaml.safe_load(body)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None


def read_deletion(resource: str, asked: Asked) -> tuple[Deletion, Object, tuple[str, ...]]:
    """Return how to delete, the preconditions, and the warnings that a client gets."""
    options: Object = read_object(asked) if asked.body.strip() else {}
    policy = options.get("propagationPolicy") or asked.query.get("propagationPolicy")
    if policy is None and "orphanDependents" in options:
        policy = "Orphan" if options["orphanDependents"] else "Background"
    warnings: tuple[str, ...] = ()
    if policy is None and resource == "jobs":
        policy = "Orphan"
        warnings = (_ORPHANS,)
    if policy is not None and policy not in _POLICIES:
        raise bad_request(f'invalid DeleteOptions: propagationPolicy: Unsupported value: "{policy}"')
    grace = options.get("gracePeriodSeconds", asked.query.get("gracePeriodSeconds"))
    if grace is not None and not str(grace).isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{grace}": invalid syntax')
    deletion = Deletion(cast(Propagation, policy or "Background"), None if grace is None else int(grace))
    return deletion, options.get("preconditions") or {}, warnings


def success(resource: str, obj: Object) -> Object:
    """Return the Status that tells of a deletion."""
    meta = obj["metadata"]
    details = {"name": meta["name"], "group": RESOURCES[resource].group, "kind": resource, "uid": meta["uid"]}
    details = {key: value for key, value in details.items() if value}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
