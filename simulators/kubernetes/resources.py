"""The table of what exists in the simulated API: one row a resource. The plural name is the key everywhere."""

from dataclasses import dataclass

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Resource:
    """One row: what discovery tells of a resource, and what the store must know of it."""

    name: str
    kind: str
    group: str = ""
    version: str = "v1"
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS

    @property
    def api_version(self) -> str:
        """Return what objects name as their apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """Return the name for one object."""
        return self.kind.lower()

    @property
    def stored(self) -> bool:
        """Whether objects of it are kept; a review is only answered."""
        return "get" in self.verbs


_TABLE = (
    Resource("namespaces", "Namespace", short_names=("ns",), namespaced=False, subresources=("status", "finalize")),
    Resource("nodes", "Node", short_names=("no",), namespaced=False, subresources=("status",)),
    Resource(
        "pods",
        "Pod",
        short_names=("po",),
        subresources=("status", "log", "eviction", "binding"),
        categories=("all",),
    ),
    Resource("secrets", "Secret"),
    Resource("configmaps", "ConfigMap", short_names=("cm",)),
    Resource("services", "Service", short_names=("svc",), subresources=("status",), categories=("all",)),
    Resource("serviceaccounts", "ServiceAccount", short_names=("sa",), subresources=("token",)),
    Resource("events", "Event", short_names=("ev",)),
    Resource("resourcequotas", "ResourceQuota", short_names=("quota",), subresources=("status",)),
    Resource("limitranges", "LimitRange", short_names=("limits",)),
    Resource("persistentvolumeclaims", "PersistentVolumeClaim", short_names=("pvc",), subresources=("status",)),
    Resource("jobs", "Job", "batch", subresources=("status",), categories=("all",)),
    Resource(
        "deployments",
        "Deployment",
        "apps",
        short_names=("deploy",),
        subresources=("status",),
        categories=("all",),
    ),
    Resource(
        "statefulsets",
        "StatefulSet",
        "apps",
        short_names=("sts",),
        subresources=("status",),
        categories=("all",),
    ),
    Resource("roles", "Role", "rbac.authorization.k8s.io"),
    Resource("rolebindings", "RoleBinding", "rbac.authorization.k8s.io"),
    Resource("networkpolicies", "NetworkPolicy", "networking.k8s.io", short_names=("netpol",)),
    Resource("ingresses", "Ingress", "networking.k8s.io", short_names=("ing",), subresources=("status",)),
    Resource("poddisruptionbudgets", "PodDisruptionBudget", "policy", short_names=("pdb",), subresources=("status",)),
    Resource("endpointslices", "EndpointSlice", "discovery.k8s.io"),
    Resource("priorityclasses", "PriorityClass", "scheduling.k8s.io", short_names=("pc",), namespaced=False),
    Resource("runtimeclasses", "RuntimeClass", "node.k8s.io", namespaced=False),
    Resource(
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        "authorization.k8s.io",
        namespaced=False,
        verbs=("create",),
    ),
    Resource(
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
        "authorization.k8s.io",
        namespaced=False,
        verbs=("create",),
    ),
    Resource("selfsubjectreviews", "SelfSubjectReview", "authentication.k8s.io", namespaced=False, verbs=("create",)),
)

RESOURCES: dict[str, Resource] = {resource.name: resource for resource in _TABLE}

BY_PATH: dict[tuple[str, str, str], Resource] = {(row.group, row.version, row.name): row for row in _TABLE}
"""The same rows by group, version and plural name, as a path names them."""
