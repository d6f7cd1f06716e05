"""The order doctor: audits the shop, repairs what can be repaired safely, and says what a person has to do.

It works beside a running shop. Each repair looks again, in its own transaction, whether it is still
needed; two doctors never work at once; and a repair that was just made is not made again.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain

from celery import current_app
from celery.exceptions import OperationalError
from django.conf import settings
from django.db import connection
from django.utils import timezone

from console.audit import Report, audit
from console.doctor.advice import verdicts
from console.doctor.findings import Examination, Finding, Look, backlog, messages
from console.doctor.remedies import Outcome, State
from console.doctor.stalled_orders import lost_timers, stalled, unanswered
from console.models import Checkup, Repair

logger = logging.getLogger("shop.doctor")

#: Where to look, in this order: what comes first may explain what comes later.
LOOKS: tuple[Look, ...] = (messages, lost_timers, unanswered, stalled, verdicts, backlog)
#: Findings that a check-up keeps for its page; all are counted.
KEPT = 500
#: The advisory lock of the doctor at work.
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('console:doctor', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('console:doctor', 0))"


#: How long check-ups and repairs are kept.
RETENTION = timedelta(days=365)
#: What a broker that cannot be reached raises.
BROKER_ERRORS = (OperationalError, OSError)


class AnotherDoctor(Exception):
    """Another check-up is running: wait until it is done."""


@dataclass
class Treatment:
    """A check-up with all its findings and what became of each."""

    checkup: Checkup
    report: Report
    outcomes: list[tuple[Finding, Outcome]] = field(default_factory=list)

    @property
    def counts(self) -> Counter[State]:
        """How many findings ended how."""
        return Counter(outcome.state for _, outcome in self.outcomes)


def check_up(*, by: str, repair: bool, grace: timedelta | None = None) -> Treatment:
    """Audit everything and, if asked to, repair what is safe.

    Args:
        by: who wants it, for the record.
        repair: else it only says what it would do.
        grace: what was set off since is taken to be under way; ``SHOP_DOCTOR_GRACE`` unless given.

    Raises:
        AnotherDoctor: one is at work.
    """
    with _sole_doctor():
        treatment = Treatment(Checkup(by=by, repairing=repair), audit())
        exam = Examination(treatment.report, settings.SHOP_DOCTOR_GRACE if grace is None else grace)
        for finding in chain.from_iterable(look(exam) for look in LOOKS):
            outcome = _treat(finding, by=by) if repair else finding.remedy.plan()
            treatment.outcomes.append((finding, outcome))
            if finding.order_id and outcome.state != State.LEFT:
                exam.in_care.add(finding.order_id)
        _record(treatment)
    return treatment


def start_check_up(*, by: str, repair: bool) -> str:
    """Have a worker do it on behalf of an operator, and return the id of the task.

    Raises one of BROKER_ERRORS at once where the broker cannot be reached: nobody waits for it.
    """
    arguments = {"by": by, "repair": repair}
    return str(current_app.send_task("console.check_up", kwargs=arguments, queue="messaging", retry=False).id)


def is_at_work() -> bool:
    """Whether a check-up is running."""
    try:
        with _sole_doctor():
            return False
    except AnotherDoctor:
        return True


def _treat(finding: Finding, *, by: str) -> Outcome:
    try:
        return finding.remedy.apply(by=by)
    except Exception as error:
        logger.exception("the doctor could not repair %s", finding)
        return Outcome(State.LEFT, f"could not be repaired: {type(error).__name__}: {error}")


def _record(treatment: Treatment) -> None:
    checkup, counts = treatment.checkup, treatment.counts
    checkup.ended_at = timezone.now()
    checkup.orders = treatment.report.orders.total()
    checkup.repaired = counts[State.REPAIRED] + counts[State.REPAIRABLE]
    checkup.under_way, checkup.left = counts[State.UNDER_WAY], counts[State.LEFT] + counts[State.HANDED_OVER]
    checkup.notes = treatment.report.notes
    checkup.findings = [
        {
            "kind": finding.kind,
            "about": finding.about,
            "says": finding.says,
            "order_id": str(finding.order_id) if finding.order_id else None,
            "state": outcome.state,
            "outcome": outcome.says,
        }
        for finding, outcome in treatment.outcomes[:KEPT]
    ]
    checkup.save()
    horizon = timezone.now() - RETENTION
    Checkup.objects.filter(began_at__lt=horizon).delete()
    Repair.objects.filter(at__lt=horizon).delete()


@contextmanager
def _sole_doctor() -> Iterator[None]:
    """Be the only doctor. The lock belongs to the database session: one that dies hinders nobody."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if not cursor.fetchall()[0][0]:
            raise AnotherDoctor(AnotherDoctor.__doc__)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_UNLOCK)
