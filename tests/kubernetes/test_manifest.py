"""A run's manifests, whole: what stands in the golden files is what a cluster gets, field by field."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from core.errors import ExecutorError
from core.reasons import Reason
from runtime.contract import Order
from tests.kubernetes.requests import IMAGE, NAMESPACE, SECRETS, run_request
from worker.executors.kubernetes import layout, manifest
from worker.executors.kubernetes.manifest import Placement
from worker.executors.kubernetes.template import load_template
from worker.executors.protocol import RunRequest

HERE = Path(__file__).parent
SERVERS = ("1.31", "1.37")
"""The oldest that we support, and the newest that the validator knows."""
PLAIN = Placement(namespace=NAMESPACE, runtime_image=IMAGE)
FULL = replace(PLAIN, template=load_template(HERE / "full_template.yaml", ("ANTHROPIC_API_KEY",)))
RUNS: dict[str, tuple[RunRequest, Placement]] = {
    "plain": (run_request(), PLAIN),
    "template": (run_request(), FULL),
    "project-image": (run_request(image="registry.example/shop/agent@sha256:" + "0" * 64), PLAIN),
    "second-attempt": (run_request(name="agent-7-a2", attempt=2), replace(PLAIN, start_timeout_seconds=60)),
    "no-model-variables": (run_request(agent_variables={}, notes={}), PLAIN),
}


@pytest.mark.parametrize(("request_", "placement"), RUNS.values(), ids=RUNS.keys())
def test_a_job_is_as_written_down(request_: RunRequest, placement: Placement, request: pytest.FixtureRequest) -> None:
    """Every field of it."""
    name = request.node.callspec.id

    made = manifest.job(request_, placement)

    assert made == yaml.safe_load((HERE / "golden" / f"{name}.yaml").read_text())


def test_a_secret_is_as_written_down() -> None:
    """It goes when its Job goes; each value has a key of its own."""
    request = run_request()

    made = manifest.secret(request, "uid-of-the-job", NAMESPACE)

    assert {key: base64.b64decode(value).decode() for key, value in made.pop("data").items()} == {
        "order.json": request.order.to_json(),
        "read": "canary-read",
        "write": "canary-write",
        "agent.ANTHROPIC_API_KEY": "canary-model",
        "agent.ANTHROPIC_BASE_URL": "https://model.example",
    }
    assert made == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "agent-7-a1",
            "namespace": "agents",
            "labels": manifest.job(request, PLAIN)["metadata"]["labels"],
            "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "Job", "name": "agent-7-a1", "uid": "uid-of-the-job"}
            ],
        },
        "type": "Opaque",
        "immutable": True,
    }


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("request_", "placement"), RUNS.values(), ids=RUNS.keys())
def test_a_cluster_knows_every_field(request_: RunRequest, placement: Placement, server: str) -> None:
    """By the schemas of the oldest and the newest server, strictly: no field that they do not know."""
    for made in (manifest.job(request_, placement), manifest.secret(request_, "uid", NAMESPACE)):
        kubernetes_validate.validate(made, server, strict=True)


@pytest.mark.parametrize("placement", [PLAIN, FULL], ids=["plain", "template"])
def test_each_secret_is_for_one_container(placement: Placement) -> None:
    """The agent can't reach GitLab's tokens, the others not the model's; nobody mounts the Secret but the order."""
    spec = manifest.job(run_request(), placement)["spec"]["template"]["spec"]
    keys = {
        container["name"]: {
            variable["valueFrom"]["secretKeyRef"]["key"]
            for variable in container["env"]
            if "secretKeyRef" in variable.get("valueFrom", {})
        }
        for container in [*spec["initContainers"], *spec["containers"]]
    }

    assert keys == {
        "prepare": {"read"},
        "agent": {"agent.ANTHROPIC_API_KEY", "agent.ANTHROPIC_BASE_URL"},
        "publish": {"write"},
    }
    mounted = [volume["secret"] for volume in spec["volumes"] if "secret" in volume]
    assert [volume["items"] for volume in mounted] == [[{"key": "order.json", "path": "order.json"}]]


