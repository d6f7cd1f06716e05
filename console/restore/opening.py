"""Opening of a shop whose database was restored: once everything that must come before is done."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import ProgrammingError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from console.erasure.forgetting import Applied, apply_erasures
from console.restore.errors import NoErasures, NotMigrated, NotRestored, NotTheOwner, RelayRunning
from shop.ids import uuid7_at
from shop.messaging.models import EventRecord, Restore
from shop.messaging.relay_age import relay_age
from shop.messaging.restores import opening, sequences
from shop.security.database_roles import as_owner


@dataclass(frozen=True, slots=True)
class Opened:
    """Steps that were taken before the shop was opened."""

    #: Time of the newest event; None in an empty log.
    newest_event_at: datetime | None
    #: Numbers that each sequence leaves out.
    gap: int
    sequences: int
    #: Sessions that were ended.
    sessions: int
    erasures: Applied


def open_restored(*, by: str, restored: bool, erasures: bool, gap: int | None) -> Opened:
    """Make a restored database safe to run on, and open it.

    Args:
        by: who opens it, for the record.
        restored: it was restored, though nothing shows it.
        erasures: False if nobody was ever forgotten, and so there is no file of erasures.
        gap: numbers to leave out in each sequence; by default by the rate of events.

    Raises:
        NotRestored, NotMigrated, RelayRunning, NoErasures, NotTheOwner: nothing was changed.
    """
    _check(restored=restored, erasures=erasures)
    newest = _newest_event()
    chosen = sequences.suggested_gap(_hours_before(newest)) if gap is None else gap
    moved = _advance(chosen)
    applied = apply_erasures()
    sessions, _ = Session.objects.all().delete()
    identity, target = opening.present_identity()
    with transaction.atomic():
        Restore.objects.create(
            identity=identity,
            target=target,
            is_restore=True,
            newest_event_at=newest,
            gap=chosen,
            by=by,
            opened_at=timezone.now(),
        )
    return Opened(newest, chosen, moved, sessions, applied)


def _advance(gap: int) -> int:
    try:
        with as_owner():
            return sequences.advance(gap)
    except ProgrammingError as error:
        raise NotTheOwner from error


def _check(*, restored: bool, erasures: bool) -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotMigrated
    with connection.cursor() as cursor:
        if opening.is_open(cursor) and not restored:
            raise NotRestored
    if relays := relay_age().relays:
        raise RelayRunning(relays=relays)
    if erasures and not Path(settings.SHOP_ERASURES_FILE).exists():
        raise NoErasures(path=settings.SHOP_ERASURES_FILE)


def _newest_event() -> datetime | None:
    return EventRecord.objects.order_by("-position").values_list("time", flat=True).first()


def _hours_before(moment: datetime | None, hours: int = 24) -> UUID:
    return uuid7_at((moment or timezone.now()) - timedelta(hours=hours))


def lines(opened: Opened) -> Iterator[str]:
    """Yield what was done, a line each."""
    if opened.newest_event_at:
        lost = timezone.now() - opened.newest_event_at
        yield (
            f"Newest event in the log: {opened.newest_event_at:%Y-%m-%d %H:%M:%S} UTC, "
            f"{lost.total_seconds():.0f} s ago"
        )
    yield f"Numbers left out, so that none is given twice: {opened.gap} in {opened.sequences} sequences"
    yield f"Sessions ended: {opened.sessions}"
    yield (
        f"Customers forgotten again: {len(opened.erasures.forgotten)}, "
        f"not in this database: {len(opened.erasures.unknown)}"
    )
    for subject in opened.erasures.waiting:
        yield f"To be forgotten once its orders have ended: {subject} (manage.py apply_erasures)"
