"""Second version of the read models, beside the live one: begun, kept up to date, promoted or dropped.

It is a rebuild that does not end. Its state says that it exists, so every live projection writes to the
journal as well, whatever process may die; a task adds the journal to the shadow tables by the clock. The
promotion is the end of a rebuild: the projection pauses, the rest of the journal is added, and the tables
are swapped together with the number of the live version, which each projection reads after its lock.
"""

from celery.utils.log import get_task_logger
from django.utils import timezone

from analytics import rebuild_lock, replaying, shadow_tables
from analytics.differences import differences
from analytics.errors import NoVersionBeside, RebuildRefused, RebuildRunning, VersionBeside, VersionMissing
from analytics.models import JournalEntry, Projection
from analytics.registry import ORDERS, Apply
from analytics.replaying import Progress
from analytics.services import Preview

logger = get_task_logger(__name__)

#: Chunks of the journal that one run of follow() adds at most.
MAX_CHUNKS = 50


def begin(*, version: int, progress: Progress = lambda done, total: None) -> int:
    """Make a second version from the log, beside the live one, and return the number of events.

    Raises:
        VersionMissing: the code has no such version.
        VersionBeside: it is live, or another one is beside it.
        RebuildRunning: a rebuild is running.
    """
    apply = _code_of(version)
    with rebuild_lock.journaling():
        with rebuild_lock.projection_paused():
            _refuse_unless_new(version)
            _clear()
            shadow_tables.create(durable=True)
            _note(beside=version, beside_filled=False)
        try:
            done = replaying.replay_log(apply, progress)
        except BaseException:
            _drop()
            raise
        _note(beside_filled=True)
    return done


def follow() -> None:
    """Add what was consumed meanwhile to the version beside the live one, if there is one.

    One that was not filled because its process died is dropped.
    """
    if not Projection.objects.filter(beside__isnull=False).exists():
        return
    try:
        with rebuild_lock.one_rebuild():
            if Projection.objects.filter(beside__isnull=False, beside_filled=False).exists():
                logger.error("A second version of the read models was not filled to its end: it is dropped.")
                _drop()
            else:
                _add_from_journal(_followed())
    except RebuildRunning:
        logger.info("The version beside the live one waits for what is being done to it.")
    except RebuildRefused as refusal:
        logger.warning("The version beside the live one does not follow: %s", refusal)


def promote(*, preview: Preview | None = None, dry_run: bool = False) -> int | None:
    """Make the version beside the live one the live one, and return its number.

    Raises:
        NoVersionBeside: there is none, it is not filled yet, or its tables are of another shape.
        VersionMissing: the code does not have it.
        RebuildRunning: a rebuild is running.
    """
    with rebuild_lock.one_rebuild():
        apply = _followed()
        replaying.add_whole_journal(apply)
        with rebuild_lock.projection_paused():
            replaying.add_whole_journal(apply)
            version = _state().beside
            if preview:
                preview(differences(ORDERS.read_models, shadow_tables.SCHEMA))
            if not dry_run:
                shadow_tables.copy_to_live_tables()
                _clear()
                _note(version=version, rebuilt_at=timezone.now())
    return version


def drop() -> None:
    """Drop the version beside the live one, if there is one. RebuildRunning if a rebuild is running."""
    with rebuild_lock.one_rebuild():
        _drop()


def _drop() -> None:
    with rebuild_lock.projection_paused():
        _clear()


def _clear() -> None:
    """Leave nothing of a second version. Inside projection_paused(): nothing writes to the journal."""
    shadow_tables.drop()
    JournalEntry.objects.all().delete()
    _note(beside=None, beside_filled=False)


def _state() -> Projection:
    return Projection.objects.get(name=ORDERS.name)


def _note(**values: object) -> None:
    Projection.objects.filter(name=ORDERS.name).update(**values)


def _code_of(version: int) -> Apply:
    if version not in ORDERS.versions:
        known = ", ".join(map(str, sorted(ORDERS.versions)))
        raise VersionMissing(f"The code has no version {version} of the read models, only {known}.")
    return ORDERS.versions[version]


def _refuse_unless_new(version: int) -> None:
    state = _state()
    if version == state.version:
        raise VersionBeside(f"Version {version} is the live one: run rebuild_analytics to make it anew.")
    if state.beside is not None:
        raise VersionBeside(
            f"Version {state.beside} is beside the live one already: promote it (--promote) or drop it "
            "(--drop)."
        )


def _followed() -> Apply:
    """Return the code of the version beside the live one, which is filled and has the live tables' shape."""
    state = _state()
    if state.beside is None:
        raise NoVersionBeside("No version is beside the live one: begin one by --beside VERSION.")
    if not state.beside_filled:
        raise NoVersionBeside(
            f"Version {state.beside} was not filled to its end: drop it (--drop), and begin it again."
        )
    if changed := shadow_tables.of_another_shape():
        raise NoVersionBeside(
            f"A migration has changed {', '.join(changed)} since version {state.beside} began: drop it "
            "(--drop), and begin it again."
        )
    return _code_of(state.beside)


def _add_from_journal(apply: Apply) -> None:
    for _ in range(MAX_CHUNKS):
        if not replaying.add_from_journal(apply):
            return
