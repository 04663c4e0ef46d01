"""A run as Kubernetes objects: one Job, one Secret that the Job owns. Pure: the same request gives the same manifests.

The operator's pod template comes first and what every run must be is laid over it. Neither the prompt nor a secret is
in the Job, which many may read: both are in the Secret, each key for the container that it is meant for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.errors import ExecutorError
from core.reasons import Reason
from runtime.contract import (
    AGENT_VARIABLES_VARIABLE,
    CACHE_VARIABLE,
    GIT_TOKEN_VARIABLE,
    IMAGE_VARIABLE,
    MCP_VARIABLES_VARIABLE,
    RUN_VARIABLE,
    Step,
)
from worker.executors.kubernetes import layout
from worker.executors.kubernetes.container_rules import merged_resources
from worker.executors.kubernetes.labels import SPEC_HASH, run_annotations, run_labels
from worker.executors.kubernetes.template import PodTemplate
from worker.executors.protocol import RunRequest

START_TIMEOUT_SECONDS: Final = 1800
SLACK_SECONDS: Final = 60
"""Between the pod's deadline, which keeps the pod and its log, and the Job's, which deletes them; the reconciler's is
the latest (`worker.orders.overdue_seconds`)."""
GRACE_SECONDS: Final = 5
"""Between TERM and KILL, all of it for a container that has just begun; a cancel has to be done within 30 s."""
KEPT_SECONDS: Final = 86_400
"""How long an ended Job stays, if nobody removes it: longer than any outage of ours."""
ORDER_LIMIT_BYTES: Final = 900_000
"""A Secret holds 1 MiB."""
_STEPS_AT_FIRST: Final = (Step.PREPARE, Step.AGENT)
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}")
_UNREACHABLE: Final = "node.kubernetes.io/unreachable"
_ANNOTATIONS: Final = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
    # Else `kubectl logs` asks for publish, which has none until the end.
    "kubectl.kubernetes.io/default-container": Step.AGENT.value,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where and on what runs are put: the operator's choice, the same for every run."""

    namespace: str
    installation: str = "ablehand"
    runtime_image: str
    template: PodTemplate = field(default_factory=PodTemplate)
    start_timeout_seconds: int = START_TIMEOUT_SECONDS
    setup_cache_claim: str = ""
    """Of a claim in that namespace, which has a folder for each project."""


def job(request: RunRequest, placement: Placement) -> dict[str, Any]:
    """Give the run's Job, suspended: its pod must not be made before its Secret is there.

    Raises:
        ExecutorError: The image's name is none, or the order is too long for the Secret that comes after the Job.
    """
    _order(request)
    annotations = run_annotations(request)
    metadata = {
        "name": request.name,
        "namespace": placement.namespace,
        "labels": run_labels(request),
        "annotations": annotations,
    }
    spec = {
        "suspend": True,
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": _failure_rules()},
        "activeDeadlineSeconds": request.deadline_seconds + placement.start_timeout_seconds + SLACK_SECONDS,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": _pod(request, placement),
    }
    whole: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    annotations[SPEC_HASH] = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]
    return whole


def secret(request: RunRequest, job_uid: str, namespace: str) -> dict[str, Any]:
    """Give the Secret that goes when its Job goes.

    Raises:
        ExecutorError: The order is too long for one.
    """
    values = {
        layout.ORDER_KEY: _order(request),
        layout.TOKEN_KEYS[Step.PREPARE]: request.read_token.encode(),
        layout.TOKEN_KEYS[Step.PUBLISH]: request.write_token.encode(),
        **{layout.agent_key(name): value.encode() for name, value in _agent_variables(request).items()},
    }
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": request.name, "uid": job_uid}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": request.name,
            "namespace": namespace,
            "labels": run_labels(request),
            "ownerReferences": [owner],
        },
        "type": "Opaque",
        "immutable": True,
        "data": {key: base64.b64encode(value).decode() for key, value in values.items()},
    }


def _agent_variables(request: RunRequest) -> dict[str, str]:
    return dict(request.mcp_variables) | dict(request.agent_variables)


def _order(request: RunRequest) -> bytes:
    order = request.order.to_json().encode(errors="replace")
    if len(order) > ORDER_LIMIT_BYTES:
        raise ExecutorError(
            f"The request and what belongs to it (the issue's text) come to {len(order) // 1000} kB, and a run can "
            f"carry {ORDER_LIMIT_BYTES // 1000} kB: shorten the issue's description, or ask in a new issue.",
            Reason.PROMPT,
        )
    return order


def _failure_rules() -> list[dict[str, Any]]:
    """Fail the Job in every case: the rule that fires is the classifier, and the cluster never runs a step again."""
    disrupted = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    failed = [
        {"action": "FailJob", "onExitCodes": {"containerName": step.value, "operator": "NotIn", "values": [0]}}
        for step in Step
    ]
    return [disrupted, *failed]


