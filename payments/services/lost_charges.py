"""Charges that a restore of the database has lost: the provider alone knows them.

Of a lost order there is no payment to lock. Each call has a key of its own, so that a repeated one changes
nothing. An order that the shop knows may have lost a later attempt to pay it, or a renewal.
"""

from uuid import UUID

from django.db import transaction

from payments import gateway_calls, repository
from payments.errors import NotTakenOver, PaymentKnown
from payments.gateway import Charge, ChargeStatus, RefundStatus, gateway
from payments.models import Attempt, Payment, attempt_of
from payments.queries import UnknownCharge, unknown_charges
from payments.services.authorising import reconcile_payment
from payments.services.renewing import replace_hold


def release_lost_charges(*, order_id: UUID) -> list[UnknownCharge]:
    """Cancel what is held by lost charges and give back what was taken; return the charges as they were.

    Raises:
        PaymentKnown: the shop knows all charges of this order.
        GatewayTimeout, GatewayUnavailable: call again.
    """
    charges = _charges_of(order_id)
    for charge in charges:
        now = gateway().find(key=charge.key)
        if now and now.status == ChargeStatus.REQUIRES_CAPTURE:
            gateway().cancel(key=charge.key)
        elif now and charge.kept:
            amount = charge.captured.model_copy(update={"amount": charge.kept})
            gateway().refund(key=_refund_key(charge, now.reference), charge=now.reference, amount=amount)
    return charges


def keep_lost_charges(*, order_id: UUID) -> list[UnknownCharge]:
    """Take what is held for a lost order whose goods have left; return the charges as they were.

    Raises:
        PaymentKnown: the shop has a payment of this order.
        GatewayTimeout, GatewayUnavailable: call again.
    """
    charges = _charges_of(order_id)
    for charge in charges:
        if charge.order_is_known:
            raise PaymentKnown(PaymentKnown.__doc__)
        if charge.held.amount and (now := gateway().find(key=charge.key)):
            gateway().capture(key=f"lost:{charge.key}", charge=now.reference, amount=charge.held)
    return charges


def take_over_lost_charge(*, order_id: UUID) -> Payment:
    """Let the latest lost charge of an order that the shop knows pay it. May be called again.

    Publishes PaymentProcessed, unless it replaces a hold.

    Raises:
        PaymentKnown: the shop knows all charges of this order.
        NotTakenOver: the order is paid otherwise, or waits for no payment any more.
        GatewayTimeout, GatewayUnavailable: call again.
    """
    latest = max(_charges_of(order_id), key=lambda charge: attempt_of(charge.key))
    found = gateway().find(key=latest.key)
    payment = Payment.objects.get(order_id=order_id)
    if found and payment.is_held:
        _take_over_renewal(payment, found, latest.key)
    else:
        _begin(order_id, attempt_of(latest.key))
    return reconcile_payment(order_id=order_id)


def _take_over_renewal(payment: Payment, found: Charge, key: str) -> None:
    is_next = attempt_of(key) == payment.attempt + 1
    if not is_next or gateway_calls.release(payment).status == ChargeStatus.SUCCEEDED:
        raise NotTakenOver(NotTakenOver.__doc__)
    if not replace_hold(payment, found):
        raise NotTakenOver(NotTakenOver.__doc__)


@transaction.atomic
def _begin(order_id: UUID, number: int) -> None:
    """Commit the attempt that the charge was made by. Its means of payment are lost."""
    payment = repository.lock(order_id)
    waits = payment.awaits_other_means or (payment.awaits_customer and payment.may_retry)
    if not waits or payment.stop_requested:
        raise NotTakenOver(NotTakenOver.__doc__)
    Attempt.of(payment).save(force_insert=True)
    payment.begin_attempt(number, method="")
    repository.store(payment)


def _refund_key(charge: UnknownCharge, reference: str) -> str:
    """Return the key of the next try: the provider answers one that has failed with the failure, for good."""
    own = f"lost:{charge.key}:"
    given = [one for one in gateway().find_refunds(charge=reference) if one.key.startswith(own)]
    return f"{own}{sum(one.status == RefundStatus.FAILED for one in given)}"


def _charges_of(order_id: UUID) -> list[UnknownCharge]:
    charges = [charge for charge in unknown_charges() if charge.order_id == order_id]
    if not charges and Payment.objects.filter(order_id=order_id).exists():
        raise PaymentKnown(PaymentKnown.__doc__)
    return charges
