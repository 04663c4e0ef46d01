"""The simulated GitLab's pod, with a bucket beside it: made of our two images, so that the suite needs no third one.

The runtime image has git and Debian's Python, but no libraries; the other image has them, for the same Python. So an
init container copies them into a volume, and the main container runs from the runtime image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cluster.cluster import Object
from tests.cluster.options import Options

PORT = 8929
BUCKET_PORT = 9000
NAME = "gitlab"
NAMES = {"town.py": NAME, "bucket.py": "bucket"}
"""The containers', by the program that each runs."""
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}
_LABELS = {"app": NAME}
# Not by shutil: it would set the mode of the volume itself, which is root's.
_COPY = (
    "import subprocess, sysconfig; "
    "subprocess.run(['cp', '-r', sysconfig.get_path('purelib') + '/.', '/libraries'], check=True)"
)
_RESOURCES = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
_SECURITY: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def address(namespace: str, port: int = PORT) -> str:
    """Give the address by which pods reach it, without a slash at the end."""
    return f"http://{NAME}.{namespace}.svc.cluster.local:{port}"


def namespace_object(name: str) -> Object:
    """Give a namespace in which only restricted pods may run."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(RESTRICTED)}}


def objects(namespace: str, product: str, options: Options) -> list[Object]:
    """Give everything that it takes, in the order in which it is made; *product* is where people come back to."""
    here = Path(__file__).parent
    programs = {name: (here / name).read_text("utf-8") for name in (*NAMES, "agent.py")}
    ports = [{"name": f"port-{port}", "port": port, "targetPort": port} for port in (PORT, BUCKET_PORT)]
    return [
        _object("v1", "ConfigMap", namespace, data=programs),
        _object("v1", "Service", namespace, spec={"selector": _LABELS, "ports": ports}),
        _object("v1", "Pod", namespace, spec=_pod_spec(namespace, product, options)),
    ]


def _object(version: str, kind: str, namespace: str, **parts: Any) -> Object:
    metadata = {"name": NAME, "namespace": namespace, "labels": _LABELS}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


def _pod_spec(namespace: str, product: str, options: Options) -> Object:
    libraries = {"name": "libraries", "mountPath": "/libraries"}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 2,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 20000,
            "fsGroup": 20000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [
            {"name": "libraries", "emptyDir": {}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "town", "configMap": {"name": NAME}},
        ],
        "initContainers": [
            {
                "name": "libraries",
                "image": options.ablehand_image,
                "imagePullPolicy": options.pull_policy,
                "command": ["python3", "-c", _COPY],
                "volumeMounts": [libraries],
                "securityContext": _SECURITY,
                "resources": _RESOURCES,
            }
        ],
        "containers": [
            _container("town.py", PORT, options, {"TOWN_ADDRESS": address(namespace), "TOWN_PRODUCT": product}),
            _container("bucket.py", BUCKET_PORT, options, {}),
        ],
    }


def _container(program: str, port: int, options: Options, variables: dict[str, str]) -> Object:
    known = {
        "PYTHONPATH": "/libraries",
        "TOWN_FOLDER": "/tmp",  # noqa: S108 - a volume of the container's own
        "PORT": str(port),
        **variables,
    }
    return {
        "name": NAMES[program],
        "image": options.runtime_image,
        "imagePullPolicy": options.pull_policy,
        "command": ["python3", f"/town/{program}"],
        "env": [{"name": key, "value": value} for key, value in known.items()],
        "ports": [{"containerPort": port}],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        "volumeMounts": [
            {"name": "libraries", "mountPath": "/libraries", "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 - a volume of the container's own
            {"name": "town", "mountPath": "/town", "readOnly": True},
        ],
        "securityContext": _SECURITY,
        "resources": _RESOURCES,
    }
