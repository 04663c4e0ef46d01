"""Who asks, and whether they may: bearer tokens, and the Roles that RoleBindings give to ServiceAccounts.

kubectl sends no token over plain HTTP. So a token may also stand in the address, before the path that a real API
server has: `/as/TOKEN/api/v1/pods`.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulators.kubernetes.objects import Objects
from simulators.kubernetes.paths import RequestInfo
from simulators.kubernetes.refusals import Refusal, forbidden, unauthorized
from simulators.kubernetes.resources import RESOURCES

Object = dict[str, Any]

ADMIN = "kubernetes-admin"
ANONYMOUS = "system:anonymous"
PREFIX = "/as/"
_PUBLIC = ("/healthz", "/readyz", "/livez", "/version")
_DISCOVERY = ("/api", "/apis", "/openapi", *_PUBLIC)
_ANYBODY = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that somebody wants to do. `resource` has its subresource, as `pods/log`."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str = ""


def read_address(path: str) -> tuple[str, str]:
    """Return the token in a path, or "", and the path without it."""
    if not path.startswith(PREFIX):
        return "", path
    token, _, rest = path.removeprefix(PREFIX).partition("/")
    return token, f"/{rest}"


class Access:
    """The tokens of one server, and what its Roles allow. The admin may do everything."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._users: dict[str, str] = {}
        self.admin_token = self._mint(ADMIN)

    def token_of(self, namespace: str, name: str) -> str:
        """Return a new token of a ServiceAccount, which need not exist yet."""
        return self._mint(f"system:serviceaccount:{namespace}:{name}")

    def user(self, headers: Mapping[str, str], token: str = "") -> str:
        """Return who asks; refuse with 401 an unknown token. The admin may name another by Impersonate-User.

        *token* is that of the address, which counts where no header has one.
        """
        token = headers.get("authorization", "").removeprefix("Bearer ").strip() or token
        if not token:
            return ANONYMOUS
        user = self._users.get(token)
        if user is None:
            raise unauthorized()
        return headers.get("impersonate-user", user) if user == ADMIN else user

    def check(self, user: str, info: RequestInfo) -> None:
        """Refuse with 403 what *user* may not do."""
        if info.resource is None:
            allowed = _DISCOVERY if user != ANONYMOUS else _PUBLIC
            if user != ADMIN and not info.path.startswith(allowed):
                raise forbidden_path(user, info)
            return
        wish = Wish(info.verb, info.resource.group, _asked(info), info.namespace, info.name)
        if not self.allows(user, wish):
            raise forbidden(info.plural, info.name, why_not(user, wish))

    def allows(self, user: str, wish: Wish) -> bool:
        """Whether *user* may do *wish*."""
        if user == ADMIN or (user != ANONYMOUS and wish.resource in _ANYBODY):
            return True
        return any(_covers(rule, wish) for rule in self.rules(user, wish.namespace))

    def rules(self, user: str, namespace: str) -> Iterator[Object]:
        """Yield the rules of all Roles that are bound to *user* in *namespace*."""
        if user == ADMIN:
            yield {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
        bindings, _ = self._objects.list("rolebindings", namespace)
        for binding in bindings:
            reference = binding["roleRef"]
            if any(_is_user(subject, user, namespace) for subject in binding.get("subjects") or []):
                role = (
                    self._objects.find("roles", namespace, reference["name"]) if reference["kind"] == "Role" else None
                )
                yield from (role or {}).get("rules") or []

    def _mint(self, user: str) -> str:
        token = secrets.token_urlsafe(24)
        self._users[token] = user
        return token


def why_not(user: str, wish: Wish) -> str:
    """Return the words of a refusal."""
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    return f'User "{user}" cannot {wish.verb} resource "{wish.resource}" in API group "{wish.group}" {where}'


def forbidden_path(user: str, info: RequestInfo) -> Refusal:
    """Return the 403 for a path outside of the resources."""
    return Refusal(403, "Forbidden", f'forbidden: User "{user}" cannot {info.verb} path "{info.path}"')


def _asked(info: RequestInfo) -> str:
    return f"{info.plural}/{info.subresource}" if info.subresource else info.plural


def _is_user(subject: Object, user: str, namespace: str) -> bool:
    if subject["kind"] == "ServiceAccount":
        return user == f"system:serviceaccount:{subject.get('namespace', namespace)}:{subject['name']}"
    if subject["kind"] == "Group":
        parts = user.split(":")
        groups = {"system:authenticated"} if user != ANONYMOUS else {"system:unauthenticated"}
        if user.startswith("system:serviceaccount:"):
            groups |= {"system:serviceaccounts", f"system:serviceaccounts:{parts[2]}"}
        return subject["name"] in groups
    return bool(subject["name"] == user)


def _covers(rule: Object, wish: Wish) -> bool:
    subresource = wish.resource.partition("/")[2]
    resources = {"*", wish.resource} | ({f"*/{subresource}"} if subresource else set())
    names = rule.get("resourceNames")
    return (
        not {"*", wish.verb}.isdisjoint(rule["verbs"])
        and not {"*", wish.group}.isdisjoint(rule.get("apiGroups") or [])
        and not resources.isdisjoint(rule.get("resources") or [])
        and (not names or wish.name in names)
    )


def group_of(resource: str) -> str:
    """Return the API group of a resource, "" where it is unknown."""
    row = RESOURCES.get(resource.partition("/")[0])
    return row.group if row else ""
