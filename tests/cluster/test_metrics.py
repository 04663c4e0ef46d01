"""The metrics: every pod of the cluster reaches them on their own port, and nobody by the way that people come."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cluster import gitlab_pod
from tests.cluster.cluster import CommandFailed
from tests.cluster.gitlab import GitLab
from tests.cluster.installation import RELEASE, Installation, public_url

FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"


def fetched(gitlab: GitLab, address: str) -> str:
    """Fetch an address in another pod, of another namespace."""
    return gitlab.cluster.execute(gitlab.namespace, gitlab_pod.NAME, "python3", "-c", FETCH, address)


def test_another_pod_scrapes_every_bot(installation: Installation, gitlab: GitLab) -> None:
    """By the Service, and each pod by its own address, as Prometheus does: all tell the same of what has ended."""
    gitlab.wait_for_closing(gitlab.ask("Add a file DO edit=counted.txt"))
    installation.wait_until_idle()
    hosts = [f"[{ip}]" if ":" in ip else ip for ip in (pod["status"]["podIP"] for pod in installation.pods("bot"))]
    service = f"{RELEASE}-bot-metrics.{installation.namespace}.svc.cluster.local"

    told = [fetched(gitlab, f"http://{host}:9090/metrics") for host in (service, *hosts)]

    assert len(told) == 3
    for text in told:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        values = {(sample.name, sample.labels.get("phase")): sample.value for sample in samples}
        assert values["ablehand_up", None] == 1
        assert values["ablehand_reconciler_leaders", None] == 1
        assert values["ablehand_workers", None] == 2
        assert values["ablehand_tasks_ended_total", "completed"] >= 1


def test_people_find_no_metrics(installation: Installation, gitlab: GitLab) -> None:
    """Not on the port of the pages, and the Service that an Ingress leads to has no other."""
    [service] = installation.cluster.get(
        "services", installation.namespace, "--field-selector", "metadata.name=ablehand-bot"
    )

    assert [port["port"] for port in service["spec"]["ports"]] == [80]
    with pytest.raises(CommandFailed, match="404"):
        fetched(gitlab, f"{public_url(installation.namespace)}/metrics")
