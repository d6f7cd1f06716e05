"""Age of the oldest event that waits for each app, on every bus: from log and inbox.

RabbitMQ does not tell the age of a message in a quorum queue, and a held or retried event is in no queue.
"""

import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from shop.ids import uuid7_at
from shop.messaging.consuming import Consumer
from shop.messaging.consuming.subscriptions import logged_consumers
from shop.messaging.lag import lag_of, settled_position
from shop.messaging.models import EventRecord

#: Span of the log that the first search looks through. Later ones begin where all was consumed.
WINDOW = timedelta(hours=1)
#: Seconds for which a process keeps the answer.
CACHE_SECONDS = 10.0


class Ages:
    """Ages by events queue, as this process last read them."""

    def __init__(self) -> None:
        self._settled: dict[str, int] = {}
        self._found: dict[str, float] = {}
        self._read_at = float("-inf")

    def oldest(self) -> dict[str, float]:
        """Return the seconds since the oldest event that each queue's consumers have not consumed; 0 if none.

        Events from before WINDOW count with it at the least: they are not looked for again.
        """
        if time.monotonic() - self._read_at > CACHE_SECONDS:
            self._found = {queue: self._age(queue, found) for queue, found in _by_queue().items()}
            self._read_at = time.monotonic()
        return self._found

    def _age(self, queue: str, consumers: list[Consumer]) -> float:
        lag = lag_of(consumers, after=self._settled.get(queue) or _first_position(), limit=1)
        self._settled[queue] = settled_position(lag)
        return lag.seconds


def _by_queue() -> dict[str, list[Consumer]]:
    found: defaultdict[str, list[Consumer]] = defaultdict(list)
    for consumer in logged_consumers():
        found[consumer.queue].append(consumer)
    return dict(sorted(found.items()))


def _first_position() -> int:
    before = EventRecord.objects.filter(id__lt=uuid7_at(datetime.now(UTC) - WINDOW)).order_by("-id")
    return before.values_list("position", flat=True).first() or 0


ages = Ages()
