"""One scrape of the metrics, read as Prometheus reads it."""

from __future__ import annotations

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from bot.metrics import application

Value = tuple[str, frozenset[tuple[str, str]]]


async def scraped(redis: Redis) -> dict[Value, float]:
    """Scrape, and give every sample by its name and labels."""
    transport = httpx2.ASGITransport(app=application(redis))
    async with httpx2.AsyncClient(transport=transport, base_url="http://bot") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    return parsed(answer.text)


def parsed(text: str) -> dict[Value, float]:
    """Read an exposition."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def value(found: dict[Value, float], name: str, **labels: str) -> float:
    """Give one sample's value."""
    return found[f"ablehand_{name}", frozenset(labels.items())]
