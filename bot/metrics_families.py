"""The metrics: their names, their words, and where each value comes from. Pure.

Names and units are as Prometheus wants them. Labels have few values: phases, reasons and kinds that are ours, and a
hundred projects at most, those that spent something first (`core.counts.MOST_PAYERS`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from core.counts import BUCKETS, CLUSTER_KINDS, GITLAB_KINDS, spelt
from core.measure import Measured
from core.reasons import Reason
from core.task import FINAL_PHASES, Phase, Source

OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter. *known*: for each label its values; any other word is shown as `OTHER`."""

    name: str
    counts: str
    """The first word of what is counted, as `core.counts` has it."""
    says: str
    known: Mapping[str, tuple[str, ...]]
    always: tuple[tuple[str, ...], ...] = ()
    """Shown from the beginning, so that the first of them is an increase."""


_ENDS: Final = tuple(sorted(phase.value for phase in FINAL_PHASES))
_REASONS: Final = ("none", *sorted(reason.value for reason in Reason))
_SOURCES: Final = tuple(source.value for source in Source)
_RESULTS: Final = ("accepted", "duplicate", "ignored", "refused")
_WHYS: Final = ("none", "signature", "token", "timestamp", "instance", "malformed", "store")
_EVENTS: Final = ("opened", "merged", "closed", "reopened")
COUNTED: Final = (
    Counted(
        "ablehand_tasks_received", "received", "Tasks that were asked for, by what they came from.",
        {"source": _SOURCES}, tuple((source,) for source in _SOURCES),
    ),
    Counted(
        "ablehand_tasks_ended", "ended", "Tasks that have ended, by phase and reason; none where there is no reason.",
        {"phase": _ENDS, "reason": _REASONS},
        (("completed", "none"), ("cancelled", "none"), *(("failed", reason) for reason in _REASONS[1:])),
    ),
    Counted(
        "ablehand_webhook_deliveries", "webhook", "Deliveries of GitLab's, by our answer; of a refusal, also why.",
        {"result": _RESULTS, "why": _WHYS},
        (*((result, "none") for result in _RESULTS[:3]), *(("refused", why) for why in _WHYS[1:])),
    ),
    Counted("ablehand_swept_triggers", "swept", "Triggers that no hook told, found by the sweep.", {}, ((),)),
    Counted(
        "ablehand_merge_requests", "merge_requests", "What has become of merge requests that we opened.",
        {"event": _EVENTS}, tuple((event,) for event in _EVENTS),
    ),
    Counted(
        "ablehand_gitlab_errors", "gitlab_errors",
        "GitLab's refusals, of our own token or a viewer's, by kind; not_found and conflict may be expected answers.",
        {"token": ("own", "viewer"), "kind": GITLAB_KINDS}, tuple(("own", kind) for kind in GITLAB_KINDS),
    ),
    Counted(
        "ablehand_cluster_errors", "cluster_errors", "The cluster's refusals, by kind; refused may be expected.",
        {"kind": CLUSTER_KINDS}, tuple((kind,) for kind in CLUSTER_KINDS),
    ),
)  # fmt: skip
TIMES: Final = {
    "reaction": ("ablehand_time_to_reaction_seconds", "From a trigger's arrival to the sign that it was seen."),
    "start": ("ablehand_time_to_start_seconds", "From a trigger's arrival to the first step of its first run."),
    "merge_request": ("ablehand_time_to_merge_request_seconds", "From a trigger's arrival to its merge request."),
}
GAUGES: Final = {
    "stored": ("ablehand_tasks_stored", "Tasks that lists show, ended ones until they expire."),
    "queue_age": ("ablehand_queue_oldest_seconds", "How long the first of the queue has waited for a slot."),
    "overdue": ("ablehand_tasks_overdue", "Tasks whose deadline has passed and that nobody has looked at since."),
    "lag": ("ablehand_reconciler_lag_seconds", "How long the most overdue task has been waiting for the reconciler."),
    "untold": ("ablehand_tasks_untold", "Tasks whose last change GitLab should show and does not yet."),
    "untold_age": ("ablehand_untold_oldest_seconds", "How long the most overdue of these has been waiting."),
    "leaders": ("ablehand_reconciler_leaders", "Reconcilers that lead: 1, or 0 while nobody does."),
}


