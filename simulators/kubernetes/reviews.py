"""The reviews by which a client asks about itself: may I, what may I, who am I. Answered, never stored."""

from typing import Any

from simulators.kubernetes.access import Access, Wish
from simulators.kubernetes.refusals import bad_request

Object = dict[str, Any]


def review(resource: str, obj: Object, user: str, access: Access) -> Object:
    """Return *obj* with its status filled in."""
    if resource == "selfsubjectreviews":
        return obj | {"status": {"userInfo": {"username": user, "groups": ["system:authenticated"]}}}
    if resource == "selfsubjectrulesreviews":
        return obj | {"status": _rules(access, user, obj.get("spec", {}).get("namespace", ""))}
    return obj | {"status": _may(access, user, obj.get("spec", {}))}


def _may(access: Access, user: str, spec: Object) -> Object:
    asked = spec.get("resourceAttributes")
    if asked is None:
        if "nonResourceAttributes" not in spec:
            raise bad_request("exactly one of nonResourceAttributes or resourceAttributes must be specified")
        return {"allowed": spec["nonResourceAttributes"].get("path", "").startswith(("/api", "/version", "/healthz"))}
    resource = asked.get("resource", "")
    if asked.get("subresource"):
        resource += f"/{asked['subresource']}"
    wish = Wish(
        asked.get("verb", ""), asked.get("group", ""), resource, asked.get("namespace", ""), asked.get("name", "")
    )
    return {"allowed": access.allows(user, wish)}


def _rules(access: Access, user: str, namespace: str) -> Object:
    fields = ("verbs", "apiGroups", "resources", "resourceNames")
    rules = [{key: rule[key] for key in fields if key in rule} for rule in access.rules(user, namespace)]
    reviews = [
        {
            "verbs": ["create"],
            "apiGroups": ["authorization.k8s.io"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        },
        {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
    ]
    paths = [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
    ]
    return {
        "resourceRules": reviews + rules,
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": paths}],
        "incomplete": False,
    }
