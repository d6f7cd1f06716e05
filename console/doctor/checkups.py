"""Check-ups: audit the shop, make the safe repairs and report the findings that need a person.

A check-up works beside a running shop. Each repair checks again, in its own transaction, that it is still
needed. Only one check-up runs at a time, and a recent repair is not repeated.
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
from django.utils.translation import override

from console.audit import Report, audit
from console.doctor.advice import audit_violations
from console.doctor.findings import (
    Check,
    Examination,
    Finding,
    consumers_behind,
    forged_messages,
    overdue_messages,
    unconsumed_events,
)
from console.doctor.given_back import unknown_refunds
from console.doctor.late_returns import lost_ends_of_returns
from console.doctor.remedies import Outcome, State
from console.doctor.stalled_orders import lost_timers, overdue_parcels, stalled_orders, unanswered_calls
from console.doctor.unanswered_refunds import refunds_without_an_answer
from console.doctor.uncaptured import uncaptured_orders
from console.doctor.unworked_notices import unworked_notices
from console.models import Checkup, Repair
from shop.messaging.consuming.subscriptions import subscribe_new

logger = logging.getLogger("shop.doctor")

#: Checks in this order: an earlier finding may explain a later one.
CHECKS: tuple[Check, ...] = (
    unconsumed_events,
    consumers_behind,
    lost_timers,
    lost_ends_of_returns,
    unanswered_calls,
    unknown_refunds,
    unworked_notices,
    refunds_without_an_answer,
    uncaptured_orders,
    overdue_parcels,
    stalled_orders,
    audit_violations,
    overdue_messages,
    forged_messages,
)
#: Limit on the findings stored with a check-up; all are counted.
MAX_STORED_FINDINGS = 500
#: Statements on the advisory lock of the running check-up.
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('console:doctor', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('console:doctor', 0))"
#: Retention of check-ups and repairs.
RETENTION = timedelta(days=365)
#: Errors raised when the broker cannot be reached.
BROKER_ERRORS = (OperationalError, OSError)


class CheckupRunning(Exception):
    """Another check-up is running: wait until it is done."""


@dataclass
class CheckupResult:
    """Check-up with all its findings and the outcome of each."""

    checkup: Checkup
    report: Report
    outcomes: list[tuple[Finding, Outcome]] = field(default_factory=list)

    @property
    def counts(self) -> Counter[State]:
        """Number of findings by state."""
        return Counter(outcome.state for _, outcome in self.outcomes)


def check_up(*, by: str, repair: bool, grace: timedelta | None = None) -> CheckupResult:
    """Audit the whole shop and, if asked to, make the safe repairs.

    Args:
        by: user name for the record.
        repair: make the repairs; otherwise only plan them.
        grace: messages and steps younger than this count as under way; ``SHOP_DOCTOR_GRACE`` by default.

    Raises:
        CheckupRunning: another check-up is running.
    """
    with _exclusive_lock(), override("en"):  # what is stored is shown in each reader's language
        subscribe_new()
        result = CheckupResult(Checkup(by=by, repairing=repair), audit())
        exam = Examination(result.report, settings.SHOP_DOCTOR_GRACE if grace is None else grace)
        for finding in chain.from_iterable(check(exam) for check in CHECKS):
            outcome = _repair(finding, by=by) if repair else finding.remedy.plan()
            result.outcomes.append((finding, outcome))
            if finding.order_id and outcome.state != State.LEFT:
                exam.being_repaired.add(finding.order_id)
        _store(result)
    return result


def start_check_up(*, by: str, repair: bool) -> str:
    """Start a check-up in a worker and return the id of the task.

    Raises one of BROKER_ERRORS at once if the broker cannot be reached: a web request does not wait for it.
    """
    arguments = {"by": by, "repair": repair}
    return str(current_app.send_task("console.check_up", kwargs=arguments, queue="messaging", retry=False).id)


def is_running() -> bool:
    """Return True if a check-up is running."""
    try:
        with _exclusive_lock():
            return False
    except CheckupRunning:
        return True


def _repair(finding: Finding, *, by: str) -> Outcome:
    try:
        return finding.remedy.apply(by=by)
    except Exception as error:
        logger.exception("the doctor could not repair %s", finding)
        return Outcome(State.LEFT, f"could not be repaired: {type(error).__name__}: {error}")


def _store(result: CheckupResult) -> None:
    checkup, counts = result.checkup, result.counts
    checkup.ended_at = timezone.now()
    checkup.orders = result.report.orders.total()
    checkup.repaired = counts[State.REPAIRED] + counts[State.REPAIRABLE]
    checkup.under_way, checkup.left = counts[State.UNDER_WAY], counts[State.LEFT] + counts[State.HANDED_OVER]
    checkup.notes = result.report.notes
    checkup.findings = [
        {
            "kind": finding.kind,
            "about": finding.subject,
            "says": finding.message,
            "order_id": str(finding.order_id) if finding.order_id else None,
            "state": outcome.state,
            "outcome": outcome.message,
        }
        for finding, outcome in result.outcomes[:MAX_STORED_FINDINGS]
    ]
    checkup.save()
    horizon = timezone.now() - RETENTION
    Checkup.objects.filter(began_at__lt=horizon).delete()
    Repair.objects.filter(at__lt=horizon).delete()


@contextmanager
def _exclusive_lock() -> Iterator[None]:
    """Hold the advisory lock. It belongs to the database session, so a process that dies releases it."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if not cursor.fetchall()[0][0]:
            raise CheckupRunning(CheckupRunning.__doc__)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_UNLOCK)
