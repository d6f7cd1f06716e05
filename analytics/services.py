"""Services of analytics: project measurements, and rebuild the read models from the log."""

from collections.abc import Callable, Sequence

from celery import current_app
from celery.exceptions import OperationalError
from django.db import transaction
from django.utils import timezone

from analytics import rebuild_lock, replaying, shadow_tables
from analytics.differences import TableDifference, differences
from analytics.errors import VersionBeside
from analytics.measurements import Measurement
from analytics.models import JournalEntry, Projection
from analytics.registry import ORDERS
from analytics.replaying import Progress

#: Errors of a broker that cannot be reached.
BROKER_ERRORS = (OperationalError, OSError)

#: Called with what a swap is to change, before it.
Preview = Callable[[Sequence[TableDifference]], None]


def project(*, measurements: Sequence[Measurement]) -> None:
    """Add measurements to the read models. Not idempotent: the inbox ensures that each comes once.

    Raises:
        VersionMissing: a version is live that this code is too old for.
    """
    if replaying.collected(measurements):
        return
    with transaction.atomic(savepoint=False):
        version = rebuild_lock.lock_projection(measurements)
        ORDERS.applied_by(version)(measurements)


def rebuild(
    *,
    progress: Progress = lambda done, total: None,
    preview: Preview | None = None,
    dry_run: bool = False,
) -> int:
    """Rebuild the read models from the log, by the newest version, and return the number of events.

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
        VersionBeside: a second version lives in the shadow tables.
    """
    apply = ORDERS.versions[ORDERS.newest]
    with rebuild_lock.journaling():
        _refuse_beside_another_version()
        try:
            with rebuild_lock.projection_paused():
                JournalEntry.objects.all().delete()
                shadow_tables.create()
            done = replaying.replay_log(apply, progress)
            replaying.add_whole_journal(apply)
            with rebuild_lock.projection_paused():
                replaying.add_whole_journal(apply)
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


def _refuse_beside_another_version() -> None:
    beside = Projection.objects.filter(name=ORDERS.name).values_list("beside", flat=True).first()
    if beside is not None:
        raise VersionBeside(
            f"Version {beside} lives beside the live one: first promote it (rebuild_analytics --promote) or "
            "drop it (--drop)."
        )


def _note_rebuild() -> None:
    Projection.objects.update_or_create(
        name=ORDERS.name, defaults={"version": ORDERS.newest, "rebuilt_at": timezone.now()}
    )