def test_the_mcp_servers_credentials_are_the_agents_alone() -> None:
    """By reference to the Secret, like the model's; their names go apart, so that the runtime tells them apart."""
    request = run_request(mcp_variables={"TRACKER_TOKEN": "canary-tracker"})

    spec = manifest.job(request, PLAIN)["spec"]["template"]["spec"]
    data = manifest.secret(request, "uid", NAMESPACE)["data"]

    [agent] = [container for container in spec["initContainers"] if container["name"] == "agent"]
    reference = {"name": "agent-7-a1", "key": "agent.TRACKER_TOKEN"}
    assert {"name": "TRACKER_TOKEN", "valueFrom": {"secretKeyRef": reference}} in agent["env"]
    assert {"name": "ABLEHAND_MCP_VARIABLES", "value": "TRACKER_TOKEN"} in agent["env"]
    assert base64.b64decode(data["agent.TRACKER_TOKEN"]) == b"canary-tracker"
    assert "TRACKER" not in json.dumps([spec["initContainers"][0], spec["containers"]])
    assert "canary" not in json.dumps(spec)


CACHING = replace(PLAIN, setup_cache_claim="setup-cache")


def caching(project_id: int) -> dict[str, Any]:
    """Give the pod of a project's run that keeps what agent-setup.sh makes."""
    request = run_request(project_id=project_id)
    order = replace(request.order, setup_cache_key=["go.sum"], setup_cache_paths=["vendor"])
    made: dict[str, Any] = manifest.job(replace(request, order=order), CACHING)["spec"]["template"]["spec"]
    return made


def test_each_project_has_a_cache_of_its_own() -> None:
    """One claim, a folder for each; in the agent's container alone, so that nothing of it reaches a token."""
    mounts = {
        number: [
            (container["name"], mount["mountPath"], mount["subPath"])
            for container in [*pod["initContainers"], *pod["containers"]]
            for mount in container["volumeMounts"]
            if mount["name"] == "setup-cache"
        ]
        for number in (5, 6)
        for pod in [caching(number)]
    }

    assert mounts == {
        5: [("agent", "/ablehand/setup-cache", "project-5")],
        6: [("agent", "/ablehand/setup-cache", "project-6")],
    }
    [agent] = [container for container in caching(5)["initContainers"] if container["name"] == "agent"]
    assert {"name": "ABLEHAND_SETUP_CACHE", "value": "/ablehand/setup-cache"} in agent["env"]
    assert {"name": "ABLEHAND_IMAGE", "value": IMAGE} in agent["env"]


@pytest.mark.parametrize("placement", [PLAIN, CACHING], ids=["no-claim", "nothing-named"])
def test_no_cache_without_a_claim_and_names(placement: Placement) -> None:
    """The operator gives the room, the project says what belongs into it."""
    assert manifest.job(run_request(), placement) == manifest.job(run_request(), PLAIN)


@pytest.mark.parametrize(("request_", "placement"), RUNS.values(), ids=RUNS.keys())
def test_a_job_tells_no_secret_and_no_prompt(request_: RunRequest, placement: Placement) -> None:
    """Many may read Jobs."""
    text = json.dumps(manifest.job(request_, placement))

    assert not [word for word in (*SECRETS, "canary-prompt") if word in text]


