"""The verbs that write: create, update, patch, delete and deletecollection, and the subresources that write."""

from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.kubernetes.access import Access
from simulators.kubernetes.apply import Applied
from simulators.kubernetes.bodies import Asked, Reply, decode, read_deletion, read_object, success
from simulators.kubernetes.disruptions import evict
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.patches import json_patch, merge
from simulators.kubernetes.paths import RequestInfo
from simulators.kubernetes.pod_security import warnings_for
from simulators.kubernetes.refusals import Refusal, bad_request, conflict, field_error, invalid
from simulators.kubernetes.resources import RESOURCES
from simulators.kubernetes.reviews import review
from simulators.kubernetes.schema import conform
from simulators.kubernetes.selectors import select
from simulators.kubernetes.strategic import strategic_merge

Object = dict[str, Any]
APPLY = "application/apply-patch+yaml"


class Writes:
    """Answers what changes the stored objects."""

    def __init__(self, objects: Objects, access: Access) -> None:
        self._objects = objects
        self._access = access
        self._applied = Applied()

    def create(self, info: RequestInfo, asked: Asked) -> Reply:
        """Store the body's object, or answer the review that it is."""
        if info.subresource:
            return self._create_subresource(info, asked)
        obj = read_object(asked)
        row = RESOURCES[info.plural]
        if not row.stored:
            return Reply.of(review(info.plural, obj, asked.user, self._access), 201)
        self._place(info, obj)
        return self._created(info, obj, dry_run=asked.dry_run)

    def update(self, info: RequestInfo, asked: Asked) -> Reply:
        """Store the body's state of an object, or only its status."""
        obj = read_object(asked)
        self._place(info, obj)
        if (named := obj["metadata"].get("name")) != info.name:
            raise bad_request(f"the name of the object ({named}) does not match the name on the URL ({info.name})")
        return self._updated(info, obj, dry_run=asked.dry_run)

    def patch(self, info: RequestInfo, asked: Asked) -> Reply:
        """Store what the body's patch makes of an object."""
        kind = asked.content_type
        patch = decode(asked.body)
        if kind == APPLY:
            return self._apply(info, asked, patch)
        target = self._objects.entry(info.plural, info.namespace, info.name).copy()
        if kind == "application/merge-patch+json":
            obj = merge(target, patch)
        elif kind == "application/strategic-merge-patch+json":
            obj = strategic_merge(target, patch)
        elif kind == "application/json-patch+json":
            obj = json_patch(target, patch)
        else:
            types = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
            message = f"the body of the request was in an unknown format - accepted media types include: {types}"
            raise Refusal(415, "UnsupportedMediaType", message)
        meta = obj.get("metadata") if isinstance(obj, dict) else None
        if not isinstance(meta, dict) or (meta.get("namespace", ""), meta.get("name")) != (info.namespace, info.name):
            raise bad_request("the name or namespace of the object does not match the one on the URL")
        return self._updated(info, obj, dry_run=asked.dry_run)

    def delete(self, info: RequestInfo, asked: Asked) -> Reply:
        """Delete one object; the answer is its last state while it is still there, and of a Pod."""
        deletion, preconditions, warnings = read_deletion(info.plural, asked)
        old = self._objects.get(info.plural, info.namespace, info.name)
        _check_preconditions(info, preconditions, old["metadata"])
        if asked.dry_run:
            return Reply.of(old)
        obj = self._objects.delete(info.plural, info.namespace, info.name, deletion)
        stays = self._objects.find(info.plural, info.namespace, info.name) is not None
        answer = obj if stays or info.plural == "pods" else success(info.plural, obj)
        return Reply.of(answer, warnings=warnings)

    def delete_collection(self, info: RequestInfo, asked: Asked) -> Reply:
        """Delete all chosen objects, and answer their last states."""
        deletion, _, warnings = read_deletion(info.plural, asked)
        chosen = select(info.plural, asked.query.get("labelSelector", ""), asked.query.get("fieldSelector", ""))
        entries = self._objects.entries(info.plural, info.namespace or None)
        doomed = [entry.obj for entry in entries if chosen is None or chosen(entry.obj)]
        for obj in doomed if not asked.dry_run else []:
            meta = obj["metadata"]
            self._objects.delete(info.plural, meta.get("namespace", ""), meta["name"], deletion)
        row = RESOURCES[info.plural]
        meta = {"resourceVersion": str(self._objects.version)}
        listed = {"kind": f"{row.kind}List", "apiVersion": row.api_version, "metadata": meta, "items": doomed}
        return Reply.of(listed, warnings=warnings)

    def _created(self, info: RequestInfo, obj: Object, *, dry_run: bool) -> Reply:
        conform(info.plural, obj)
        meta = obj["metadata"]
        if not meta.get("name") and not meta.get("generateName"):
            cause = field_error(
                "metadata.name", "FieldValueRequired", "Required value: name or generateName is required"
            )
            raise invalid(info.plural, "", [cause])
        if meta.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        if "status" in RESOURCES[info.plural].subresources:
            obj.pop("status", None)
        for name in ("uid", "creationTimestamp", "generation", "managedFields", "selfLink"):
            meta.pop(name, None)
        stored = self._objects.create(info.plural, obj, dry_run=dry_run)
        return Reply.of(stored, 201, warnings=warnings_for(self._objects, info.plural, stored))

    def _updated(self, info: RequestInfo, obj: Object, *, dry_run: bool) -> Reply:
        conform(info.plural, obj)
        obj["metadata"].pop("managedFields", None)
        old = self._objects.entry(info.plural, info.namespace, info.name)
        if info.subresource == "status":
            whole = old.copy()
            whole["status"] = obj.get("status", {})
            whole["metadata"]["resourceVersion"] = obj["metadata"].get("resourceVersion")
            obj = whole
        elif "status" in RESOURCES[info.plural].subresources:
            obj.pop("status", None)
            if "status" in old.obj:
                obj["status"] = old.copy()["status"]
        return Reply.of(self._objects.replace(info.plural, obj, dry_run=dry_run))

    def _apply(self, info: RequestInfo, asked: Asked, patch: Any) -> Reply:
        manager = asked.query.get("fieldManager", "")
        if not manager:
            raise bad_request("fieldManager is required for apply patch")
        found = self._objects.find(info.plural, info.namespace, info.name)
        if not isinstance(patch, dict):
            raise bad_request("error decoding YAML: json: cannot unmarshal into Go value of type map")
        self._place(info, patch)
        conform(info.plural, patch)
        key = (info.plural, info.namespace, info.name, manager)
        if found is None:
            reply = self._created(info, self._applied.first(key, patch), dry_run=asked.dry_run)
        else:
            target = self._objects.entry(info.plural, info.namespace, info.name).copy()
            reply = self._updated(info, self._applied.again(key, target, patch), dry_run=asked.dry_run)
        self._applied.remember(key, patch)
        return reply

    def _place(self, info: RequestInfo, obj: Object) -> None:
        # The official client for Python sends neither: the address says what it is.
        obj["kind"] = obj.get("kind") or RESOURCES[info.plural].kind
        obj["apiVersion"] = obj.get("apiVersion") or RESOURCES[info.plural].api_version
        meta = obj["metadata"] = obj.get("metadata") or {}
        if not isinstance(meta, dict):
            raise bad_request("json: cannot unmarshal into Go struct field ObjectMeta.metadata of type v1.ObjectMeta")
        if not RESOURCES[info.plural].namespaced:
            return
        if not info.namespace:
            raise bad_request("an empty namespace may not be set during creation")
        if meta.setdefault("namespace", info.namespace) != info.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")

    def _create_subresource(self, info: RequestInfo, asked: Asked) -> Reply:
        obj = read_object(asked)
        if info.subresource == "token":
            expiry = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._objects.get("serviceaccounts", info.namespace, info.name)
            token = {"token": self._access.token_of(info.namespace, info.name), "expirationTimestamp": expiry}
            return Reply.of(obj | {"status": token}, 201)
        if info.subresource == "eviction":
            evict(self._objects, info.namespace, info.name)
            done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
            return Reply.of(done, 201)
        raise Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def _check_preconditions(info: RequestInfo, preconditions: Object, meta: Object) -> None:
    for field, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        wanted = preconditions.get(field)
        if wanted is not None and wanted != meta[field]:
            why = f"Precondition failed: {word} in precondition: {wanted}, {word} in object meta: {meta[field]}"
            raise conflict(info.plural, info.name, why)
