"""Services of analytics: project measurements, and rebuild the read models from the log."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice

from celery import current_app
from celery.exceptions import OperationalError
from django.db import transaction
from django.utils import timezone

from analytics import projection, rebuild_lock, shadow_tables
from analytics.differences import TableDifference, differences
from analytics.measurements import Measurement
from analytics.models import JournalEntry, Projection
from analytics.registry import ORDERS
from shop.messaging.consuming import Consumer, consumers
from shop.messaging.contracts import Event, as_version
from shop.messaging.event_log import count_events, replay

#: Number of events that a rebuild projects at a time.
CHUNK = 2000

#: Errors of a broker that cannot be reached.
BROKER_ERRORS = (OperationalError, OSError)

#: Called with the number of events done and their approximate total.
Progress = Callable[[int, int], None]
#: Called with what a swap is to change, before it.
Preview = Callable[[Sequence[TableDifference]], None]

_collected: ContextVar[list[Measurement] | None] = ContextVar("collected", default=None)


def project(*, measurements: Sequence[Measurement]) -> None:
    """Add measurements to the read models. Not idempotent: the inbox ensures that each comes once."""
    collected = _collected.get()
    if collected is not None:
        collected.extend(measurements)
        return
    with transaction.atomic(savepoint=False):
        rebuild_lock.lock_projection(measurements)
        projection.apply(measurements)


def rebuild(
    *,
    progress: Progress = lambda done, total: None,
    preview: Preview | None = None,
    dry_run: bool = False,
) -> int:
    """Rebuild the read models from the log, and return the number of events.

    Live events are projected meanwhile, into the old tables and into a journal. The rebuild

    1. pauses the projection for a moment, empties the journal and creates shadow tables: from now on, the
       journal has every event that is consumed, and none from before;
    2. replays the log into the shadow tables: the events that analytics has consumed, except those in the
       journal;
    3. adds the journal, until little is left;
    4. pauses the projection again, adds the rest, compares the shadow tables with the live ones for the
       preview, and copies them, unless it is a dry run.

    So every consumed event counts once. An event that is not consumed yet, such as a dead letter, counts
    when it is. If the process dies, the old tables stay, and the next rebuild cleans up.

    Raises:
        RebuildRunning: another rebuild is running.
    """
    with rebuild_lock.journaling():
        try:
            with rebuild_lock.projection_paused():
                JournalEntry.objects.all().delete()
                shadow_tables.create()
            done = _replay_log(progress)
            while _add_from_journal():
                pass
            with rebuild_lock.projection_paused():
                while _add_from_journal():
                    pass
                if preview:
                    preview(differences(ORDERS.read_models, shadow_tables.SCHEMA))
                if not dry_run:
                    shadow_tables.copy_to_live_tables()
                    _note_rebuild()
        finally:
            shadow_tables.drop()
    return done


def start_rebuild(*, by: str) -> str:
    """Start a rebuild in a worker for an operator, and return the id of the task.

    Raises one of BROKER_ERRORS at once if the broker cannot be reached: a web request does not wait for it.
    """
    task = current_app.send_task("analytics.rebuild", kwargs={"by": by}, queue="analytics", retry=False)
    return str(task.id)


def _note_rebuild() -> None:
    Projection.objects.update_or_create(
        name=ORDERS.name, defaults={"version": ORDERS.newest, "rebuilt_at": timezone.now()}
    )


def _replay_log(progress: Progress) -> int:
    """Replay the log into the shadow tables; return the number of events."""
    own = [consumer for consumer in consumers() if consumer.app == "analytics"]
    subscribed = {type_: consumer for consumer in own for type_ in consumer.logged_as}
    names = [consumer.name for consumer in own]
    log = replay(types=list(subscribed), consumed_by=names, chunk=CHUNK)
    done, total = 0, count_events(list(subscribed))
    while events := list(islice(log, CHUNK)):
        measurements = _measurements_of(events, subscribed)
        _add_to_shadow_tables(_not_in_journal(measurements))
        done += len(events)
        progress(done, total)
    return done


def _measurements_of(events: Iterable[Event], subscribed: dict[str, Consumer]) -> list[Measurement]:
    """Return the measurements that the consumers make of events."""
    by_consumer: defaultdict[Consumer, list[Event]] = defaultdict(list)
    for event in events:
        consumer = subscribed[event.type]
        by_consumer[consumer].append(as_version(event, consumer.event))
    with _collecting() as measurements:
        for consumer, alike in by_consumer.items():
            consumer.handler(alike)
    return measurements


@contextmanager
def _collecting() -> Iterator[list[Measurement]]:
    """Collect the measurements of project() instead of projecting them."""
    measurements: list[Measurement] = []
    token = _collected.set(measurements)
    try:
        yield measurements
    finally:
        _collected.reset(token)


def _not_in_journal(measurements: Sequence[Measurement]) -> list[Measurement]:
    ids = [measurement.event_id for measurement in measurements]
    journaled = set(JournalEntry.objects.filter(event_id__in=ids).values_list("event_id", flat=True))
    return [measurement for measurement in measurements if measurement.event_id not in journaled]


def _add_from_journal() -> bool:
    """Move a chunk of the journal into the shadow tables; return False if it was the last."""
    with transaction.atomic():
        entries = list(JournalEntry.objects.order_by("pk")[:CHUNK])
        JournalEntry.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
        _add_to_shadow_tables([Measurement.from_json(entry.observation) for entry in entries])
    return len(entries) == CHUNK


def _add_to_shadow_tables(measurements: Sequence[Measurement]) -> None:
    if measurements:
        with shadow_tables.redirected():
            projection.apply(measurements)
