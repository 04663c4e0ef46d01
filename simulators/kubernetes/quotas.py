"""ResourceQuotas: what a namespace may hold in all, counted afresh at each create from what is there."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from simulators.kubernetes.container_rules import quantity
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.refusals import Refusal, forbidden
from simulators.kubernetes.resources import RESOURCES

Object = dict[str, Any]
Amounts = dict[str, Decimal]

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_ALIASES = {name: f"requests.{name}" for name in _COMPUTE}
_BINARY = (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))
REFRESH_SECONDS = 0.2


def check_quota(objects: Objects, resource: str, obj: Object) -> None:
    """Refuse with 403 an object that its namespace has no room for."""
    name, namespace = obj["metadata"]["name"], obj["metadata"]["namespace"]
    quotas, _ = objects.list("resourcequotas", namespace)
    for quota in quotas:
        hard = (quota.get("spec") or {}).get("hard") or {}
        if resource == "pods":
            _refuse_unsaid(quota, hard, obj)
        wanted = {key: amount for key, amount in _usage(resource, obj).items() if key in hard}
        used = count_used(objects, namespace, wanted) if wanted else {}
        over = [key for key in sorted(wanted) if wanted[key] and used[key] + wanted[key] > quantity(hard[key])]
        if over:
            told = (
                ("requested", {key: wanted[key] for key in over}),
                ("used", {key: used[key] for key in over}),
            )
            words = ", ".join(f"{word}: {_shown(amounts)}" for word, amounts in told)
            limited = ",".join(f"{key}={hard[key]}" for key in over)
            why = f"exceeded quota: {quota['metadata']['name']}, {words}, limited: {limited}"
            raise forbidden(resource, name, why)


def count_used(objects: Objects, namespace: str, names: Iterable[str]) -> Amounts:
    """Return how much of each quota resource in *names* is used in *namespace*."""
    wanted = set(names)
    used = dict.fromkeys(wanted, Decimal(0))
    for resource in {_resource_of(name) for name in wanted} - {""}:
        for obj in objects.list(resource, namespace)[0]:
            for key, amount in _usage(resource, obj).items():
                if key in wanted:
                    used[key] += amount
    return used


async def keep_quotas(objects: Objects) -> None:
    """Write what is used into the status of every quota, soon after it changes. Ends when it is cancelled."""
    seen = 0
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        if seen == objects.version:
            continue
        seen = objects.version
        for quota in objects.list("resourcequotas", None)[0]:
            _refresh(objects, quota)


def _refresh(objects: Objects, quota: Object) -> None:
    meta, hard = quota["metadata"], (quota.get("spec") or {}).get("hard") or {}
    used = {name: show(name, amount) for name, amount in count_used(objects, meta["namespace"], hard).items()}
    status = {"hard": hard, "used": used}
    if quota.get("status") != status:
        objects.change("resourcequotas", meta["namespace"], meta["name"], lambda obj: obj.update(status=status))


def show(name: str, amount: Decimal) -> str:
    """Return an amount as a quota writes it: `1500m`, `2Gi`, `3`."""
    if name.endswith("cpu"):
        return str(int(amount)) if amount == int(amount) else f"{int(amount * 1000)}m"
    for suffix, size in _BINARY:
        if amount and amount % size == 0:
            return f"{int(amount / size)}{suffix}"
    return str(int(amount))


def _shown(amounts: Amounts) -> str:
    return ",".join(f"{name}={show(name, amount)}" for name, amount in amounts.items())


def _refuse_unsaid(quota: Object, hard: Object, pod: Object) -> None:
    unsaid = []
    for name in sorted(hard):
        kind, _, what = _ALIASES.get(name, name).partition(".")
        if kind not in ("requests", "limits") or what not in _COMPUTE:
            continue
        bare = [one["name"] for one in _containers(pod) if what not in ((one.get("resources") or {}).get(kind) or {})]
        if bare:
            unsaid.append(f"{name} for: {','.join(sorted(bare))}")
    if unsaid:
        why = f"failed quota: {quota['metadata']['name']}: must specify {'; '.join(unsaid)}"
        raise forbidden("pods", pod["metadata"]["name"], why)


def _usage(resource: str, obj: Object) -> Amounts:
    group = RESOURCES[resource].group
    usage = {resource: Decimal(1), f"count/{resource}{'.' if group else ''}{group}": Decimal(1)}
    if resource != "pods":
        return usage
    if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        # An ended Pod holds no resources, but is still counted as an object.
        return {"count/pods": Decimal(1)}
    for kind in ("requests", "limits"):
        for what in _COMPUTE:
            usage[f"{kind}.{what}"] = _pod_amount(obj, kind, what)
    return usage | {alias: usage[name] for alias, name in _ALIASES.items()}


def _pod_amount(pod: Object, kind: str, what: str) -> Decimal:
    together = sum((_amount(one, kind, what) for one in pod["spec"]["containers"]), Decimal(0))
    # Init containers run one after the other: the largest counts.
    return max([together, *(_amount(one, kind, what) for one in pod["spec"].get("initContainers") or [])])


def _amount(container: Object, kind: str, what: str) -> Decimal:
    value = ((container.get("resources") or {}).get(kind) or {}).get(what)
    try:
        return Decimal(0) if value is None else Decimal(quantity(value))
    except Refusal:
        return Decimal(0)


def _containers(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _resource_of(name: str) -> str:
    counted = name.removeprefix("count/").partition(".")[0]
    if counted in RESOURCES and (name.startswith("count/") or counted == name):
        return counted
    return "pods" if _ALIASES.get(name, name).startswith(("requests.", "limits.")) else ""
