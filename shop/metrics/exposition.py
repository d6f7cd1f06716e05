"""Exposition: samples as Prometheus's text, at the address that SHOP_METRICS names."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from shop.metrics.families import Family
from shop.metrics.histogram import Histogram
from shop.metrics.sources import Sample

logger = logging.getLogger(__name__)

_KINDS = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}

_NO_ADDRESS = (
    "no metrics at SHOP_METRICS=%s: %s. Give an address with a free port, as in 127.0.0.1:9464;"
    " each process on a machine needs its own."
)


class Samples(Collector):
    """Collector of what a function returns at each scrape."""

    def __init__(self, read: Callable[[], Iterable[Sample]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield a metric for each family."""
        metrics: dict[str, Metric] = {}
        for sample in self._read():
            metric = metrics.get(sample.family.name) or metrics.setdefault(
                sample.family.name, _metric(sample.family)
            )
            _add(metric, sample)
        yield from metrics.values()

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the names are known without a reading."""
        yield from ()


def _metric(family: Family) -> Metric:
    kind: type[Any] = _KINDS[family.kind]
    metric: Metric = kind(family.name, family.help, labels=family.labels)
    return metric


def _add(metric: Metric, sample: Sample) -> None:
    value = sample.value
    if isinstance(value, Histogram) and isinstance(metric, HistogramMetricFamily):
        metric.add_metric(sample.labels, value.cumulative(), value.total)
    elif isinstance(metric, CounterMetricFamily | GaugeMetricFamily) and not isinstance(value, Histogram):
        metric.add_metric(sample.labels, value)


def serve_samples(read: Callable[[], Iterable[Sample]]) -> None:
    """Serve samples, with the CPU time and the memory of this process."""
    registry = CollectorRegistry()
    registry.register(Samples(read))
    ProcessCollector(registry=registry)
    serve(registry)


def serve(registry: CollectorRegistry) -> None:
    """Serve a registry in a thread. Without the address the process goes on, and says so."""
    host, _, port = settings.SHOP_METRICS.rpartition(":")
    try:
        server, _ = start_http_server(int(port), host.strip("[]") or "127.0.0.1", registry)
    except (OSError, OverflowError, ValueError) as error:
        logger.error(_NO_ADDRESS, settings.SHOP_METRICS, error)  # noqa: TRY400 - the text says all
        return
    # A child process that outlives this one must not keep the port.
    os.register_at_fork(after_in_child=server.socket.close)