def _pod(request: RunRequest, placement: Placement) -> dict[str, Any]:
    template = placement.template
    containers = {step: _container(step, request, placement) for step in Step}
    spec = dict(template.pod) | {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": request.deadline_seconds,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "fsGroup": layout.GROUP,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": _tolerations(template),
        "volumes": [*_volumes(request, template), *_cache_volumes(request, placement), *template.volumes],
        "initContainers": [containers[step] for step in _STEPS_AT_FIRST],
        "containers": [containers[Step.PUBLISH]],
    }
    metadata = {
        "labels": dict(template.labels) | run_labels(request),
        "annotations": dict(template.annotations) | _ANNOTATIONS,
    }
    return {"metadata": metadata, "spec": spec}


def _tolerations(template: PodTemplate) -> list[dict[str, Any]]:
    """Leave a node that is gone after two minutes, where the template does not say when."""
    given = [dict(toleration) for toleration in template.tolerations]
    if any(toleration.get("key") == _UNREACHABLE for toleration in given):
        return given
    return [{"key": _UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 120}, *given]


def _volumes(request: RunRequest, template: PodTemplate) -> list[dict[str, Any]]:
    order = {
        "secretName": request.name,
        "items": [{"key": layout.ORDER_KEY, "path": layout.ORDER_KEY}],
        "defaultMode": 0o440,
    }
    empty = [
        {"name": name, "emptyDir": {"sizeLimit": size} | dict(template.sizes.get(name, {}))}
        for name, size in layout.SIZES.items()
    ]
    return [{"name": layout.ORDER_VOLUME, "secret": order}, *empty]


def _cache_volumes(request: RunRequest, placement: Placement) -> list[dict[str, Any]]:
    if not placement.setup_cache_claim or not request.order.setup_cache_key:
        return []
    return [
        {"name": layout.CACHE_VOLUME, "persistentVolumeClaim": {"claimName": placement.setup_cache_claim}},
    ]


def _cache_mounts(step: Step, request: RunRequest, placement: Placement) -> list[dict[str, Any]]:
    """Mount the project's own folder, and into the agent's container alone: no step with a token sees it."""
    if step is not Step.AGENT or not _cache_volumes(request, placement):
        return []
    own = f"project-{request.project_id}"
    return [{"name": layout.CACHE_VOLUME, "mountPath": layout.SETUP_CACHE, "subPath": own}]


def _container(step: Step, request: RunRequest, placement: Placement) -> dict[str, Any]:
    given: Mapping[str, Any] = placement.template.containers.get(step, {})
    ours = {
        "name": step.value,
        "image": _image(step, request, placement),
        "command": _command(step),
        "workingDir": layout.RUNTIME_DIRECTORY,
        "env": [*given.get("env", []), *_environment(step, request), *_cache_environment(step, request, placement)],
        "resources": merged_resources(step, given.get("resources", {})),
        "volumeMounts": [
            *layout.mounts(step),
            *_cache_mounts(step, request, placement),
            *given.get("volumeMounts", []),
        ],
        "securityContext": {
            "runAsUser": layout.USERS[step],
            # Not the pod's: a sandbox with a group and no user does not start on containerd.
            "runAsGroup": layout.GROUP,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePath": layout.RESULT_FILE,
        # Not the log's tail: an agent that leaves no result must not have its words taken for one.
        "terminationMessagePolicy": "File",
    }
    return dict(given) | ours


def _cache_environment(step: Step, request: RunRequest, placement: Placement) -> list[dict[str, Any]]:
    if not _cache_mounts(step, request, placement):
        return []
    values = {CACHE_VARIABLE: layout.SETUP_CACHE, IMAGE_VARIABLE: _image(step, request, placement)}
    return [{"name": name, "value": value} for name, value in values.items()]


def _image(step: Step, request: RunRequest, placement: Placement) -> str:
    """Choose the step's image: a project may bring the agent's own, never that of a step which holds a token."""
    image = request.image if step is Step.AGENT and request.image else placement.runtime_image
    if not _IMAGE.fullmatch(image):
        raise ExecutorError(f"{image[:100]!r} is no image's name", Reason.IMAGE)
    return image


def _command(step: Step) -> list[str]:
    places = {
        "--order": f"{layout.ORDER_DIRECTORY}/{layout.ORDER_KEY}",
        "--workspace": layout.WORKSPACE,
        "--handover": layout.HANDOVER,
        "--result": layout.RESULT_FILE,
    }
    return ["python3", "-m", "runtime", step.value, *(part for pair in places.items() for part in pair)]


def _environment(step: Step, request: RunRequest) -> list[dict[str, Any]]:
    plain = {
        "HOME": f"{layout.WORKSPACE}/home",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        RUN_VARIABLE: request.name,
    }
    if step is not Step.AGENT:
        secrets = {GIT_TOKEN_VARIABLE: layout.TOKEN_KEYS[step]}
    else:
        plain[AGENT_VARIABLES_VARIABLE] = ",".join(request.agent_variables)
        plain |= {MCP_VARIABLES_VARIABLE: ",".join(request.mcp_variables)} if request.mcp_variables else {}
        secrets = {name: layout.agent_key(name) for name in _agent_variables(request) if name not in plain}
    return [
        *({"name": name, "value": value} for name, value in plain.items()),
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": request.name, "key": key}}}
            for name, key in secrets.items()
        ),
    ]