def families(measured: Measured | None) -> Iterator[Metric]:
    """Yield every metric; of None, which stands for a Redis that is not there, only that it is not."""
    yield GaugeMetricFamily("ablehand_up", "Whether Redis answered this scrape.", value=int(measured is not None))
    if measured is None:
        return
    yield _phases(measured)
    for name, (metric, says) in GAUGES.items():
        yield GaugeMetricFamily(metric, says, value=measured.now[name])
    yield CounterMetricFamily(
        "ablehand_reconciler_terms", "How often a reconciler began to lead.", value=measured.now["terms"]
    )
    yield _turns(measured)
    yield _costs(measured)
    yield from _others(measured)
    for counted in COUNTED:
        yield _counter(counted, measured.counts)
    for name, (metric, says) in TIMES.items():
        yield _histogram(name, metric, says, measured.counts)


def _phases(measured: Measured) -> Metric:
    family = GaugeMetricFamily("ablehand_tasks", "Tasks that have not ended, by phase.", labels=["phase"])
    for phase in Phase:
        if not phase.is_final:
            family.add_metric([phase], measured.now["phases"].get(phase, 0))
    return family


def _turns(measured: Measured) -> Metric:
    family = GaugeMetricFamily(
        "ablehand_reconciler_turn_timestamp_seconds",
        "When each turn of the leader's got through last.",
        labels=["turn"],
    )
    for turn, moment in sorted(measured.turns.items()):
        family.add_metric([turn], float(moment))
    return family


def _costs(measured: Measured) -> Metric:
    family = CounterMetricFamily("ablehand_cost_usd", "US dollars that runs have cost, by project.", labels=["project"])
    for project, usd in sorted(measured.costs.items()):
        family.add_metric([OTHER if project == OTHER else measured.paths.get(project, project)], float(usd))
    return family


def _others(measured: Measured) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "ablehand_disabled_hooks", "Webhooks of ours that GitLab has switched off.", value=measured.disabled_hooks
    )
    jobs = GaugeMetricFamily("ablehand_jobs", "Steps in RQ, waiting or failed in the last day.", labels=["state"])
    jobs.add_metric(["waiting"], measured.jobs_waiting)
    jobs.add_metric(["failed"], measured.jobs_failed)
    yield jobs
    yield GaugeMetricFamily("ablehand_workers", "Workers that RQ knows of.", value=measured.workers)


def _counter(counted: Counted, counts: Mapping[str, str]) -> Metric:
    found: Counter[tuple[str, ...]] = Counter(dict.fromkeys(counted.always, 0))
    for name, number in counts.items():
        first, *words = name.split(" ")
        if first == counted.counts and len(words) == len(counted.known):
            known = counted.known.values()
            found[tuple(word if word in some else OTHER for word, some in zip(words, known, strict=True))] += int(
                number
            )
    family = CounterMetricFamily(counted.name, counted.says, labels=list(counted.known))
    for labels, total in sorted(found.items()):
        family.add_metric(labels, total)
    return family


def _histogram(name: str, metric: str, says: str, counts: Mapping[str, str]) -> Metric:
    bounds = [*map(spelt, BUCKETS[name]), "over"]
    sums = accumulate(int(counts.get(f"{name} {bound}", 0)) for bound in bounds)
    labels = [str(float(bound)) for bound in BUCKETS[name]] + ["+Inf"]
    return HistogramMetricFamily(
        metric, says, buckets=list(zip(labels, sums, strict=True)), sum_value=float(counts.get(f"{name} sum", 0))
    )
