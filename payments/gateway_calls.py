"""Calls to the payment gateway. After a timeout, the outcome is looked up by the call's key.

Gateways refuse to charge nothing. A payment of nothing, and its refund, succeed without a call.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from payments.disputes import ProviderDispute
from payments.gateway import (
    Charge,
    ChargeRequest,
    ChargeStatus,
    GatewayTimeout,
    GivenBack,
    ProviderRefund,
    RefundStatus,
    gateway,
)
from payments.models import Payment, Refund
from shop.messaging.providers import Results, call_each


def charge_each(payments: Mapping[UUID, Payment]) -> Results[Charge]:
    """Charge payments, and cancel the charges of those that are to be stopped.

    Args:
        payments: open payments by order id, as are the results.
    """
    return call_each(payments, _charge_or_cancel, call_together=_charge_together)


def cancel_charge(payment: Payment) -> Charge:
    """Cancel the charge of a payment; return the charge as it stands, which may have been made before.

    Raises:
        GatewayTimeout, GatewayUnavailable: the charge may still be made.
    """
    if payment.is_free:
        return Charge("", ChargeStatus.CANCELED)
    try:
        return gateway().cancel_charge(key=payment.idempotency_key)
    except GatewayTimeout:
        return _find_charge(payment)


def find_or_cancel_charge(payment: Payment) -> Charge | None:
    """Look up the charge of a payment, or cancel it if the payment is to be stopped.

    None if the gateway has not finished a charge.
    """
    if payment.stop_requested:
        return cancel_charge(payment)
    if payment.is_free:
        return _charge(payment)
    return gateway().find_charge(key=payment.idempotency_key)


def request_refund(refund: Refund) -> ProviderRefund:
    """Request a refund, or look up one that is pending.

    Raises:
        GatewayTimeout, GatewayUnavailable: the refund may not have been accepted.
    """
    if not refund.amount:
        return ProviderRefund("", RefundStatus.SUCCEEDED)
    key, charge = refund.idempotency_key, refund.payment.reference
    known = gateway().find_refund(key=key, charge=charge) if refund.state == Refund.State.PENDING else None
    if known:
        return known
    try:
        return gateway().refund(key=key, charge=charge, amount=refund.money)
    except GatewayTimeout:
        found = gateway().find_refund(key=key, charge=charge)
        if found is None:
            raise
        return found


def find_refunds(payment: Payment) -> Sequence[GivenBack]:
    """Look up all that the provider has given back of a payment, whoever requested it.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say.
    """
    return gateway().find_refunds(charge=payment.reference) if payment.reference else ()


def find_disputes(payment: Payment) -> Sequence[ProviderDispute]:
    """Look up the disputes of a payment.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say.
    """
    return gateway().find_disputes(charge=payment.reference) if payment.reference else ()


def find_order(charge: str) -> UUID | None:
    """Look up the order of a charge that the shop has not recorded.

    Raises:
        GatewayTimeout, GatewayUnavailable: the provider does not say.
    """
    return gateway().find_order(charge=charge)


def _charge_or_cancel(payment: Payment) -> Charge:
    return cancel_charge(payment) if payment.stop_requested else _charge(payment)


def _charge_together(payments: Mapping[UUID, Payment]) -> dict[UUID, Charge]:
    order_ids = {payment.idempotency_key: order_id for order_id, payment in payments.items()}
    wanted = [
        _request(payment)
        for payment in payments.values()
        if not payment.stop_requested and not payment.is_free
    ]
    return {order_ids[key]: charge for key, charge in gateway().charge_many(wanted).items()}


def _charge(payment: Payment) -> Charge:
    if payment.is_free:
        return Charge("", ChargeStatus.SUCCEEDED)
    try:
        return gateway().charge(**_request(payment)._asdict())
    except GatewayTimeout:
        return _find_charge(payment)


def _request(payment: Payment) -> ChargeRequest:
    return ChargeRequest(payment.idempotency_key, payment.money, payment.method, payment.order_id)


def _find_charge(payment: Payment) -> Charge:
    """Look up the charge that a call without an answer made; if there is none, it may be under way."""
    charge = gateway().find_charge(key=payment.idempotency_key)
    if charge is None:
        raise GatewayTimeout(f"the gateway has not answered about {payment.idempotency_key}")
    return charge
