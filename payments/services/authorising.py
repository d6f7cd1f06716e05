"""Authorisations: the amounts of new orders are held, and payments without an outcome are asked about."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from payments import gateway_calls, repository
from payments.models import Payment, payment_key
from payments.outcomes import payments as outcomes
from payments.services.attempting import end_former
from shop.messaging.contracts import Money
from shop.messaging.publishing import unit_of_work


@dataclass(frozen=True, slots=True)
class Bill:
    """Amount that the customer of an order is to pay."""

    order_id: UUID
    order_number: str
    amount: Money
    #: The provider's token of the means of payment.
    payment_method: str
    #: The customer may pay by other means after a decline.
    may_retry: bool = False


def authorise_payments(*, bills: Sequence[Bill]) -> None:
    """Hold the amounts of orders. Idempotent: each is held once.

    Publishes PaymentProcessed, PaymentActionRequired, PaymentDeclined, PaymentFailed or, if the order was
    stopped before, PaymentVoided. A payment that is stopped during the call is cancelled later.

    Raises:
        GatewayTimeout, GatewayUnavailable: some outcomes are unknown; call again.
    """
    known = repository.add_new([_payment(bill) for bill in bills])
    payments = {payment.order_id: payment for payment in known if payment.is_open}
    charges = gateway_calls.authorise_each(payments)
    with unit_of_work(leaving_out=charges.missing):
        outcomes.record((payments[order_id], charge) for order_id, charge in charges.given.items())
    charges.raise_first_error()


def _payment(bill: Bill) -> Payment:
    return Payment(
        order_id=bill.order_id,
        order_number=bill.order_number,
        idempotency_key=payment_key(bill.order_id),
        amount=bill.amount.amount,
        currency=bill.amount.currency,
        method=bill.payment_method,
        may_retry=bill.may_retry,
    )


def reconcile_payment(*, order_id: UUID) -> Payment:
    """Record the gateway's outcome of an open payment whose consumer has stopped working on it.

    Publishes the events of authorise_payments(). A payment that is to be stopped is cancelled at the gateway,
    or refunded if it was captured. One that is unknown to the gateway stays open.

    Raises:
        GatewayTimeout, GatewayUnavailable: the outcome is unknown; call again.
    """
    payment = Payment.objects.get(order_id=order_id)
    if not payment.is_open:
        return payment
    if not end_former(payment):
        payment.refresh_from_db()
        return payment
    if charge := gateway_calls.find_or_cancel(payment):
        with unit_of_work():
            outcomes.record([(payment, charge)])
        payment.refresh_from_db()
    return payment
