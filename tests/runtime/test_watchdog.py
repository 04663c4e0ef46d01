"""When a program is ended: every limit alone, and the result that beats them all."""

from __future__ import annotations

import pytest

from runtime.watchdog import Cause, Limits, Seen, passed_limit

LIMITS = Limits(wall_seconds=1000, output_bytes=5000, first_seconds=60, idle_seconds=100, linger_seconds=10)


def seen(**values: object) -> Seen:
    """Give a program that began at 0 and spoke at once, but for the given."""
    return Seen(**{"began_at": 0.0, "last_at": 0.0, "has_spoken": True} | values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "now", "cause"),
    [
        pytest.param(seen(), 99.0, None, id="fine"),
        pytest.param(seen(has_spoken=False), 59.0, None, id="about-to-begin"),
        pytest.param(seen(has_spoken=False, last_at=60.0), 61.0, Cause.UNBEGUN, id="only-complains"),
        pytest.param(seen(), 101.0, Cause.STALLED, id="silent"),
        pytest.param(seen(total_bytes=5001), 1.0, Cause.OUTPUT, id="too-much"),
        pytest.param(seen(last_at=1000.0), 1001.0, Cause.TIMEOUT, id="too-long"),
        pytest.param(seen(finished_at=5.0, last_at=5.0), 14.0, None, id="may-linger"),
        pytest.param(seen(finished_at=5.0, last_at=5.0), 16.0, Cause.LINGERED, id="lingers"),
        pytest.param(seen(finished_at=5.0, last_at=104.0), 104.5, None, id="still-says-something"),
        pytest.param(seen(finished_at=5.0, last_at=105.0), 105.5, Cause.LINGERED, id="never-stops-talking"),
        pytest.param(seen(finished_at=5.0, last_at=6.0, total_bytes=5001), 6.0, Cause.LINGERED, id="done-then-floods"),
        pytest.param(seen(finished_at=999.0, last_at=999.0), 1001.0, Cause.LINGERED, id="done-at-the-last-moment"),
    ],
)
def test_says_which_limit(what: Seen, now: float, cause: Cause | None) -> None:
    """Whoever has given a result has only failed to leave, whatever the limit."""
    assert passed_limit(LIMITS, what, now) == cause
