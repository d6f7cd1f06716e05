"""Flow of events: what each consumer has consumed in the past minute, what waits for it, who serves it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from shop.messaging.models import Circuit, DeadLetter, ScheduledMessage, WorkerNode
from shop.messaging.worker.presence import GONE_AFTER

#: Span over which rates are taken.
WINDOW = timedelta(minutes=1)

#: The critical time is from the event's id, which holds its time, to the inbox. An index on the time of
#: consumption serves it, so that its cost grows with the rate and not with the history.
_RATES = """
    SELECT consumer, count(*),
           percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM consumed_at) -
               ('x' || substr(replace(event_id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0)
    FROM messaging_inboxentry WHERE consumed_at > now() - make_interval(secs => %s) GROUP BY consumer
"""


@dataclass(frozen=True, slots=True)
class ConsumerFlow:
    """Flow through one consumer."""

    #: Events consumed in the past minute.
    a_minute: int = 0
    #: 99th percentile of the critical time of these, in seconds; None without any.
    p99: float | None = None
    #: Events that failed and are tried again.
    retries: int = 0
    #: Events that wait for the one before them.
    deferred: int = 0
    #: Events held because the consumer is paused.
    held: int = 0
    dead: int = 0
    is_paused: bool = False
    #: Operator who paused it, if a hand did.
    paused_by: str = ""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker, as it reported."""

    name: str
    host: str
    queues: tuple[str, ...]
    processes: int
    in_hand: int
    runs_a_minute: float
    started_at: datetime
    seen_at: datetime
    #: False if it has not reported for so long that it counts as gone.
    is_alive: bool


def flows() -> dict[str, ConsumerFlow]:
    """Return the flow of each consumer that has one, by its name."""
    numbers: defaultdict[str, dict[str, float | int | bool | str | None]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_RATES, [WINDOW.total_seconds()])
        for consumer, count, p99 in cursor.fetchall():
            numbers[consumer] |= {"a_minute": count, "p99": max(0.0, float(p99))}
    kinds = {"retry": "retries", "parked": "deferred", "held": "held"}
    scheduled = ScheduledMessage.objects.exclude(consumer="").order_by().values_list("consumer", "kind")
    for consumer, kind, count in scheduled.annotate(Count("pk")):
        numbers[consumer][kinds[kind]] = count
    dead = DeadLetter.objects.filter(status=DeadLetter.Status.OPEN).order_by().values_list("consumer")
    for consumer, count in dead.annotate(Count("pk")):
        numbers[consumer]["dead"] = count
    for consumer, operator in Circuit.objects.values_list("consumer", "paused_by"):
        numbers[consumer] |= {"is_paused": True, "paused_by": operator}
    return {consumer: ConsumerFlow(**found) for consumer, found in numbers.items()}  # type: ignore[arg-type]


def workers() -> list[Worker]:
    """Return the workers that run, or were killed within a day, by name."""
    alive_since = timezone.now() - timedelta(seconds=GONE_AFTER)
    return [_worker(node, alive_since) for node in WorkerNode.objects.order_by("name")]


def _worker(node: WorkerNode, alive_since: datetime) -> Worker:
    return Worker(
        name=node.name,
        host=node.host,
        queues=tuple(node.queues.split(", ")),
        processes=node.processes,
        in_hand=node.in_hand,
        runs_a_minute=node.runs_a_minute,
        started_at=node.started_at,
        seen_at=node.seen_at,
        is_alive=node.seen_at > alive_since,
    )
