"""The chart's NetworkPolicies, where the cluster's network enforces any: who reaches what, and what an agent does."""

from __future__ import annotations

import json

import pytest

from tests.cluster import gitlab_pod
from tests.cluster.installation import RELEASE, Installation


def places(installation: Installation) -> dict[str, str]:
    """Name what there is to reach."""
    own = f"{installation.namespace}.svc.cluster.local"
    return {
        "pages": f"{RELEASE}-bot.{own}:80",
        "metrics": f"{RELEASE}-bot-metrics.{own}:9090",
        "redis": f"{RELEASE}-redis.{own}:6379",
        "gitlab": gitlab_pod.address(installation.gitlab.namespace).removeprefix("http://"),
        "bucket": gitlab_pod.address(installation.gitlab.namespace, gitlab_pod.BUCKET_PORT).removeprefix("http://"),
        "cluster": "kubernetes.default.svc.cluster.local:443",
    }


def reached(installation: Installation, printed: str) -> set[str]:
    """Read what agent.py has printed of these places."""
    line = next(line for line in printed.splitlines() if line.startswith("REACHED "))
    found = json.loads(line.removeprefix("REACHED "))
    return {name for name, place in places(installation).items() if place in found}


def reached_by_others(installation: Installation) -> set[str]:
    """Give what a pod of another namespace reaches of it."""
    gitlab = installation.gitlab
    words = f"DO reach={','.join(places(installation).values())}"
    here = ("exec", "--stdin", "--namespace", gitlab.namespace, gitlab_pod.NAME)
    return reached(installation, gitlab.cluster.kubectl(*here, "--", "python3", "/town/agent.py", stdin=words))


@pytest.fixture
def enforced(installation: Installation) -> None:
    """Skip where the cluster's network enforces no policies: they are the only thing between a pod and Redis."""
    if "redis" in reached_by_others(installation):
        pytest.skip("this cluster's network enforces no NetworkPolicies")


@pytest.mark.usefixtures("enforced")
def test_other_pods_reach_pages_and_metrics(installation: Installation) -> None:
    """And nothing else of ours; the metrics only if they are among those that metrics.from names."""
    own = {"pages", "metrics", "redis"}
    chosen = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]

    assert reached_by_others(installation) & own == {"pages", "metrics"}
    with installation.changed({"metrics": {"from": chosen}}):
        installation.cluster.wait(
            lambda: reached_by_others(installation) & own == {"pages"}, "the end of the way to the metrics"
        )


@pytest.mark.usefixtures("enforced")
def test_an_agent_reaches_gitlab_and_nothing_else(installation: Installation) -> None:
    """Neither Redis nor the bot, neither the API server nor another port of the machine that GitLab is on."""
    log = installation.agent_log(f"reach={','.join(places(installation).values())}")

    assert reached(installation, log) == {"gitlab"}