def test_what_the_agent_writes_reaches_publish_as_the_bundle_alone() -> None:
    """The handover is their one volume in common, and publish can't write it."""
    spec = manifest.job(run_request(), FULL)["spec"]["template"]["spec"]
    writable = {
        container["name"]: {mount["name"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        for container in [*spec["initContainers"], *spec["containers"]]
    }
    seen = {mount["name"] for mount in spec["containers"][0]["volumeMounts"]}

    assert writable["agent"] & seen == {"handover"}
    assert "handover" not in writable["publish"]
    assert "handover" not in {mount["name"] for mount in spec["initContainers"][0]["volumeMounts"]}


def test_the_clocks_are_nested() -> None:
    """The runtime's own, then the pod's, which keeps the log, then the Job's."""
    request = run_request()
    order = request.order
    spec = manifest.job(request, PLAIN)["spec"]

    own = order.setup_timeout_seconds + order.agent_timeout_seconds + 2 * order.git_timeout_seconds
    pod = spec["template"]["spec"]["activeDeadlineSeconds"]
    assert own < pod == request.deadline_seconds
    assert pod + PLAIN.start_timeout_seconds < spec["activeDeadlineSeconds"]


HOSTILE_NOTES = {
    "newline": ({"issue": "a\nb: c"}, {"ablehand/issue": "a\nb: c"}),
    "long": ({"issue": "x" * 5000}, {"ablehand/issue": "x" * 1024}),
    "surrogate": ({"issue": "\udcff"}, {"ablehand/issue": "?"}),
    "key": ({"a/b": "c", "": "d", "x" * 64: "e", "ä": "f"}, {}),
    "hash": ({"spec-hash": "forged"}, {}),
}


@pytest.mark.parametrize(("notes", "kept"), HOSTILE_NOTES.values(), ids=HOSTILE_NOTES.keys())
def test_hostile_notes_are_made_harmless(notes: Mapping[str, str], kept: Mapping[str, str]) -> None:
    """What can't be an annotation is left out, and what is too long is cut."""
    made = manifest.job(run_request(notes=notes), PLAIN)

    digest = made["metadata"]["annotations"].pop("ablehand/spec-hash")
    assert made["metadata"]["annotations"] == kept
    assert len(digest) == 32
    json.dumps(made).encode()


def test_a_unique_id_that_is_no_label_is_left_out() -> None:
    """A cluster would refuse the Job for it."""
    labels = manifest.job(run_request(unique_id="a b"), PLAIN)["metadata"]["labels"]

    assert labels == {
        "app.kubernetes.io/managed-by": "ablehand",
        "ablehand/installation": "ablehand",
        "app.kubernetes.io/name": "ablehand-run",
        "ablehand/task": "7",
        "ablehand/attempt": "1",
        "ablehand/project": "3",
    }


@pytest.mark.parametrize(
    "image",
    ["two words", "a\nb", "-x", "$(NAME)", "x" * 600],
    ids=["space", "newline", "option", "variable", "long"],
)
def test_an_image_that_is_none_is_refused(image: str) -> None:
    """A project named it."""
    with pytest.raises(ExecutorError) as refused:
        manifest.job(run_request(image=image), PLAIN)

    assert refused.value.reason == Reason.IMAGE


def test_a_project_brings_the_image_of_the_agent_alone() -> None:
    """The steps that hold a token of GitLab's run what the operator chose."""
    spec = manifest.job(run_request(image="project/image:1"), PLAIN)["spec"]["template"]["spec"]
    images = {container["name"]: container["image"] for container in [*spec["initContainers"], *spec["containers"]]}

    assert images == {"prepare": IMAGE, "agent": "project/image:1", "publish": IMAGE}


def test_an_order_that_no_secret_can_hold_is_refused_before_anything_is_made() -> None:
    """In words for people, which are shown as they are."""
    order = replace(run_request().order, context={"issue.md": "x" * 1_000_000})

    with pytest.raises(ExecutorError, match=r"come to 100\d kB, and a run can carry 900 kB: shorten") as refused:
        manifest.job(run_request(order=order), PLAIN)
    assert refused.value.reason == Reason.PROMPT
    with pytest.raises(ExecutorError):
        manifest.secret(run_request(order=order), "uid", NAMESPACE)


def test_the_hash_tells_two_manifests_apart() -> None:
    """And is the same for the same."""
    hashes = [
        manifest.job(run_request(attempt=number), PLAIN)["metadata"]["annotations"]["ablehand/spec-hash"]
        for number in (1, 1, 2)
    ]

    assert hashes[0] == hashes[1] != hashes[2]


def test_the_largest_secret_fits() -> None:
    """Base64 and all, it stays under what a request to a cluster may have."""
    order = replace(run_request().order, prompt="x" * (manifest.ORDER_LIMIT_BYTES - 2000))
    made: dict[str, Any] = manifest.secret(run_request(order=order), "uid", NAMESPACE)

    whole = sum(len(base64.b64decode(value)) for value in made["data"].values())
    assert whole < 1024 * 1024
    assert len(json.dumps(made)) < 1_500_000
    assert Order.from_json(base64.b64decode(made["data"][layout.ORDER_KEY]).decode()) == order
