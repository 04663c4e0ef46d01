"""The switches by which the API fails: answers, delays, cut connections, lost answers, stale lists."""

import time

import httpx2
import pytest

from simulators.kubernetes.server import KubernetesServer
from tests.simulators.kubernetes.api.conftest import NAMESPACE
from tests.simulators.kubernetes.api.manifests import config_map, is_running, pod

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param(429, "TooManyRequests", id="too many"),
        pytest.param(500, "InternalError", id="internal"),
        pytest.param(503, "ServiceUnavailable", id="unavailable"),
    ],
)
def test_an_answer_is_replaced_so_many_times(
    cluster: KubernetesServer, api: httpx2.Client, status: int, reason: str
) -> None:
    """The next two creates fail and store nothing; a list is not touched; the third create is well."""
    cluster.faults.answer("create", "configmaps", status, times=2)

    answers = [api.post(MAPS, json=config_map()) for _ in range(2)]
    listed, third = api.get(MAPS), api.post(MAPS, json=config_map())

    assert [(answer.status_code, answer.json()["reason"]) for answer in answers] == [(status, reason)] * 2
    names = [item["metadata"]["name"] for item in listed.json()["items"]]
    assert (listed.status_code, "one" in names, third.status_code) == (200, False, 201)


def test_too_many_requests_say_when_to_come_again(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """A 429 has a Retry-After, in the header and in the details."""
    cluster.faults.answer("*", "*", 429, retry_after=3)

    answer = api.get(MAPS)

    assert (answer.headers["retry-after"], answer.json()["details"]) == ("3", {"retryAfterSeconds": 3})


def test_a_lost_answer_was_a_write(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """The connection breaks after the create, and only for the name that the rule finds."""
    cluster.faults.lose_answer("create", "configmaps")

    with pytest.raises(httpx2.RemoteProtocolError):
        api.post(MAPS, json=config_map())

    assert api.get(f"{MAPS}/one").status_code == 200


def test_a_refused_request_did_nothing(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """The connection breaks before the delete; a delete of another object is well."""
    api.post(MAPS, json=config_map("one"))
    api.post(MAPS, json=config_map("two"))
    cluster.faults.refuse("delete", "configmaps", name="one")

    assert api.delete(f"{MAPS}/two").status_code == 200
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        api.delete(f"{MAPS}/one")
    assert api.get(f"{MAPS}/one").status_code == 200


def test_a_slow_answer_comes_late(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """The next get takes as long as it was told to."""
    cluster.faults.delay("get", "namespaces", seconds=0.3)

    started = time.monotonic()
    answer = api.get(f"/api/v1/namespaces/{NAMESPACE}")

    assert (answer.status_code, time.monotonic() - started >= 0.3) == (200, True)


def test_a_stale_list_is_that_of_a_lagging_cache(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """resourceVersion=0 shows an older state under its version; a list without one is up to date."""
    api.post(MAPS, json=config_map("one"))
    version = api.get(MAPS).json()["metadata"]["resourceVersion"]
    api.delete(f"{MAPS}/one")
    cluster.faults.stale_lists["configmaps"] = int(version)

    stale, fresh = (api.get(MAPS, params=query).json() for query in ({"resourceVersion": "0"}, {}))

    assert stale["metadata"]["resourceVersion"] == version
    assert [len(listed["items"]) for listed in (stale, fresh)] == [1, 0]


def test_an_unreachable_server_breaks_all_connections(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """An open log stream breaks, new requests get no answer, and afterwards all is well."""
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    api.post(pods, json=pod(containers=[{"name": "main", "image": "sleep:1"}]))
    cluster.world.wait("pods", NAMESPACE, "one", is_running)

    with api.stream("GET", f"{pods}/one/log", params={"follow": "true"}) as log:
        lines = log.iter_lines()
        first = next(lines)
        cluster.set_reachable(reachable=False)
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
            next(lines)
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        api.get(pods)
    cluster.set_reachable(reachable=True)

    assert (first, api.get(pods).status_code) == ("here", 200)


def test_followed_logs_can_be_cut(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """The connections of log streams alone break."""
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    api.post(pods, json=pod(containers=[{"name": "main", "image": "sleep:1"}]))
    cluster.world.wait("pods", NAMESPACE, "one", is_running)

    with api.stream("GET", f"{pods}/one/log", params={"follow": "true"}) as log:
        lines = log.iter_lines()
        assert next(lines) == "here"
        cluster.faults.cut_open_streams("pods/log")
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
            next(lines)
