"""Watches over raw HTTP: where they begin, what they tell, when they end, and how they fail."""

import queue

import httpx2
import pytest

from simulators.kubernetes.faults import WatchFault
from simulators.kubernetes.server import KubernetesServer
from tests.simulators.kubernetes.api.conftest import NAMESPACE
from tests.simulators.kubernetes.api.manifests import config_map
from tests.simulators.kubernetes.api.stream import WatchStream

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
MERGE = {"content-type": "application/merge-patch+json"}


def _version(api: httpx2.Client) -> str:
    return str(api.get(MAPS).json()["metadata"]["resourceVersion"])


def _label(api: httpx2.Client, value: str | None) -> None:
    api.patch(f"{MAPS}/one", json={"metadata": {"labels": {"tier": value}}}, headers=MERGE)


def test_a_watch_without_a_version_begins_with_what_is_there(api: httpx2.Client) -> None:
    """Each object is ADDED first, then come the changes."""
    api.post(MAPS, json=config_map("one"))

    with WatchStream(api, MAPS) as watch:
        assert watch.told() == ("ADDED", "one")
        api.post(MAPS, json=config_map("two"))
        assert watch.told() == ("ADDED", "two")
        api.delete(f"{MAPS}/one")
        assert watch.told() == ("DELETED", "one")


def test_a_watch_from_a_version_misses_nothing(api: httpx2.Client) -> None:
    """What changed between a list and the watch comes first, in order, with growing versions."""
    version = _version(api)
    api.post(MAPS, json=config_map("one", a="1"))
    api.patch(f"{MAPS}/one", json={"data": {"a": "2"}}, headers=MERGE)
    api.delete(f"{MAPS}/one")

    with WatchStream(api, MAPS, resourceVersion=version) as watch:
        events = [watch.next() for _ in range(3)]

    seen = [(event["type"], event["object"]["data"]["a"]) for event in events if event]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events if event]
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
    assert versions == sorted(versions)
    assert versions[0] > int(version)


def test_a_selector_turns_changes_into_additions_and_deletions(api: httpx2.Client) -> None:
    """An object that begins to match is ADDED, one that no longer does is DELETED at the version of the change."""
    with WatchStream(api, MAPS, resourceVersion=_version(api), labelSelector="tier=web") as watch:
        api.post(MAPS, json=config_map("one"))
        _label(api, "web")
        api.patch(f"{MAPS}/one", json={"data": {"a": "2"}}, headers=MERGE)
        _label(api, "db")
        last = api.get(f"{MAPS}/one").json()["metadata"]["resourceVersion"]

        assert [watch.told() for _ in range(2)] == [("ADDED", "one"), ("MODIFIED", "one")]
        event = watch.next()

    assert event is not None
    assert (event["type"], event["object"]["metadata"]["resourceVersion"]) == ("DELETED", last)
    assert event["object"]["metadata"]["labels"] == {"tier": "web"}


def test_bookmarks_tell_the_version_of_a_quiet_watch(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """A bookmark has the version that other resources have moved on to, and nothing but that."""
    cluster.rest.watches.bookmark_seconds = 0.05

    with WatchStream(api, MAPS, resourceVersion=_version(api), allowWatchBookmarks="true") as watch:
        made = api.post(f"/api/v1/namespaces/{NAMESPACE}/secrets", json=_secret()).json()
        event = watch.next()
        while event and int(event["object"]["metadata"]["resourceVersion"]) < int(made["metadata"]["resourceVersion"]):
            event = watch.next()

    assert event is not None
    assert event["type"] == "BOOKMARK"
    assert event["object"] == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": made["metadata"]["resourceVersion"], "creationTimestamp": None},
    }


def _secret() -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}}


def test_initial_events_end_with_a_bookmark(api: httpx2.Client) -> None:
    """A streaming list tells by an annotation when it has shown everything."""
    api.post(MAPS, json=config_map("one"))
    query = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}

    with WatchStream(api, MAPS, **query) as watch:
        assert watch.told() == ("ADDED", "one")
        event = watch.next()

    assert event is not None
    assert event["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_forgotten_version_is_an_error_event(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """A watch from before a compaction answers 200, then one ERROR event with 410, then ends."""
    version = _version(api)
    api.post(MAPS, json=config_map("one"))
    cluster.world.forget_history()

    with WatchStream(api, MAPS, resourceVersion=version) as watch:
        event, end = watch.next(), watch.next()

    assert event is not None
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert event["object"]["message"].startswith(f"too old resource version: {version} (")
    assert end is None


def test_a_small_window_forgets(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """With a window of two changes, the version before three is too old, the one before two is not."""
    cluster.world.set_history_window(2)
    old = _version(api)
    api.post(MAPS, json=config_map("one"))
    young = _version(api)
    for name in ("two", "three"):
        api.post(MAPS, json=config_map(name))

    with WatchStream(api, MAPS, resourceVersion=old) as gone, WatchStream(api, MAPS, resourceVersion=young) as well:
        assert gone.told()[0] == "ERROR"
        assert well.told() == ("ADDED", "two")


def test_a_watch_ends_at_its_timeout(api: httpx2.Client) -> None:
    """The stream ends cleanly after `timeoutSeconds`."""
    with WatchStream(api, MAPS, timeoutSeconds=1) as watch:
        event = watch.next()
        while event is not None:
            event = watch.next()


def test_the_next_watch_can_be_gone(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """A fault gives one watch a 410; the one after it is well."""
    cluster.faults.fail_next_watch("configmaps", WatchFault.GONE)

    with WatchStream(api, MAPS, resourceVersion=_version(api)) as watch:
        first = watch.next()
    with WatchStream(api, MAPS, resourceVersion=_version(api)) as watch:
        api.post(MAPS, json=config_map("one"))
        second = watch.told()

    assert first is not None
    assert first["object"]["code"] == 410
    assert second == ("ADDED", "one")


def test_an_open_watch_can_fall_silent(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """A half-open watch says nothing more, not even at its timeout; a new one is well."""
    cluster.rest.watches.bookmark_seconds = 0.05
    version = _version(api)

    with WatchStream(api, MAPS, resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds=1) as watch:
        watch.next()
        cluster.faults.fail_open_watches("configmaps", WatchFault.SILENT)
        while not watch._events.empty():  # noqa: SLF001 - what was under way when the fault came
            watch.next()
        api.post(MAPS, json=config_map("one"))
        with WatchStream(api, MAPS, resourceVersion=version) as well:
            assert well.told() == ("ADDED", "one")
        with pytest.raises(queue.Empty):
            watch.next(seconds=1.5)


def test_open_watches_can_end_or_break(cluster: KubernetesServer, api: httpx2.Client) -> None:
    """A closed watch ends cleanly; a cut one loses its connection."""
    version = _version(api)
    with WatchStream(api, MAPS, resourceVersion=version) as closed:
        cluster.faults.fail_open_watches("*", WatchFault.CLOSED)
        assert closed.next() is None
    with WatchStream(api, MAPS, resourceVersion=version) as cut:
        cluster.faults.cut_open_streams("configmaps")
        assert cut.next() is None
