"""The simulated GitLab's pod: made of our two images, so that the suite needs no third one.

The runtime image has git and Debian's Python, but no libraries; the other image has them, for the same Python. So an
init container copies them into a volume, and the main container runs from the runtime image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cluster.cluster import Object
from tests.cluster.options import Options

PORT = 8929
NAME = "gitlab"
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


def address(namespace: str) -> str:
    """Give the address by which pods reach it, without a slash at the end."""
    return f"http://{NAME}.{namespace}.svc.cluster.local:{PORT}"


def namespace_object(name: str) -> Object:
    """Give a namespace in which only restricted pods may run."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(RESTRICTED)}}


def objects(namespace: str, options: Options) -> list[Object]:
    """Give everything that it takes, in the order in which it is made."""
    here = Path(__file__).parent
    programs = {name: (here / name).read_text("utf-8") for name in ("town.py", "agent.py")}
    service = {"selector": _LABELS, "ports": [{"port": PORT, "targetPort": PORT}]}
    return [
        _object("v1", "ConfigMap", namespace, data=programs),
        _object("v1", "Service", namespace, spec=service),
        _object("v1", "Pod", namespace, spec=_pod_spec(namespace, options)),
    ]


def _object(version: str, kind: str, namespace: str, **parts: Any) -> Object:
    metadata = {"name": NAME, "namespace": namespace, "labels": _LABELS}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


def _pod_spec(namespace: str, options: Options) -> Object:
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
        "containers": [_container(namespace, options, libraries)],
    }


def _container(namespace: str, options: Options, libraries: Object) -> Object:
    variables = {
        "PYTHONPATH": "/libraries",
        "TOWN_FOLDER": "/tmp",  # noqa: S108 - a volume of the container's own
        "TOWN_ADDRESS": address(namespace),
        "TOWN_PORT": str(PORT),
    }
    return {
        "name": NAME,
        "image": options.runtime_image,
        "imagePullPolicy": options.pull_policy,
        "command": ["python3", "/town/town.py"],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [
            {**libraries, "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 - a volume of the container's own
            {"name": "town", "mountPath": "/town", "readOnly": True},
        ],
        "securityContext": _SECURITY,
        "resources": _RESOURCES,
    }
