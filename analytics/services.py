"""What analytics does: project what its consumers observe, and rebuild the read models from the log."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice

from celery import current_app
from celery.exceptions import OperationalError
from django.db import transaction

from analytics import projection, rebuild_lock, shadow_tables
from analytics.measurements import Observation
from analytics.models import JournalEntry
from shop.messaging.consuming import Consumer, consumers
from shop.messaging.contracts import Event, as_version
from shop.messaging.event_log import count_events, replay

#: How many events a rebuild takes at a time.
CHUNK = 2000

#: What a broker that cannot be reached raises.
BROKER_ERRORS = (OperationalError, OSError)

#: Told how many events are done, and of how many about.
Progress = Callable[[int, int], None]

_collected: ContextVar[list[Observation] | None] = ContextVar("collected", default=None)


def project(*, observations: Sequence[Observation]) -> None:
    """Add observations to the read models; each must come once, as the inbox makes sure."""
    collected = _collected.get()
    if collected is not None:
        collected.extend(observations)
        return
    with transaction.atomic(savepoint=False):
        rebuild_lock.join(observations)
        projection.apply(observations)


def rebuild(*, progress: Progress = lambda done, total: None) -> int:
    """Make the read models anew from the log and return of how many events; RebuildRunning if one runs.

    Live events go on meanwhile, into the old tables and into a journal. The rebuild

    1. closes the gate for a moment, empties the journal and makes fresh tables: what was consumed
       before is not in the journal, what is consumed from now on is;
    2. replays the log into the fresh tables: what analytics has consumed and is not in the journal;
    3. adds what the journal holds, until little is left;
    4. closes the gate again, adds the rest, and puts the fresh tables in the place of the old ones.

    So every consumed event counts once, and one that has not been consumed, a dead letter for instance,
    counts when it will be. If the process dies, the old tables stand and the next rebuild clears up.
    """
    with rebuild_lock.journaling():
        try:
            with rebuild_lock.closed():
                JournalEntry.objects.all().delete()
                shadow_tables.make()
            done = _replay_log(progress)
            while _add_from_journal():
                pass
            with rebuild_lock.closed():
                while _add_from_journal():
                    pass
                shadow_tables.take_over()
        finally:
            shadow_tables.drop()
    return done


def start_rebuild(*, by: str) -> str:
    """Have a worker rebuild on behalf of an operator, and return the id of the task.

    Raises one of BROKER_ERRORS at once where the broker cannot be reached: nobody waits for it.
    """
    task = current_app.send_task("analytics.rebuild", kwargs={"by": by}, queue="analytics", retry=False)
    return str(task.id)


def _replay_log(progress: Progress) -> int:
    """Replay the log into the fresh tables; return how many events it was."""
    own = [consumer for consumer in consumers() if consumer.app == "analytics"]
    subscribed = {type_: consumer for consumer in own for type_ in consumer.logged_as}
    names = [consumer.name for consumer in own]
    log = replay(types=list(subscribed), consumed_by=names, chunk=CHUNK)
    done, total = 0, count_events(list(subscribed))
    while events := list(islice(log, CHUNK)):
        observations = _observe(events, subscribed)
        _add_to_fresh(_not_in_journal(observations))
        done += len(events)
        progress(done, total)
    return done


def _observe(events: Iterable[Event], subscribed: dict[str, Consumer]) -> list[Observation]:
    """Have the consumers say what they observe in these events."""
    by_consumer: defaultdict[Consumer, list[Event]] = defaultdict(list)
    for event in events:
        consumer = subscribed[event.type]
        by_consumer[consumer].append(as_version(event, consumer.event))
    with _collecting() as observations:
        for consumer, alike in by_consumer.items():
            consumer.handler(alike)
    return observations


@contextmanager
def _collecting() -> Iterator[list[Observation]]:
    """Collect what would be projected."""
    observations: list[Observation] = []
    token = _collected.set(observations)
    try:
        yield observations
    finally:
        _collected.reset(token)


def _not_in_journal(observations: Sequence[Observation]) -> list[Observation]:
    ids = [observation.event_id for observation in observations]
    journaled = set(JournalEntry.objects.filter(event_id__in=ids).values_list("event_id", flat=True))
    return [observation for observation in observations if observation.event_id not in journaled]


def _add_from_journal() -> bool:
    """Add a chunk of the journal to the fresh tables; return whether there may be much more."""
    with transaction.atomic():
        entries = list(JournalEntry.objects.order_by("pk")[:CHUNK])
        JournalEntry.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
        _add_to_fresh([Observation.from_json(entry.observation) for entry in entries])
    return len(entries) == CHUNK


def _add_to_fresh(observations: Sequence[Observation]) -> None:
    if observations:
        with shadow_tables.fresh_tables():
            projection.apply(observations)
