"""What the API refuses, and in which words: one row a mistake, each in the words of a real API server."""

import base64
import copy
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.simulators.kubernetes.api.conftest import NAMESPACE
from tests.simulators.kubernetes.api.manifests import job, pod, pod_spec

Object = dict[str, Any]

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
MERGE = {"content-type": "application/merge-patch+json"}
TEMPLATE = "spec.template.spec"


def _job(edit: Callable[[Object], object]) -> Object:
    made = job(podFailurePolicy={"rules": [_rule()]}, podReplacementPolicy="Failed")
    edit(made["spec"])
    return made


def _rule(**codes: Any) -> Object:
    return {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "NotIn", "values": [0], **codes}}


def _container(**changes: Any) -> Object:
    return job(template=pod_spec(containers=[{"name": "main", "image": "echo:1", **changes}]))


def _named(name: str) -> Object:
    return job(name)


def _template(**changes: Any) -> Object:
    return job(template=pod_spec(**changes))


MISTAKES = [
    pytest.param(
        _named("Agent_1"),
        422,
        'Job.batch "Agent_1" is invalid: metadata.name: Invalid value: "Agent_1": a lowercase RFC 1123 subdomain must '
        "consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
        "character (e.g. 'example.com', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        id="name",
    ),
    pytest.param(_named("a" * 64), 422, "spec.template.labels: Invalid value: ", id="name too long for a label"),
    pytest.param(
        job(parallelism="two"),
        400,
        'Job in version "v1" cannot be handled as a Job: json: cannot unmarshal string into Go struct field '
        "spec.parallelism of type int32",
        id="type",
    ),
    pytest.param(
        job(backofLimit=1),
        400,
        'Job in version "v1" cannot be handled as a Job: strict decoding error: unknown field "spec.backofLimit"',
        id="unknown field",
    ),
    pytest.param(
        _template(restartPolicy="Always"),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.restartPolicy: Unsupported value: "Always": '
        'supported values: "OnFailure", "Never"',
        id="restartPolicy",
    ),
    pytest.param(
        _job(lambda spec: spec["template"]["spec"].update(restartPolicy="OnFailure")),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.restartPolicy: Invalid value: "OnFailure": '
        'only "Never" is supported when podFailurePolicy is specified',
        id="restartPolicy with a failure policy",
    ),
    pytest.param(
        _job(lambda spec: spec["podFailurePolicy"].update(rules=[_rule(containerName="mian")])),
        422,
        'Job.batch "one" is invalid: spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "mian": '
        "must be one of the container or initContainer names in the pod template",
        id="failure policy names no container",
    ),
    pytest.param(
        _job(lambda spec: spec["podFailurePolicy"].update(rules=[_rule(operator="In", values=[0, 1])])),
        422,
        'Job.batch "one" is invalid: spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: '
        "must not be 0 for the In operator",
        id="failure policy for success",
    ),
    pytest.param(
        _job(lambda spec: spec.update(podReplacementPolicy="TerminatingOrFailed")),
        422,
        'Job.batch "one" is invalid: spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": '
        'supported values: "Failed"',
        id="podReplacementPolicy",
    ),
    pytest.param(
        job(backoffLimit=-1),
        422,
        'Job.batch "one" is invalid: spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0',
        id="backoffLimit",
    ),
    pytest.param(
        _template(containers=[{"name": "a", "image": "x"}], initContainers=[{"name": "a", "image": "x"}]),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.initContainers[0].name: Duplicate value: "a"',
        id="container name twice",
    ),
    pytest.param(
        _container(volumeMounts=[{"name": "work", "mountPath": "/w"}]),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.containers[0].volumeMounts[0].name: Not found: "work"',
        id="mount of no volume",
    ),
    pytest.param(
        _container(env=[{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.containers[0].env[0].valueFrom: Invalid value: "": '
        "may not be specified when `value` is not empty",
        id="env with two values",
    ),
    pytest.param(
        _container(resources={"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.containers[0].resources.requests: Invalid value: "2Gi": '
        "must be less than or equal to memory limit of 1Gi",
        id="request over its limit",
    ),
    pytest.param(
        _container(resources={"limits": {"memory": "1 GB"}}),
        400,
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        id="quantity",
    ),
    pytest.param(
        _container(imagePullPolicy="Sometimes"),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.containers[0].imagePullPolicy: Unsupported value: "Sometimes": '
        'supported values: "Always", "IfNotPresent", "Never"',
        id="imagePullPolicy",
    ),
    pytest.param(
        _template(containers=[{"name": "main"}]),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.containers[0].image: Required value',
        id="no image",
    ),
    pytest.param(
        _template(volumes=[{"name": "a", "emptyDir": {}, "secret": {"secretName": "x"}}]),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.volumes[0].secret: Forbidden: may not specify more than 1 volume type',
        id="volume of two types",
    ),
    pytest.param(
        _template(activeDeadlineSeconds=0),
        422,
        f'Job.batch "one" is invalid: {TEMPLATE}.activeDeadlineSeconds: Invalid value: 0: '
        "must be between 1 and 2147483647, inclusive",
        id="Pod deadline",
    ),
]


@pytest.mark.parametrize(("manifest", "status", "message"), MISTAKES)
def test_a_job_with_a_mistake_is_refused(api: httpx2.Client, manifest: Object, status: int, message: str) -> None:
    """Each mistake has its code and its words, and nothing is stored."""
    answer = api.post(JOBS, json=manifest)

    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert api.get(JOBS).json()["items"] == []


def test_two_mistakes_are_told_at_once(api: httpx2.Client) -> None:
    """Several causes stand in one message and, each, in the details."""
    answer = api.post(JOBS, json=job(backoffLimit=-1, parallelism=-2)).json()

    why = "must be greater than or equal to 0"
    assert answer["message"] == (
        f'Job.batch "one" is invalid: [spec.parallelism: Invalid value: -2: {why}, '
        f"spec.backoffLimit: Invalid value: -1: {why}]"
    )
    assert [cause["field"] for cause in answer["details"]["causes"]] == ["spec.parallelism", "spec.backoffLimit"]


def test_the_agents_manifest_is_accepted(api: httpx2.Client) -> None:
    """A failure policy may name init containers, and a Job may be suspended: that is what agents are run with."""
    rules = [
        {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget"}]},
        _rule(containerName="prepare"),
        _rule(containerName="main"),
    ]
    template = pod_spec(initContainers=[{"name": "prepare", "image": "echo:1"}])

    answer = api.post(JOBS, json=job(template=template, podFailurePolicy={"rules": rules}))

    spec = answer.json()["spec"]
    assert answer.status_code == 201
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["podFailurePolicy"]["rules"][0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        pytest.param(
            {"template": {"spec": {"containers": [{"name": "main", "image": "other:1"}]}}},
            "spec.template: Invalid value: {…}: field is immutable",
            id="template",
        ),
        pytest.param({"completions": 5}, "spec.completions: Invalid value: 5: field is immutable", id="completions"),
        pytest.param(
            {"selector": {"matchLabels": {"a": "b"}}},
            "spec.selector: Invalid value: {…}: field is immutable",
            id="selector",
        ),
    ],
)
def test_a_job_cannot_be_changed_where_it_is_fixed(api: httpx2.Client, patch: Object, message: str) -> None:
    """A Job's template, completions and selector stay as they were made."""
    api.post(JOBS, json=job())

    answer = api.patch(f"{JOBS}/one", json={"spec": patch}, headers=MERGE)

    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    assert message in answer.json()["message"]


def test_a_suspended_job_may_be_started_and_placed(api: httpx2.Client) -> None:
    """`suspend`, and the node selector of a Job that never ran, can be changed."""
    api.post(JOBS, json=job())
    changes = {"suspend": False, "template": {"spec": {"nodeSelector": {"workload": "agents"}}}}

    answer = api.patch(f"{JOBS}/one", json={"spec": changes}, headers=MERGE)

    assert answer.status_code == 200, answer.text
    assert answer.json()["spec"]["suspend"] is False


def test_a_pod_spec_cannot_be_changed(api: httpx2.Client) -> None:
    """Of a Pod that exists, little more than the image may be changed."""
    api.post(PODS, json=pod(containers=[{"name": "main", "image": "sleep:1"}]))

    answer = api.patch(f"{PODS}/one", json={"spec": {"hostname": "other"}}, headers=MERGE)

    assert answer.status_code == 422
    assert "spec: Forbidden: pod updates may not change fields other than" in answer.json()["message"]


def _secret(**changes: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}, **changes}


@pytest.mark.parametrize(
    ("manifest", "status", "message"),
    [
        pytest.param(_secret(data={"a": "no base64!"}), 400, "illegal base64 data", id="base64"),
        pytest.param(_secret(data={"a b": "YQ=="}), 422, 'data[a b]: Invalid value: "a b"', id="key"),
        pytest.param(
            _secret(stringData={"a": "x" * 1048577}),
            422,
            "data: Too long: may not be more than 1048576 bytes",
            id="too large",
        ),
        pytest.param(
            _secret(type="kubernetes.io/tls", stringData={"tls.crt": "x"}),
            422,
            "data[tls.key]: Required value",
            id="key of its type",
        ),
    ],
)
def test_a_secret_with_a_mistake_is_refused(api: httpx2.Client, manifest: Object, status: int, message: str) -> None:
    """Secrets are read, counted and checked by their type."""
    answer = api.post(SECRETS, json=manifest)

    assert answer.status_code == status
    assert message in answer.json()["message"]


def test_string_data_becomes_data(api: httpx2.Client) -> None:
    """`stringData` is written as base64 into `data` and is not stored itself."""
    made = api.post(SECRETS, json=_secret(stringData={"token": "geheim"})).json()

    assert made["data"] == {"token": base64.b64encode(b"geheim").decode()}
    assert (made["type"], "stringData" in made) == ("Opaque", False)


def test_nothing_is_stored_in_a_namespace_that_is_not_there(api: httpx2.Client) -> None:
    """A missing namespace is a 404 that names it."""
    answer = api.post("/apis/batch/v1/namespaces/nowhere/jobs", json=job())

    assert (answer.status_code, answer.json()["message"]) == (404, 'namespaces "nowhere" not found')


def test_a_name_in_the_body_must_be_that_of_the_address(api: httpx2.Client) -> None:
    """A replace under another name is refused."""
    made = api.post(JOBS, json=job()).json()
    other = copy.deepcopy(made)
    other["metadata"]["name"] = "two"

    answer = api.put(f"{JOBS}/one", json=other)

    assert answer.status_code == 400
    assert answer.json()["message"] == "the name of the object (two) does not match the name on the URL (one)"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("[]", id="a list"),
        pytest.param("{", id="half an object"),
        pytest.param("'x'", id="a text"),
        pytest.param("{}", id="no name"),
        pytest.param('{"metadata": "x"}', id="metadata is a text"),
        pytest.param('{"metadata": null, "spec": null}', id="nulls"),
        pytest.param('{"metadata": {"name": "one"}}', id="no spec"),
        pytest.param('{"metadata": {"name": "one"}, "spec": {"template": null}}', id="no template"),
        pytest.param('{"metadata": {"name": "one"}, "spec": {"template": {}}}', id="empty template"),
        pytest.param(
            '{"metadata": {"name": "one"}, "spec": {"template": {"spec": {"containers": [null]}}}}', id="null item"
        ),
        pytest.param(
            '{"metadata": {"name": 1}, "spec": {"template": {"spec": {"containers": []}}}}', id="name is a number"
        ),
        pytest.param('{"metadata": {"name": "one", "labels": {"a": 1}}}', id="label is a number"),
        pytest.param('{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "one"}}', id="another kind"),
    ],
)
def test_a_broken_body_is_the_clients_fault(api: httpx2.Client, body: str) -> None:
    """However it is sent, the answer is a refusal or a success, never an error of the server."""
    api.post(JOBS, json=job())
    requests = [
        ("POST", JOBS, "application/json"),
        ("PUT", f"{JOBS}/one", "application/json"),
        ("PATCH", f"{JOBS}/one", "application/merge-patch+json"),
        ("PATCH", f"{JOBS}/one", "application/strategic-merge-patch+json"),
        ("PATCH", f"{JOBS}/new", "application/apply-patch+yaml"),
    ]

    for method, path, kind in requests:
        headers = {"content-type": kind}
        answer = api.request(method, path, content=body, headers=headers, params={"fieldManager": "test"})
        assert answer.status_code < 500, f"{method} {kind}: {answer.text}"
        assert answer.status_code < 300 or answer.json()["kind"] == "Status"
