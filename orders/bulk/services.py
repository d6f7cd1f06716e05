"""Running of bulk actions: each order in a transaction of its own, with its outcome and its journal entry.

A worker that dies leaves the rest waiting, and the order at hand as it was. The task comes again and goes on.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from celery import current_app
from celery.exceptions import OperationalError
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from orders.admin_actions import ACTIONS
from orders.errors import OrdersError
from orders.models import BulkAction, BulkActionRow, Order
from shop import journal

logger = logging.getLogger("shop.orders")

#: Errors raised when the broker cannot be reached.
BROKER_ERRORS = (OperationalError, OSError)
#: Seconds after which a run leaves the rest to another one, far below the time limit of tasks.
TIME_SLICE = 20.0
State = BulkActionRow.State


@transaction.atomic
def prepare(*, action: str, orders: Sequence[Order], given: dict[str, Any], by: User) -> BulkAction:
    """Store an action on many orders, to be started."""
    bulk = BulkAction.objects.create(action=action, given=given, by=by)
    BulkActionRow.objects.bulk_create([BulkActionRow(bulk=bulk, order=order) for order in orders])
    return bulk


def start(bulk_id: UUID) -> None:
    """Have a worker run what is waiting. Runs beside each other share the orders.

    Raises one of BROKER_ERRORS at once if the broker cannot be reached: a web request does not wait for it.
    """
    arguments = {"bulk_id": str(bulk_id)}
    current_app.send_task("orders.run_bulk_action", kwargs=arguments, queue="orders", retry=False)


def run(*, bulk_id: UUID) -> bool:
    """Run the action on the orders that wait, and return whether none is left."""
    bulk, until = BulkAction.objects.select_related("by").get(pk=bulk_id), time.monotonic() + TIME_SLICE
    while _run_next(bulk):
        if time.monotonic() > until:
            return False
    return True


def _run_next(bulk: BulkAction) -> bool:
    """Run the action on the next order, and return whether there was one."""
    with transaction.atomic():
        waiting = bulk.rows.filter(state=State.WAITING).order_by("pk")
        row = waiting.select_related("order").select_for_update(of=("self",), skip_locked=True).first()
        if row is None:
            return False
        row.state, row.detail = _outcome(bulk, row.order)
        row.ended_at = timezone.now()
        row.save(update_fields=["state", "detail", "ended_at"])
    return True


def _outcome(bulk: BulkAction, order: Order) -> tuple[str, str]:
    """Act on an order, and return state and detail; without effect if that is refused or fails."""
    action = ACTIONS[bulk.action]
    if not (bulk.by.is_active and bulk.by.has_perm(action.permission)):
        return State.REFUSED, f"{bulk.by} may not do this any more."
    try:
        with transaction.atomic():
            done = action.service(order.pk, bulk.given)
            journal.record_by(bulk.by, done, f"{action.done} (with others)")
    except OrdersError as refusal:
        return State.REFUSED, str(refusal)[:300]
    except Exception as error:
        if not connection.is_usable():
            raise
        logger.exception("bulk action %s failed for order %s", bulk.pk, order.pk)
        return State.FAILED, type(error).__name__
    return State.DONE, action.done
