"""LimitRanges: the resources that a namespace gives to containers which name none, and the bounds that it sets."""

from collections.abc import Iterator
from typing import Any

from simulators.kubernetes.container_rules import quantity
from simulators.kubernetes.objects import Objects
from simulators.kubernetes.refusals import forbidden

Object = dict[str, Any]


def apply_limit_ranges(objects: Objects, pod: Object) -> None:
    """Fill in what a Pod's containers leave out."""
    for limit in _limits(objects, pod):
        for container in _containers(pod):
            resources = container.setdefault("resources", {})
            for kind, given in (("limits", "default"), ("requests", "defaultRequest")):
                for name, amount in (limit.get(given) or {}).items():
                    resources.setdefault(kind, {}).setdefault(name, amount)


def check_limit_ranges(objects: Objects, pod: Object) -> None:
    """Refuse with 403 a Pod of which a container asks for more or less than the namespace allows."""
    found = [problem for limit in _limits(objects, pod) for problem in _problems(limit, pod)]
    if found:
        why = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        raise forbidden("pods", pod["metadata"]["name"], why)


def _limits(objects: Objects, pod: Object) -> Iterator[Object]:
    ranges, _ = objects.list("limitranges", pod["metadata"]["namespace"])
    for limit_range in ranges:
        yield from (limit for limit in limit_range["spec"]["limits"] if limit["type"] == "Container")


def _problems(limit: Object, pod: Object) -> Iterator[str]:
    for container in _containers(pod):
        resources = container.get("resources") or {}
        for name, most in (limit.get("max") or {}).items():
            asked = (resources.get("limits") or {}).get(name)
            if asked is None:
                yield f"maximum {name} usage per Container is {most}.  No limit is specified"
            elif quantity(asked) > quantity(most):
                yield f"maximum {name} usage per Container is {most}, but limit is {asked}"
        for name, least in (limit.get("min") or {}).items():
            asked = (resources.get("requests") or {}).get(name)
            if asked is None:
                yield f"minimum {name} usage per Container is {least}.  No request is specified"
            elif quantity(asked) < quantity(least):
                yield f"minimum {name} usage per Container is {least}, but request is {asked}"


def _containers(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
