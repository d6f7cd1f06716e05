"""Outcomes of refunds, as payments tells them."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from orders import history
from orders.changes import take
from orders.models import Order, RefundRequest
from shop.messaging.publishing import unit_of_work


@unit_of_work()
def record_given_back(amounts: Mapping[UUID, Decimal]) -> None:
    """Note the amounts that customers got back, by refund; refunds that no one requested are left out."""
    for request in RefundRequest.objects.filter(pk__in=amounts).order_by("pk"):
        request.state, request.failure_code = RefundRequest.State.SUCCEEDED, ""
        request.amount = amounts[request.pk]
        _store(request)


@unit_of_work()
def record_failures(failures: Collection[tuple[UUID, UUID, str]]) -> list[Order]:
    """Note failed refunds, and ask for attention where an order waits for its money to go back.

    Args:
        failures: order, refund and code of each.
    """
    refund_ids = [refund_id for _, refund_id, _ in failures]
    requests = {request.pk: request for request in RefundRequest.objects.filter(pk__in=refund_ids)}
    orders = take(
        [
            (order_id, history.part_refund_failed if refund_id in requests else history.refund_failed)
            for order_id, refund_id, _ in failures
        ]
    )
    for _, refund_id, code in failures:
        if request := requests.get(refund_id):
            _fail(request, code)
    return orders


def _fail(request: RefundRequest, code: str) -> None:
    """Note a failure, unless the money came back meanwhile."""
    if request.state != RefundRequest.State.SUCCEEDED:
        request.state, request.failure_code = RefundRequest.State.FAILED, code[:100]
        _store(request)


def _store(request: RefundRequest) -> None:
    request.changed_at = timezone.now()
    request.save(update_fields=RefundRequest.CHANGEABLE)
