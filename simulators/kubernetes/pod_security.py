"""Pod Security Admission: what the level in a namespace's labels forbids its Pods, in the words of the real one."""

from collections.abc import Callable, Iterator
from typing import Any

from simulators.kubernetes.objects import Objects
from simulators.kubernetes.refusals import forbidden

Object = dict[str, Any]
Finding = str

_LABEL = "pod-security.kubernetes.io/"
_TEMPLATED = ("jobs", "deployments", "statefulsets")
_SAFE_VOLUMES = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
)


def check_pod_security(objects: Objects, pod: Object) -> None:
    """Refuse with 403 a Pod that its namespace does not allow."""
    meta = pod["metadata"]
    level, version = _policy(objects, meta["namespace"], "enforce")
    findings = list(_findings(level, pod["spec"]))
    if findings:
        why = f'violates PodSecurity "{level}:{version}": {", ".join(findings)}'
        raise forbidden("pods", meta["name"], why)


def warnings_for(objects: Objects, resource: str, obj: Object) -> tuple[str, ...]:
    """Return what a client is warned of whose *obj* would make Pods that its namespace does not allow."""
    if resource not in _TEMPLATED:
        return ()
    namespace = obj["metadata"]["namespace"]
    level, version = _policy(objects, namespace, "warn")
    if level == "privileged":
        # Without a level of its own, warnings follow what is enforced.
        level, version = _policy(objects, namespace, "enforce")
    findings = list(_findings(level, obj["spec"]["template"]["spec"]))
    return (f'would violate PodSecurity "{level}:{version}": {", ".join(findings)}',) if findings else ()


def _policy(objects: Objects, namespace: str, mode: str) -> tuple[str, str]:
    found = objects.find("namespaces", "", namespace) or {"metadata": {}}
    labels = found["metadata"].get("labels") or {}
    return labels.get(_LABEL + mode, "privileged"), labels.get(f"{_LABEL}{mode}-version", "latest")


def _findings(level: str, spec: Object) -> Iterator[Finding]:
    if level in ("baseline", "restricted"):
        yield from _host_namespaces(spec)
        yield from _privileged(spec)
        yield from _host_ports(spec)
    if level == "baseline":
        yield from _host_paths(spec)
    if level == "restricted":
        yield from _escalation(spec)
        yield from _capabilities(spec)
        yield from _volume_types(spec)
        yield from _root(spec)
        yield from _seccomp(spec)


def _host_namespaces(spec: Object) -> Iterator[Finding]:
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    if found:
        yield f"host namespaces ({', '.join(found)})"


def _privileged(spec: Object) -> Iterator[Finding]:
    if names := _those(spec, lambda context: context.get("privileged") is True):
        yield f"privileged ({names} must not set securityContext.privileged=true)"


def _host_ports(spec: Object) -> Iterator[Finding]:
    bad = [one for one in _containers(spec) if any(port.get("hostPort") for port in one.get("ports") or [])]
    if bad:
        ports = sorted({port["hostPort"] for one in bad for port in one["ports"] if port.get("hostPort")})
        word = "hostPort" if len(ports) == 1 else "hostPorts"
        yield f"{word} ({_named(bad)} uses {word} {', '.join(map(str, ports))})"


def _host_paths(spec: Object) -> Iterator[Finding]:
    names = [f'"{volume["name"]}"' for volume in spec.get("volumes") or [] if volume.get("hostPath")]
    if names:
        yield f"hostPath volumes ({'volume' if len(names) == 1 else 'volumes'} {', '.join(names)})"


def _escalation(spec: Object) -> Iterator[Finding]:
    if names := _those(spec, lambda context: context.get("allowPrivilegeEscalation") is not False):
        yield (f"allowPrivilegeEscalation != false ({names} must set securityContext.allowPrivilegeEscalation=false)")


def _capabilities(spec: Object) -> Iterator[Finding]:
    drops = _those(spec, lambda context: "ALL" not in ((context.get("capabilities") or {}).get("drop") or []))
    adds = _those(spec, lambda context: bool(_added(context)))
    parts = [f'{drops} must set securityContext.capabilities.drop=["ALL"]'] if drops else []
    if adds:
        every = sorted({name for one in _containers(spec) for name in _added(one.get("securityContext") or {})})
        listed = ", ".join(f'"{name}"' for name in every)
        parts.append(f"{adds} must not include {listed} in securityContext.capabilities.add")
    if parts:
        yield f"unrestricted capabilities ({'; '.join(parts)})"


def _added(context: Object) -> set[str]:
    return set((context.get("capabilities") or {}).get("add") or []) - {"NET_BIND_SERVICE"}


def _volume_types(spec: Object) -> Iterator[Finding]:
    bad: dict[str, list[str]] = {}
    for volume in spec.get("volumes") or []:
        for kind in set(volume) - {"name", *_SAFE_VOLUMES}:
            bad.setdefault(kind, []).append(f'"{volume["name"]}"')
    for kind, names in sorted(bad.items()):
        word = "volume" if len(names) == 1 else "volumes"
        yield f'restricted volume types ({word} {", ".join(names)} uses restricted volume type "{kind}")'


def _root(spec: Object) -> Iterator[Finding]:
    pod = spec.get("securityContext") or {}
    unset = _those(
        spec,
        lambda context: (
            context.get("runAsNonRoot") is False
            or (context.get("runAsNonRoot") is None and pod.get("runAsNonRoot") is not True)
        ),
    )
    if unset:
        yield f"runAsNonRoot != true (pod or {unset} must set securityContext.runAsNonRoot=true)"
    roots = _those(spec, lambda context: context.get("runAsUser") == 0)
    if pod.get("runAsUser") == 0:
        roots = f"pod and {roots}" if roots else "pod"
    if roots:
        yield f"runAsUser=0 ({roots} must not set runAsUser=0)"


def _seccomp(spec: Object) -> Iterator[Finding]:
    allowed = ("RuntimeDefault", "Localhost")
    pod = ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type")
    unset = _those(spec, lambda context: ((context.get("seccompProfile") or {}).get("type") or pod) not in allowed)
    if unset:
        profiles = '"RuntimeDefault" or "Localhost"'
        yield f"seccompProfile (pod or {unset} must set securityContext.seccompProfile.type to {profiles})"


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("initContainers") or []), *spec["containers"]]


def _those(spec: Object, test: Callable[[Object], bool]) -> str:
    return _named([one for one in _containers(spec) if test(one.get("securityContext") or {})])


def _named(containers: list[Object]) -> str:
    if not containers:
        return ""
    names = ", ".join(f'"{one["name"]}"' for one in containers)
    return f"{'container' if len(containers) == 1 else 'containers'} {names}"
