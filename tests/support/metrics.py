"""Metrics of running processes, read as Prometheus reads them."""

import urllib.request
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families


def scraped(*addresses: str) -> Counter[tuple[str, ...]]:
    """Return the sum of the samples at addresses, by name and the sorted labels' values."""
    found: Counter[tuple[str, ...]] = Counter()
    for address in addresses:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            found.update(samples(answer.read().decode()))
    return found


def samples(text: str) -> Counter[tuple[str, ...]]:
    """Return the samples of a text."""
    return Counter(
        {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )
