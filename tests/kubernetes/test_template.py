"""The operator's pod template: what it may say is taken, what it may not is refused with the field and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from core.errors import SettingsError
from runtime.contract import Step
from tests.kubernetes.requests import run_request
from worker.executors.kubernetes.manifest import Placement, job
from worker.executors.kubernetes.template import PodTemplate, load_template, parse_template

FULL = Path(__file__).with_name("full_template.yaml")


def agent(**says: object) -> str:
    """Write a template that says this of the agent's container, beside a volume of each kind."""
    volumes = [
        {"name": "files", "configMap": {"name": "files"}},
        {"name": "cache", "persistentVolumeClaim": {"claimName": "packages"}},
        {"name": "same-cache", "persistentVolumeClaim": {"claimName": "packages"}},
    ]
    container = {"name": "agent"} | says
    others = container.pop("others", [])
    return yaml.safe_dump({"spec": {"volumes": volumes, "initContainers": [container], "containers": others}})


def mount(name: str, path: str, **says: object) -> dict[str, object]:
    """Mount a volume."""
    return {"name": name, "mountPath": path} | says


def spec(text: str) -> str:
    """Write a template with this spec."""
    return f"spec: {text}"


REFUSED: dict[str, tuple[str, str]] = {
    "no-yaml": ("spec: [", "is no YAML"),
    "twice": ("spec: {hostUsers: true, hostUsers: false}", "hostUsers stands twice, line 1"),
    "python-object": ("spec: !!python/object/apply:os.system [true]", "is no YAML"),
    "list": ("[]", "the file has to be a mapping"),
    "text": ("agents", "the file has to be a mapping"),
    "numbers-as-keys": ("spec: {1: 2}", "spec has to be a mapping of names"),
    "whole-object": ("{kind: Pod, spec: {}}", "kind can't be set: remove it; there may be metadata, spec"),
    "long": ("#" * 100_001, "longer than 100 kB"),
    "deep": ("[" * 5000, "is no YAML"),
    "host-network": (spec("{hostNetwork: true}"), "spec.hostNetwork can't be set, for an agent must not share"),
    "host-pid": (spec("{hostPID: true}"), "spec.hostPID can't be set"),
    "host-ipc": (spec("{hostIPC: false}"), "spec.hostIPC can't be set"),
    "process-namespace": (spec("{shareProcessNamespace: true}"), "would see the tokens of the other steps"),
    "account-token": (spec("{automountServiceAccountToken: true}"), "an agent gets no token for the cluster"),
    "pod-security": (spec("{securityContext: {runAsUser: 0}}"), "spec.securityContext can't be set"),
    "restart": (spec("{restartPolicy: OnFailure}"), "spec.restartPolicy can't be set"),
    "deadline": (spec("{activeDeadlineSeconds: 9}"), "it follows from ABLEHAND_AGENT_TIMEOUT_SECONDS: remove it"),
    "grace": (spec("{terminationGracePeriodSeconds: 600}"), "within 30 s"),
    "node": (spec("{nodeName: a}"), "use nodeSelector"),
    "spelling": (spec("{nodeSelectors: {}}"), "spec.nodeSelectors can't be set: write nodeSelector."),
    "ephemeral": (spec("{ephemeralContainers: []}"), "a run has three containers"),
    "selector-kind": (spec("{nodeSelector: [a]}"), "spec.nodeSelector has to be a mapping"),
    "selector-number": (spec("{nodeSelector: {zone: 1}}"), "spec.nodeSelector.zone has to be a text: write it in quot"),
    "flag": (spec("{hostUsers: 'no'}"), "spec.hostUsers has to be true or false"),
    "tolerations": (spec("{tolerations: {}}"), "spec.tolerations has to be a list"),
    "toleration": (spec("{tolerations: [a]}"), "spec.tolerations[0] has to be a mapping"),
    "null": (spec("{affinity: null}"), "spec.affinity has to be a mapping"),
    "host-dns": (spec("{dnsPolicy: ClusterFirstWithHostNet}"), "use ClusterFirst"),
    "our-label": ("metadata: {labels: {ablehand/task: '8'}}", "metadata.labels.ablehand/task is how runs are found"),
    "our-kind": ("metadata: {labels: {app.kubernetes.io/managed-by: me}}", "take another name"),
    "job-label": ("metadata: {labels: {batch.kubernetes.io/job-name: x}}", "take another name"),
    "our-note": ("metadata: {annotations: {ablehand/spec-hash: x}}", "metadata.annotations.ablehand/spec-hash is how"),
    "label-number": ("metadata: {labels: {team: 1}}", "metadata.labels.team has to be a text"),
    "metadata": ("metadata: {name: x}", "metadata.name can't be set"),
    "host-path": (spec("{volumes: [{name: a, hostPath: {path: /}}]}"), "spec.volumes[a] is hostPath: an agent may"),
    "secret-volume": (spec("{volumes: [{name: a, secret: {secretName: b}}]}"), "spec.volumes[a] is secret"),
    "projected": (spec("{volumes: [{name: a, projected: {sources: []}}]}"), "spec.volumes[a] is projected"),
    "two-kinds": (spec("{volumes: [{name: a, emptyDir: {}, hostPath: {path: /}}]}"), "is emptyDir, hostPath"),
    "no-kind": (spec("{volumes: [{name: a}]}"), "spec.volumes[a] is nothing"),
    "no-name": (spec("{volumes: [{emptyDir: {}}]}"), "spec.volumes[0].name has to be a text"),
    "volume-twice": (spec("{volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]}"), "has a twice"),
    "our-order": (spec("{volumes: [{name: order, configMap: {name: x}}]}"), "spec.volumes[order] is a name of Able"),
    "our-handover": (
        spec("{volumes: [{name: handover, persistentVolumeClaim: {claimName: x}}]}"), "stays an emptyDir"
    ),
    "empty-dir": (spec("{volumes: [{name: a, emptyDir: {size: 1Gi}}]}"), "emptyDir.size can't be set: write sizeLimit"),
    "unknown-container": (spec("{containers: [{name: sidecar}]}"), "sidecar is no container of a run"),
    "init-container": (spec("{initContainers: [{name: spy}]}"), "spec.initContainers[0]: spy is no container of a run"),
    "wrong-list": (spec("{containers: [{name: agent}]}"), "agent belongs into spec.initContainers: move it there"),
    "container-twice": (spec("{containers: [{name: publish}, {name: publish}]}"), "has publish twice"),
    "nameless": (spec("{containers: [{image: x}]}"), "spec.containers[0].name has to be a text"),
    "image": (agent(image="evil"), "spec.initContainers[agent].image can't be set"),
    "command": (agent(command=["sh"]), "spec.initContainers[agent].command can't be set"),
    "arguments": (agent(args=["x"]), "[agent].args can't be set"),
    "security": (agent(securityContext={"privileged": True}), "every run is locked down in the same way"),
    "env-from": (agent(envFrom=[{"secretRef": {"name": "x"}}]), "[agent].envFrom can't be set: write env"),
    "life": (agent(lifecycle={}), "[agent].lifecycle can't be set"),
    "always": (agent(restartPolicy="Always"), "steps are never run twice"),
    "pull-policy": (agent(imagePullPolicy="Sometimes"), "has to be one of Always, IfNotPresent, Never"),
    "git-token": (agent(env=[{"name": "ABLEHAND_GIT_TOKEN", "value": "x"}]), "ABLEHAND_GIT_TOKEN is set by Ablehand"),
    "home": (agent(env=[{"name": "HOME", "value": "/"}]), "HOME is set by Ablehand: remove it"),
    "model-key": (agent(env=[{"name": "MODEL_KEY", "value": "x"}]), "comes from ABLEHAND_AGENT_VARIABLES already"),
    "secret-variable": (
        agent(env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "agent-7-a1", "key": "write"}}}]),
        "X is a secret: name it in ABLEHAND_AGENT_VARIABLES",
    ),
    "variable-source": (agent(env=[{"name": "X", "valueFrom": {"fileKeyRef": {}}}]), "valueFrom.fileKeyRef can't be"),
    "variable-name": (agent(env=[{"name": "A=B", "value": "x"}]), "is no variable's name"),
    "variable-number": (agent(env=[{"name": "A", "value": 1}]), "value of A has to be a text"),
    "variable-list": (agent(env={"A": "B"}), "[agent].env has to be a list"),
    "no-volume": (agent(volumeMounts=[mount("nowhere", "/x")]), "agent mounts nowhere, which spec.volumes does not"),
    "our-volume": (agent(volumeMounts=[mount("publish-workspace", "/x")]), "is mounted where it belongs: remove it"),
    "our-path": (agent(volumeMounts=[mount("files", "/workspace/repo")]), "would cover /workspace: take another path"),
    "around-ours": (agent(volumeMounts=[mount("files", "/opt")]), "would cover /opt/ablehand"),
    "root": (agent(volumeMounts=[mount("files", "/")]), "would cover"),
    "termination-log": (agent(volumeMounts=[mount("files", "/dev/termination-log")]), "would cover /dev"),
    "dots": (agent(volumeMounts=[mount("files", "/x/../workspace")]), "an absolute path without .. and :"),
    "slashes": (agent(volumeMounts=[mount("files", "//workspace")]), "an absolute path"),
    "relative": (agent(volumeMounts=[mount("files", "workspace")]), "an absolute path"),
    "expression": (agent(volumeMounts=[mount("files", "/x", subPathExpr="$(X)")]), "subPathExpr can't be set"),
    "propagation": (agent(volumeMounts=[mount("files", "/x", mountPropagation="Bidirectional")]), "can't be set"),
    "read-only": (agent(volumeMounts=[mount("files", "/x", readOnly="yes")]), "readOnly has to be true or false"),
    "to-publish": (
        agent(
            volumeMounts=[mount("cache", "/c")],
            others=[{"name": "publish", "volumeMounts": [mount("cache", "/c")]}],
        ),
        "publish mounts cache, which the agent can write",
    ),
    "to-publish-by-another-name": (
        agent(
            volumeMounts=[mount("cache", "/c")],
            others=[{"name": "publish", "volumeMounts": [mount("same-cache", "/c", readOnly=True)]}],
        ),
        "publish mounts same-cache, which the agent can write",
    ),
    "no-memory-limit": (agent(resources={"limits": {"memory": None}}), "limits.memory can't be taken away"),
    "no-disk-request": (agent(resources={"requests": {"ephemeral-storage": None}}), "can't be taken away"),
    "more-than-limit": (agent(resources={"requests": {"memory": "9Gi"}}), "(9Gi) is more than its limit (8Gi): set"),
    "less-than-request": (agent(resources={"limits": {"memory": "1Gi"}}), "(2Gi) is more than its limit (1Gi)"),
    "no-amount": (agent(resources={"limits": {"cpu": "many"}}), "limits.cpu is no amount: write one like 500m"),
    "negative": (agent(resources={"limits": {"cpu": "-1"}}), "is no amount"),
    "endless": (agent(resources={"limits": {"cpu": "Infinity"}}), "is no amount"),
    "huge": (agent(resources={"limits": {"cpu": "9" * 100}}), "is no amount"),
    "yes": (agent(resources={"limits": {"cpu": True}}), "is no amount"),
    "claims": (agent(resources={"claims": []}), "resources.claims can't be set"),
    "resource-list": (agent(resources={"limits": ["cpu"]}), "limits has to be a mapping"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_breaks_an_invariant_is_refused(text: str, words: str) -> None:
    """When the process starts, in one line that names the setting and the field."""
    with pytest.raises(SettingsError) as refused:
        parse_template(text, {"MODEL_KEY"})

    sentence = str(refused.value)
    assert sentence.startswith("ABLEHAND_POD_TEMPLATE: ")
    assert words in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


TAKEN: dict[str, tuple[str, PodTemplate]] = {
    "empty": ("", PodTemplate()),
    "comments": ("# nothing yet\n", PodTemplate()),
    "no-spec": ("metadata: {labels: {team: a}}", PodTemplate(labels={"team": "a"})),
    "placement": (spec("{nodeSelector: {pool: agents}}"), PodTemplate(pod={"nodeSelector": {"pool": "agents"}})),
    "tolerations": (spec("{tolerations: [{key: a}]}"), PodTemplate(tolerations=({"key": "a"},))),
    "own-size": (
        spec("{volumes: [{name: workspace, emptyDir: {sizeLimit: 40Gi}}]}"),
        PodTemplate(sizes={"workspace": {"sizeLimit": "40Gi"}}),
    ),
    "no-cpu-limit": (
        spec("{containers: [{name: publish, resources: {limits: {cpu: null}}}]}"),
        PodTemplate(containers={Step.PUBLISH: {"name": "publish", "resources": {"limits": {"cpu": None}}}}),
    ),
}


@pytest.mark.parametrize(("text", "template"), TAKEN.values(), ids=TAKEN.keys())
def test_what_it_may_say_is_taken(text: str, template: PodTemplate) -> None:
    """As it is."""
    assert parse_template(text) == template


def test_a_read_only_cache_may_be_shared() -> None:
    """Where the agent can't write, nothing of its reaches another step."""
    shared = mount("cache", "/c", readOnly=True)

    template = parse_template(agent(volumeMounts=[shared], others=[{"name": "publish", "volumeMounts": [shared]}]))

    assert template.containers[Step.PUBLISH]["volumeMounts"] == [shared]


def test_a_toleration_of_its_own_takes_the_place_of_ours() -> None:
    """Two of one key would contradict each other."""
    own = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
    template = parse_template(yaml.safe_dump({"spec": {"tolerations": [own]}}))

    made = job(run_request(), Placement(namespace="agents", runtime_image="image:1", template=template))

    assert made["spec"]["template"]["spec"]["tolerations"] == [own]


def test_the_file_is_read(tmp_path: Path) -> None:
    """No file, an empty template; one that is not there or no text, a sentence."""
    assert load_template(None) == PodTemplate()
    assert load_template(FULL).pod["runtimeClassName"] == "gvisor"
    with pytest.raises(SettingsError, match=r"can't be read \(No such file or directory\): check its path and mode\."):
        load_template(tmp_path / "nowhere.yaml")
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(SettingsError, match=r"is no text file: it has to be YAML in UTF-8\."):
        load_template(tmp_path / "picture")
