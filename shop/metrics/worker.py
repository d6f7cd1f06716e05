"""Metrics of a worker and of the relay in it, from the signals that the kernel sends in its main process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shop.messaging.consuming import consumers
from shop.messaging.consuming.tally import OUTCOMES, Tally
from shop.messaging.relay.step import RELAY_QUEUE
from shop.messaging.signals import batch_relayed, consumer_ran, relay_paused
from shop.metrics import families
from shop.metrics.exposition import serve_samples
from shop.metrics.histogram import Histogram
from shop.metrics.sources import Sample

_SEND = ("send",)


class ConsumerNumbers:
    """Numbers of a consumer."""

    def __init__(self) -> None:
        self.outcomes = [0] * len(OUTCOMES)
        self.skipped = self.failed_tries = self.unfinished_runs = 0
        self.duration = Histogram(families.PROCESS_DURATION.bounds)
        self.events = Histogram(families.BATCH_EVENTS.bounds)
        self.critical_time = Histogram(families.CRITICAL_TIME.bounds)

    def add(self, events: int, seconds: float, tally: Tally) -> None:
        """Add a run."""
        for position, number in enumerate(tally.outcomes):
            self.outcomes[position] += number
        self.skipped += max(0, events - sum(tally.outcomes))
        self.failed_tries += tally.failed
        self.duration.observe(seconds)
        self.events.observe(events)
        self.critical_time.observe_each([age / 1000 for age in tally.critical_times])

    def samples(self, consumer: str) -> Iterator[Sample]:
        """Yield all numbers."""
        numbers = dict(zip(OUTCOMES, self.outcomes, strict=True)) | {"skipped": self.skipped}
        for outcome, number in numbers.items():
            yield Sample(families.CONSUMED_MESSAGES, number, (consumer, outcome))
        yield Sample(families.FAILED_TRIES, self.failed_tries, (consumer,))
        yield Sample(families.UNFINISHED_RUNS, self.unfinished_runs, (consumer,))
        yield Sample(families.PROCESS_DURATION, self.duration, (consumer,))
        yield Sample(families.BATCH_EVENTS, self.events, (consumer,))
        yield Sample(families.CRITICAL_TIME, self.critical_time, (consumer,))


class WorkerNumbers:
    """Numbers of all consumers that a worker serves."""

    def __init__(self, apps: set[str]) -> None:
        served = [consumer.name for consumer in consumers() if consumer.app in apps]
        self._of = {name: ConsumerNumbers() for name in served}

    def note(
        self, sender: str, events: int, seconds: float | None, tally: Tally | None, **kwargs: object
    ) -> None:
        """Note a run: receiver of consumer_ran."""
        numbers = self._of[sender]
        if seconds is None or tally is None:
            numbers.unfinished_runs += 1
        else:
            numbers.add(events, seconds, tally)

    def samples(self) -> Iterator[Sample]:
        """Yield all numbers."""
        for consumer, numbers in self._of.items():
            yield from numbers.samples(consumer)


class RelayNumbers:
    """Numbers of the relay."""

    def __init__(self) -> None:
        self._sent = self._pauses = 0
        self._duration = Histogram(families.SEND_DURATION.bounds)
        self._entries = Histogram(families.RELAY_BATCH.bounds)

    def note(self, entries: int, seconds: float, **kwargs: object) -> None:
        """Note a batch: receiver of batch_relayed."""
        self._sent += entries
        self._duration.observe(seconds)
        self._entries.observe(entries)

    def note_pause(self, **kwargs: object) -> None:
        """Note a pause: receiver of relay_paused."""
        self._pauses += 1

    def samples(self) -> Iterator[Sample]:
        """Yield all numbers."""
        yield Sample(families.SENT_MESSAGES, self._sent)
        yield Sample(families.SEND_DURATION, self._duration, _SEND)
        yield Sample(families.RELAY_BATCH, self._entries)
        yield Sample(families.RELAY_PAUSES, self._pauses)


def serve(queues: set[str]) -> None:
    """Serve the metrics of a worker that takes from these queues."""
    parts: list[Any] = [worker := WorkerNumbers(queues)]
    consumer_ran.connect(worker.note, weak=False)
    if RELAY_QUEUE in queues:
        parts.append(relay := RelayNumbers())
        batch_relayed.connect(relay.note, weak=False)
        relay_paused.connect(relay.note_pause, weak=False)
    serve_samples(lambda: (sample for part in parts for sample in part.samples()))
