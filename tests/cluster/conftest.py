"""One installation of the product for the whole suite, in namespaces of random names, which are deleted at the end."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster import account, gitlab_pod, options
from tests.cluster.cluster import Cluster, CommandFailed, NoCluster
from tests.cluster.gitlab import GitLab, start
from tests.cluster.installation import Installation, public_url, values_for
from tests.cluster.options import Options
from tests.cluster.proxy import Proxy, open_proxy

DELETION_SECONDS = 240
CLUSTER = pytest.StashKey[Cluster]()
NAMESPACES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this suite."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """End at once, and well, with one line, where there is no cluster."""
    if config.option.help:
        return None
    folder = tempfile.TemporaryDirectory(prefix="ablehand-cluster-")
    config.add_cleanup(folder.cleanup)
    cluster = Cluster(folder=Path(folder.name))
    try:
        cluster.check()
    except NoCluster as reason:
        print(f"skipped: no cluster: {reason}")
        return 0
    config.stash[CLUSTER] = cluster
    config.stash[NAMESPACES] = []
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what a person would need below a failure."""
    report = yield
    if report.failed:
        namespaces = item.config.stash[NAMESPACES]
        report.sections.append(("the cluster", account.tell(item.config.stash[CLUSTER], namespaces)))
    return report


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Cluster:
    """Give the cluster of KUBECONFIG."""
    return pytestconfig.stash[CLUSTER]


@pytest.fixture(scope="session")
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    """Give the way to the cluster's Services."""
    with open_proxy(cluster) as opened:
        yield opened


@pytest.fixture(scope="session")
def installation(pytestconfig: pytest.Config, cluster: Cluster, proxy: Proxy) -> Iterator[Installation]:
    """Give the product, installed and ready, with its webhooks in place. Tests leave it as they found it."""
    with installed(pytestconfig, cluster, proxy) as made:
        yield made


@pytest.fixture(scope="session")
def gitlab(installation: Installation) -> GitLab:
    """Give the simulated GitLab of the installation."""
    return installation.gitlab


@contextmanager
def installed(config: pytest.Config, cluster: Cluster, proxy: Proxy) -> Iterator[Installation]:
    """Install the product and a GitLab for it; delete their namespaces at the end, unless they shall be kept."""
    namespace = f"ablehand-{secrets.token_hex(3)}"
    namespaces = (namespace, f"{namespace}-agents", f"{namespace}-gitlab")
    chosen = Options.of(config)
    config.stash[NAMESPACES].extend(namespaces)
    try:
        yield _install(cluster, proxy, chosen, namespaces)
    except (AssertionError, CommandFailed, OSError) as error:
        # Here, not in a report: that is made when the namespaces are gone.
        error.add_note(account.tell(cluster, namespaces))
        raise
    finally:
        for name in namespaces:
            config.stash[NAMESPACES].remove(name)
        if not chosen.keep:
            arguments = ("--ignore-not-found", f"--timeout={DELETION_SECONDS}s")
            cluster.kubectl("delete", "namespace", *namespaces, *arguments, seconds=DELETION_SECONDS + 10)


def _install(cluster: Cluster, proxy: Proxy, chosen: Options, namespaces: tuple[str, str, str]) -> Installation:
    namespace, agents, gitlab_namespace = namespaces
    pod = gitlab_pod.objects(gitlab_namespace, public_url(namespace), chosen)
    gitlab = start(cluster, proxy, gitlab_namespace, *pod)
    made = Installation(
        cluster=cluster,
        gitlab=gitlab,
        namespace=namespace,
        agents=agents,
        values=values_for(gitlab, chosen, namespace),
    )
    made.install()
    made.install_hooks()
    return made
