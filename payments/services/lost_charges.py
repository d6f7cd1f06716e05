"""Charges of orders that a restore of the database has lost: the provider alone knows them.

There is no payment to lock. Each call has a key of its own, so that a repeated one changes nothing.
"""

from uuid import UUID

from payments.errors import PaymentKnown
from payments.gateway import ChargeStatus, RefundStatus, gateway
from payments.models import Payment
from payments.queries import UnknownCharge, unknown_charges


def release_lost_charges(*, order_id: UUID) -> list[UnknownCharge]:
    """Cancel what is held for a lost order and give back what was taken; return the charges as they were.

    Raises:
        PaymentKnown: the shop has a payment of this order.
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
        if charge.held.amount and (now := gateway().find(key=charge.key)):
            gateway().capture(key=f"lost:{charge.key}", charge=now.reference, amount=charge.held)
    return charges


def _refund_key(charge: UnknownCharge, reference: str) -> str:
    """Return the key of the next try: the provider answers one that has failed with the failure, for good."""
    own = f"lost:{charge.key}:"
    given = [one for one in gateway().find_refunds(charge=reference) if one.key.startswith(own)]
    return f"{own}{sum(one.status == RefundStatus.FAILED for one in given)}"


def _charges_of(order_id: UUID) -> list[UnknownCharge]:
    if Payment.objects.filter(order_id=order_id).exists():
        raise PaymentKnown(PaymentKnown.__doc__)
    return [charge for charge in unknown_charges() if charge.order_id == order_id]
